import type { Context, Scope } from '../../context.ts';
import type { ContactIdentitiesRow, ContactsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { Problem } from '../../problem.ts';
import type { ContactView } from './contacts.schema.ts';
import { countryCode, readPhone, searchDigits } from './phone-number.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

type Identity = Pick<ContactIdentitiesRow, 'kind' | 'scope' | 'value' | 'source'> & {
  /** As PostgreSQL writes times into JSON. */
  first_seen_at: string;
  last_seen_at: string;
};

export interface ContactWithIdentities extends ContactsRow {
  identities: Identity[];
}

export type NewContactRow = Omit<
  ContactsRow,
  | 'profile_name'
  | 'name_key'
  | 'marketing_opted_out_at'
  | 'marketing_preference_at'
  | 'erased_at'
  | 'is_live'
  | 'merged_into'
>;

const identity_members = `'kind', i.kind, 'scope', i.scope, 'value', i.value, 'source', i.source,
  'first_seen_at', i.first_seen_at, 'last_seen_at', i.last_seen_at`;

/** The identities of a contact `c`, oldest first, out of a table or of what a statement has written. */
export const identitiesOf = (from: string) => `
  (select coalesce(jsonb_agg(jsonb_build_object(${identity_members}) order by i.first_seen_at, i.kind, i.value), '[]')
     from ${from} i where i.account_id = c.account_id and i.contact_id = c.id)`;

/** Identities come with the contacts of `from`, in the same statement. */
const withIdentities = (from: string) => `
  select c.*, ${identitiesOf('contact_identities')} as identities from ${from} c`;

/** The contact with its phone as first identity, in one statement; breaks `contacts_phone_key` when the number is taken. */
export async function insertContact({ db }: Ctx, row: NewContactRow): Promise<ContactWithIdentities> {
  const { rows } = await db.raw<{ rows: ContactWithIdentities[] }>(
    `with c as (
       insert into contacts (account_id, id, name, phone, phone_key, phone_digits, email, external_ref, metadata, created_at, updated_at)
       values (:account_id, :id, :name, :phone, :phone_key, :phone_digits, :email, :external_ref, :metadata, :created_at, :updated_at)
       returning *
     ), i as (
       insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
       select account_id, id, 'phone', 'account', phone, 'user', created_at, created_at from c where phone is not null
       -- The key decides who has a number; an identity of another contact stays where it is until the two are merged.
       on conflict on constraint contact_identities_value do nothing
       returning *
     )
     select c.*, (select coalesce(jsonb_agg(jsonb_build_object(${identity_members})), '[]') from i) as identities from c`,
    { ...row, metadata: JSON.stringify(row.metadata) },
  );
  const [inserted] = rows;
  if (!inserted) throw new Error('an insert returned no row');
  return inserted;
}

/** By its id, or by that of one that was merged into it. */
export async function findContact({ db, account_id }: Ctx, id: string): Promise<ContactWithIdentities | undefined> {
  const sql = `${withIdentities('contacts')}
     where c.account_id = :account_id and c.erased_at is null
       and c.id = coalesce((select m.merged_into from contacts m where m.account_id = :account_id and m.id = :id), :id)`;
  const { rows } = await db.raw<{ rows: ContactWithIdentities[] }>(sql, { account_id, id });
  return rows[0];
}

/** `phone_key` as `readPhone` gives it: both forms of the ninth digit have the same. */
export async function findContactByPhone(
  { db, account_id }: Ctx,
  phone_key: string,
): Promise<ContactWithIdentities | undefined> {
  const sql = `${withIdentities('contacts')} where c.account_id = ? and c.phone_key = ?`;
  const { rows } = await db.raw<{ rows: ContactWithIdentities[] }>(sql, [account_id, phone_key]);
  return rows[0];
}

// The metacharacters of LIKE are escaped after search_key, which turns a full-width percent sign into a plain one.
const name_part = `regexp_replace(search_key(:search), '([\\\\%_])', '\\\\\\1', 'g')`;
const name_has = `name_key like '%' || ${name_part} || '%'`;
const phone_has = `phone_digits like '%' || :digits || '%'`;
// A trigram needs three characters; fewer are found at the beginnings of words, numbers with their country code or without.
const name_begins = `(name_key like ${name_part} || '%' or name_key like '% ' || ${name_part} || '%')`;
const phone_begins = `(phone_digits like :digits || '%' or phone_digits like '% ' || :digits || '%'
  or phone_digits like :country_code || :digits || '%' or phone_digits like '% ' || :country_code || :digits || '%')`;

/** Name for a search with letters, name or number for one that could be a number, everybody for an empty one. */
function conditionOf(search: string, digits: string): string {
  if (search === '') return '';
  const is_short = [...search].length < 3;
  if (digits === '') return `and ${is_short ? name_begins : name_has}`;
  return `and (${is_short ? name_begins : name_has} or ${digits.length < 3 ? phone_begins : phone_has})`;
}

/**
 * Newest first, `limit + 1` rows; `search` is part of a name or of a number, empty for all. The statement has no name on
 * purpose: a kept plan would not know how rare the fragment is.
 */
export async function listContacts(
  { db, account_id, default_country }: Ctx & Pick<Scope, 'default_country'>,
  search: string,
  page: { limit: number; after_id: string | null },
): Promise<ContactWithIdentities[]> {
  const wanted = search.trim();
  // The index knows letters and digits alone: anything else would read every contact to find next to nobody.
  if (wanted !== '' && !/[\p{L}\p{N}]/u.test(wanted)) return [];
  const digits = searchDigits(wanted);
  const shown = `select * from contacts
     where account_id = :account_id and erased_at is null ${conditionOf(wanted, digits)} ${page.after_id === null ? '' : 'and id < :after_id'}
     order by id desc limit :limit`;
  const { rows } = await db.raw<{ rows: ContactWithIdentities[] }>(
    `${withIdentities(`(${shown})`)} order by c.id desc`,
    {
      account_id,
      search: wanted,
      digits,
      country_code: countryCode(default_country),
      after_id: page.after_id,
      limit: page.limit + 1,
    },
  );
  return rows;
}

export interface LearnedIdentity {
  account_id: string;
  contact_id: string;
  kind: string;
  scope: string;
  value: string;
  source: string;
  at: Date;
}

const learn = prepare<{ learned: string }>(
  'learn_identities',
  `with known as (
      select l.* from jsonb_to_recordset(cast(:learned as jsonb))
             as l (account_id uuid, contact_id uuid, kind text, scope text, value text, source text, at timestamptz)
        join contacts c on c.account_id = l.account_id and c.id = l.contact_id and c.erased_at is null
         for key share of c
    ), joined as (
      select account_id, contact_id, kind, scope, value, min(source) as source, min(at) as first_at, max(at) as last_at
        from known group by account_id, contact_id, kind, scope, value
    )
    insert into contact_identities as i (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    select distinct on (account_id, scope, kind, value) account_id, contact_id, kind, scope, value, source, first_at, last_at
      from joined order by account_id, scope, kind, value, first_at
    on conflict on constraint contact_identities_value do update set last_seen_at = excluded.last_seen_at
      where i.contact_id = excluded.contact_id and i.last_seen_at < excluded.last_seen_at`,
);

/**
 * Keeps what providers call people, of many accounts in one statement. A value that another contact has stays with that
 * one, a contact that is gone or erased is passed over, and a known value only moves its `last_seen_at` on.
 */
export async function learnIdentities({ db }: Pick<Context, 'db'>, learned: LearnedIdentity[]): Promise<void> {
  if (learned.length === 0) return;
  await learn(db, { learned: JSON.stringify(learned) });
}

export type ContactName = Pick<ContactsRow, 'account_id' | 'id' | 'name' | 'profile_name' | 'phone'>;

const findNames = prepare<{ accounts: string[]; ids: string[] }, ContactName>(
  'list_contact_names',
  `select account_id, id, name, profile_name, phone from contacts
    where (account_id, id) in (select * from unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])))`,
);

/** What these contacts, of several accounts, are called; each once, those that are gone left out. */
export async function listContactNames(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; id: string }[],
): Promise<ContactName[]> {
  if (keys.length === 0) return [];
  return findNames(db, { accounts: keys.map((key) => key.account_id), ids: keys.map((key) => key.id) });
}

const toIso = (time: string) => new Date(time).toISOString();

/** A number that our rules do not know (a provider gave it) is shown as it is kept. */
function nationalOf(phone: string): string {
  try {
    return readPhone(phone, 'BR', '').national;
  } catch (error) {
    if (error instanceof Problem) return phone;
    throw error;
  }
}

export function toContact(
  row: Omit<ContactWithIdentities, 'marketing_preference_at' | 'erased_at' | 'is_live' | 'merged_into'>,
): ContactView {
  return {
    id: row.id,
    name: row.name,
    profile_name: row.profile_name,
    phone: row.phone,
    phone_national: row.phone === null ? null : nationalOf(row.phone),
    email: row.email,
    external_ref: row.external_ref,
    metadata: row.metadata as ContactView['metadata'],
    identities: row.identities.map(({ kind, scope, value, source, first_seen_at, last_seen_at }) => ({
      kind: kind as ContactView['identities'][number]['kind'],
      scope,
      value,
      source,
      first_seen_at: toIso(first_seen_at),
      last_seen_at: toIso(last_seen_at),
    })),
    marketing_opted_out_at: row.marketing_opted_out_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
