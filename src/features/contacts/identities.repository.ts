import type { Scope } from '../../context.ts';
import { table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** One name of a person, where it is unique. */
export interface ScopedIdentity {
  kind: string;
  scope: string;
  value: string;
}

/** The living contacts that have one of these names or this number, each once, oldest first. */
export async function listContactsKnownBy(
  { db, account_id }: Ctx,
  identities: ScopedIdentity[],
  phone_key: string | null,
): Promise<{ id: string; phone_key: string | null }[]> {
  const { rows } = await db.raw<{ rows: { id: string; phone_key: string | null }[] }>(
    `select c.id, c.phone_key from contacts c
      where c.account_id = :account_id and c.erased_at is null
        and c.id in (
          select i.contact_id from contact_identities i
            join jsonb_to_recordset(cast(:identities as jsonb)) as k (kind text, scope text, value text)
              on i.scope = k.scope and i.kind = k.kind and i.value = k.value
           where i.account_id = :account_id
          union
          select p.id from contacts p where p.account_id = :account_id and p.phone_key = cast(:phone_key as text))
      order by c.id`,
    { account_id, identities: JSON.stringify(identities), phone_key },
  );
  return rows;
}

/** Gives the contact these names, also those that another one had. */
export async function assignIdentities(
  { db, account_id }: Ctx,
  contact_id: string,
  identities: ScopedIdentity[],
  { source, at }: { source: string; at: Date },
): Promise<void> {
  if (identities.length === 0) return;
  await db.raw(
    `insert into contact_identities as i (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
     select distinct on (k.scope, k.kind, k.value) cast(:account_id as uuid), cast(:contact_id as uuid), k.kind, k.scope, k.value,
            :source, cast(:at as timestamptz), cast(:at as timestamptz)
       from jsonb_to_recordset(cast(:identities as jsonb)) as k (kind text, scope text, value text)
     on conflict on constraint contact_identities_value
       do update set contact_id = excluded.contact_id, last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at)`,
    { account_id, contact_id, identities: JSON.stringify(identities), source, at },
  );
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
