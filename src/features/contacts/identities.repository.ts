import type { Scope } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import { table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** One name of a person, where it is unique. */
export interface ScopedIdentity {
  kind: string;
  scope: string;
  value: string;
}

/** What somebody is called at one place of a list. */
export interface CalledAt {
  place: number;
  identities: ScopedIdentity[];
  phone_key: string | null;
  /** A contact that is meant whatever it is called. */
  contact_id: string | null;
}

export interface KnownAt {
  place: number;
  id: string;
  phone_key: string | null;
}

/**
 * The living contacts that have one of the names or the number of a place, each once for it, oldest first. Each name is a
 * look into an index: joined freely, a plan made while the table was small would read all of it once it is large.
 */
const findKnown = prepare<{ account_id: string; called: string }, KnownAt>(
  'list_known_by',
  `with called as materialized (
    select * from jsonb_to_recordset(cast(:called as jsonb)) as n (place integer, kind text, scope text, value text, phone_key text, contact_id uuid)
  )
  select distinct k.place, k.id, k.phone_key
    from (select n.place, c.id, c.phone_key from called n
           cross join lateral (select contact_id from contact_identities i
                                where i.account_id = :account_id and i.scope = n.scope and i.kind = n.kind and i.value = n.value offset 0) i
           cross join lateral (select id, phone_key from contacts c
                                where c.account_id = :account_id and c.id = i.contact_id and c.erased_at is null offset 0) c
           where n.value is not null
          union all
          select n.place, c.id, c.phone_key from called n
           cross join lateral (select id, phone_key from contacts c
                                where c.account_id = :account_id and c.phone_key = n.phone_key and c.erased_at is null offset 0) c
           where n.phone_key is not null
          union all
          select n.place, c.id, c.phone_key from called n
           cross join lateral (select id, phone_key from contacts c
                                where c.account_id = :account_id and c.id = n.contact_id and c.erased_at is null offset 0) c
           where n.contact_id is not null) k
   order by k.place, k.id`,
);

export async function listKnownBy({ db, account_id }: Ctx, called: CalledAt[]): Promise<KnownAt[]> {
  const rows = called.flatMap(({ place, identities, phone_key, contact_id }) => [
    ...identities.map((identity) => ({ place, ...identity })),
    ...(phone_key === null ? [] : [{ place, phone_key }]),
    ...(contact_id === null ? [] : [{ place, contact_id }]),
  ]);
  if (rows.length === 0) return [];
  return findKnown(db, { account_id, called: JSON.stringify(rows) });
}

export interface AssignedIdentity extends ScopedIdentity {
  contact_id: string;
  /** When it was told first, and last where that was later. */
  at: Date;
  last_at?: Date | undefined;
}

const assign = prepare<{ account_id: string; assigned: string; source: string }>(
  'assign_identities',
  `insert into contact_identities as i (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
   select distinct on (k.scope, k.kind, k.value) cast(:account_id as uuid), k.contact_id, k.kind, k.scope, k.value,
          :source, k.at, coalesce(k.last_at, k.at)
     from jsonb_to_recordset(cast(:assigned as jsonb))
          as k (contact_id uuid, kind text, scope text, value text, at timestamptz, last_at timestamptz)
   on conflict on constraint contact_identities_value
     do update set contact_id = excluded.contact_id, last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at)
     where i.contact_id <> excluded.contact_id or i.last_seen_at < excluded.last_seen_at`,
);

/** Gives contacts these names, also those that another one had. */
export async function assignIdentities(
  { db, account_id }: Ctx,
  assigned: AssignedIdentity[],
  source: string,
): Promise<void> {
  if (assigned.length === 0) return;
  await assign(db, { account_id, assigned: JSON.stringify(assigned), source });
}

/** Whether anybody got one of these names after `at`: what was told of them then is an old story by now. */
export async function areGivenAnew({ db, account_id }: Ctx, identities: ScopedIdentity[], at: Date): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select from contact_identities i join jsonb_to_recordset(cast(:identities as jsonb)) as k (kind text, scope text, value text)
         on i.scope = k.scope and i.kind = k.kind and i.value = k.value
      where i.account_id = :account_id and i.first_seen_at > :at limit 1`,
    { account_id, identities: JSON.stringify(identities), at },
  );
  return rows.length > 0;
}

/** Takes these names away, whoever has them. */
export async function dropIdentities({ db, account_id }: Ctx, identities: ScopedIdentity[]): Promise<void> {
  await db.raw(
    `delete from contact_identities i using jsonb_to_recordset(cast(:identities as jsonb)) as k (kind text, scope text, value text)
      where i.account_id = :account_id and i.scope = k.scope and i.kind = k.kind and i.value = k.value`,
    { account_id, identities: JSON.stringify(identities) },
  );
}

/** All names of one contact become another's. */
export async function moveIdentities(ctx: Ctx, from: string, to: string): Promise<void> {
  await table(ctx, 'contact_identities').where({ contact_id: from }).update({ contact_id: to });
}

/** The contact is another one from now on, and what was merged into it too. */
export async function markMerged(ctx: Ctx, from: string, to: string): Promise<void> {
  await table(ctx, 'contacts').where({ merged_into: from }).update({ merged_into: to });
  await table(ctx, 'contacts').where({ id: from }).update({ merged_into: to });
}

/** Ids of the contacts that were merged into this one. */
export async function listMergedInto(ctx: Ctx, id: string): Promise<string[]> {
  const rows = await table(ctx, 'contacts').where({ merged_into: id }).select('id');
  return rows.map((row) => row.id);
}
