import type { Scope } from '../../context.ts';
import type { ContactsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';
import type { ContactWithIdentities } from './contacts.repository.ts';
import { identitiesOf } from './contacts.repository.ts';
import type { AssignedIdentity } from './identities.repository.ts';

/** Contacts as providers tell of them, many in one statement. */

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export type HeldPerson = Pick<ContactsRow, 'id' | 'phone' | 'profile_name'>;

const lock = prepare<{ account_id: string; ids: string[] }, HeldPerson>(
  'lock_people',
  `select c.id, c.phone, c.profile_name from contacts c
    where c.account_id = :account_id and c.id = any (cast(:ids as uuid[])) and c.erased_at is null
    order by c.id for no key update of c`,
);

/**
 * The living ones of these contacts, held against changes until the transaction ends. New attendances need not wait: a start that
 * is at the index of active ones already would wait for its contact here, and we for it there.
 */
export async function lockPeople({ db, account_id }: Ctx, ids: string[]): Promise<HeldPerson[]> {
  if (ids.length === 0) return [];
  return lock(db, { account_id, ids });
}

export type NewPerson = Pick<
  ContactsRow,
  'id' | 'profile_name' | 'phone' | 'phone_key' | 'phone_digits' | 'created_at'
>;

const insert = prepare<
  { account_id: string; people: string; identities: string; source: string },
  ContactWithIdentities
>(
  'insert_people',
  `with c as (
    insert into contacts (account_id, id, profile_name, phone, phone_key, phone_digits, created_at, updated_at)
    select cast(:account_id as uuid), n.id, n.profile_name, n.phone, n.phone_key, n.phone_digits, n.created_at, n.created_at
      from jsonb_to_recordset(cast(:people as jsonb))
           as n (id uuid, profile_name text, phone text, phone_key text, phone_digits text, created_at timestamptz)
     -- One order for all who bring the same people.
     order by n.phone_key
    returning ${columnsOf('contacts', 'contacts')}
  ),
  i as (
    insert into contact_identities as i (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    select distinct on (k.scope, k.kind, k.value) cast(:account_id as uuid), k.contact_id, k.kind, k.scope, k.value, :source, k.at, k.at
      from jsonb_to_recordset(cast(:identities as jsonb)) as k (contact_id uuid, kind text, scope text, value text, at timestamptz)
    returning ${columnsOf('contact_identities', 'i')}
  )
  select ${columnsOf('contacts', 'c')}, ${identitiesOf('i')} as identities from c`,
);

/** New contacts with their names; breaks `contacts_phone_key` or `contact_identities_value` when another process was faster. */
export async function insertPeople(
  { db, account_id }: Ctx,
  people: NewPerson[],
  identities: AssignedIdentity[],
  source: string,
): Promise<ContactWithIdentities[]> {
  if (people.length === 0) return [];
  return insert(db, {
    account_id,
    people: JSON.stringify(people),
    identities: JSON.stringify(identities),
    source,
  });
}

/** What was learned of a contact; null leaves as it is. */
export type LearnedPerson = Pick<ContactsRow, 'id' | 'profile_name' | 'phone' | 'phone_key'> & {
  phone_digits: string | null;
};

const learn = prepare<{ account_id: string; ids: string[]; learned: string; now: Date }>(
  'learn_people',
  `update contacts c
      set profile_name = coalesce(n.profile_name, c.profile_name), phone = coalesce(n.phone, c.phone),
          phone_key = coalesce(n.phone_key, c.phone_key), phone_digits = coalesce(n.phone_digits, c.phone_digits),
          updated_at = :now
     from jsonb_to_recordset(cast(:learned as jsonb))
          as n (id uuid, profile_name text, phone text, phone_key text, phone_digits text)
    where c.account_id = :account_id and c.id = any (cast(:ids as uuid[])) and c.id = n.id`,
);

/** Breaks `contacts_phone_key` when another contact has a number. */
export async function learnPeople(
  { db, account_id, now }: Ctx & Pick<Scope, 'now'>,
  learned: LearnedPerson[],
): Promise<void> {
  if (learned.length === 0) return;
  await learn(db, { account_id, ids: learned.map(({ id }) => id), learned: JSON.stringify(learned), now: now() });
}

const list = prepare<{ account_id: string; ids: string[] }, ContactWithIdentities>(
  'list_people',
  `select ${columnsOf('contacts', 'c')}, ${identitiesOf('contact_identities')} as identities from contacts c
    where c.account_id = :account_id and c.id = any (cast(:ids as uuid[])) and c.erased_at is null`,
);

/** The living ones of these contacts. */
export async function listPeople({ db, account_id }: Ctx, ids: string[]): Promise<ContactWithIdentities[]> {
  if (ids.length === 0) return [];
  return list(db, { account_id, ids });
}
