import type { Scope } from '../../context.ts';
import type { ContactsRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';
import { type ContactWithIdentities, findContact } from './contacts.repository.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** The contact, or the one it was merged into, held against changes and new attendances until the transaction ends; undefined when gone. */
export async function lockContact(ctx: Ctx, id: string): Promise<ContactWithIdentities | undefined> {
  const held = await table(ctx, 'contacts')
    .whereRaw('id = coalesce((select m.merged_into from contacts m where m.account_id = ? and m.id = ?), ?)', [
      ctx.account_id,
      id,
      id,
    ])
    .whereNull('erased_at')
    .forUpdate()
    .first('id');
  return held && findContact(ctx, held.id);
}

export type ContactColumns = Pick<
  ContactsRow,
  'name' | 'phone' | 'phone_key' | 'phone_digits' | 'email' | 'external_ref' | 'metadata'
>;

/** Breaks `contacts_phone_key` when another contact has the number. */
export async function updateContact(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  change: Partial<ContactColumns>,
): Promise<void> {
  const json = change.metadata === undefined ? {} : { metadata: JSON.stringify(change.metadata) };
  await table(ctx, 'contacts')
    .where({ id })
    .update({ ...change, ...json, updated_at: ctx.now() });
}

/** Keeps what a provider proved of a contact, or another contact left to it. */
export async function learnAbout(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  change: Partial<
    ContactColumns & Pick<ContactsRow, 'profile_name' | 'marketing_opted_out_at' | 'marketing_preference_at'>
  >,
): Promise<void> {
  await updateContact(ctx, id, change);
}

/** Makes `phone` the number that a user gave for the contact; null takes the old one away. What a provider told stays. */
export async function replaceUserPhone(
  ctx: Ctx & Pick<Scope, 'now'>,
  contact_id: string,
  phone: string | null,
): Promise<void> {
  const of_user = { kind: 'phone', scope: 'account', source: 'user' };
  await table(ctx, 'contact_identities')
    .where({ contact_id, ...of_user })
    .delete();
  if (phone === null) return;
  const at = ctx.now();
  const row = { account_id: ctx.account_id, contact_id, value: phone, first_seen_at: at, last_seen_at: at };
  // The key decides who has a number; an identity of another contact stays where it is until the two are merged.
  await ctx
    .db('contact_identities')
    .insert({ ...row, ...of_user })
    .onConflict()
    .ignore();
}

/** Leaves of a contact its id and its times; the number is free at once. */
export async function blankContact(ctx: Ctx, id: string, erased_at: Date): Promise<void> {
  await table(ctx, 'contact_identities').where({ contact_id: id }).delete();
  await table(ctx, 'contacts').where({ id }).update({
    name: null,
    profile_name: null,
    phone: null,
    phone_key: null,
    phone_digits: '',
    email: null,
    external_ref: null,
    metadata: '{}',
    marketing_opted_out_at: null,
    marketing_preference_at: null,
    erased_at,
    updated_at: erased_at,
  });
}
