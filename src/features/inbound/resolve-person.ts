import { v7 as uuid } from 'uuid';
import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { Problem } from '../../problem.ts';
import type { InboundPerson } from '../../providers/inbound.ts';
import type { Address } from '../../providers/provider.ts';
import { identityScopeOf } from '../channels/identity-scope.ts';
import { learnAbout, lockContact } from '../contacts/change.repository.ts';
import { type ContactWithIdentities, findContact, insertContact } from '../contacts/contacts.repository.ts';
import { assignIdentities, listContactsKnownBy, type ScopedIdentity } from '../contacts/identities.repository.ts';
import { type Phone, phoneSearchText, readPhone } from '../contacts/phone-number.ts';
import { tellContact } from '../contacts/tell-contact.ts';
import { mergeContacts } from './merge-contacts.ts';

/** A person's names with where each is unique; a phone in its canonical form, left out when it is none. */
export function toScoped(
  channel: ChannelsRow,
  identities: Address[],
): { identities: ScopedIdentity[]; phone: Phone | null } {
  const phones = identities.flatMap(({ kind, value }) => (kind === 'phone' ? [phoneOf(value)] : [])).filter(Boolean);
  const [phone = null] = phones;
  const scoped = identities.flatMap(({ kind, value }): ScopedIdentity[] =>
    kind === 'phone' ? [] : [{ kind, scope: identityScopeOf(channel, kind), value: value.slice(0, 200) }],
  );
  if (phone) scoped.push({ kind: 'phone', scope: 'account', value: phone.e164 });
  return { identities: scoped, phone };
}

/** What a provider calls a phone and our rules do not know as one is none. */
export function phoneOf(value: string): Phone | null {
  try {
    return readPhone(value, 'BR', '');
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** Whether a body names anybody that we know: what opens nothing must make no contact. */
export async function isKnown(trx: Scope, channel: ChannelsRow, person: InboundPerson): Promise<boolean> {
  const { identities, phone } = toScoped(channel, person.identities);
  return (await listContactsKnownBy(trx, identities, phone?.key ?? null)).length > 0;
}

/**
 * The contact that a body names: found by any of the names, made when there is none. Names that two contacts have prove
 * them to be one, unless each has a number of its own: then the number decides, and the other names go with it.
 * `known_id` is a contact that the body is about already.
 */
export async function resolvePerson(
  trx: Scope,
  channel: ChannelsRow,
  person: InboundPerson,
  at: Date,
  known_id: string | null = null,
): Promise<ContactWithIdentities> {
  const { identities, phone } = toScoped(channel, person.identities);
  const source = channel.provider;
  const found = await listContactsKnownBy(trx, identities, phone?.key ?? null);
  const ids = new Map(found.map((one) => [one.id, one.phone_key]));
  if (known_id !== null && !ids.has(known_id)) ids.set(known_id, (await findContact(trx, known_id))?.phone_key ?? null);
  const known = await chooseOne(trx, ids, phone, known_id);
  const id = known ?? (await addContact(trx, phone, source));
  const has_changed = await learn(trx, id, person, phone);
  await assignIdentities(trx, id, identities, { source, at });
  const contact = await findContact(trx, id);
  if (!contact) throw new Error('a contact that was found is gone');
  if (known === null) await tellContact(trx, 'contact.created', contact);
  else if (has_changed) await tellContact(trx, 'contact.updated', contact);
  return contact;
}

/** Null when nobody is known by these names. */
async function chooseOne(
  trx: Scope,
  ids: Map<string, string | null>,
  phone: Phone | null,
  known_id: string | null,
): Promise<string | null> {
  const [first] = ids.keys();
  if (first === undefined) return null;
  const by_phone = phone ? [...ids].find(([, key]) => key === phone.key)?.[0] : undefined;
  const with_number = [...ids].find(([, key]) => key !== null)?.[0];
  const survivor = by_phone ?? known_id ?? with_number ?? first;
  const has_number = ids.get(survivor) != null || phone !== null;
  for (const [other, key] of ids) {
    if (other === survivor || (has_number && key !== null)) continue;
    await mergeContacts(trx, survivor, other);
  }
  return survivor;
}

async function addContact(trx: Scope, phone: Phone | null, source: string): Promise<string> {
  const now = trx.now();
  const row = {
    account_id: trx.account_id,
    id: uuid(),
    name: null,
    phone: phone?.e164 ?? null,
    phone_key: phone?.key ?? null,
    phone_digits: phone ? phoneSearchText(phone.key) : '',
    email: null,
    external_ref: null,
    metadata: {},
    created_at: now,
    updated_at: now,
  };
  return (await insertContact(trx, row, source)).id;
}

/** A number for a contact without one, and how the person calls herself now. True when that changed something. */
async function learn(trx: Scope, id: string, { profile_name }: InboundPerson, phone: Phone | null): Promise<boolean> {
  const contact = await lockContact(trx, id);
  if (!contact) throw new Error('a contact that was found is gone');
  const number =
    contact.phone === null && phone
      ? { phone: phone.e164, phone_key: phone.key, phone_digits: phoneSearchText(phone.key) }
      : {};
  const name = profile_name?.slice(0, 200);
  const change = { ...number, ...(name && name !== contact.profile_name ? { profile_name: name } : {}) };
  if (Object.keys(change).length === 0) return false;
  await learnAbout(trx, id, change);
  return true;
}
