import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundIdentity, InboundOptOut } from '../../providers/inbound.ts';
import { readdressActive } from '../attendances/merge.repository.ts';
import { learnAbout, lockContact } from '../contacts/change.repository.ts';
import { findContact } from '../contacts/contacts.repository.ts';
import {
  areGivenAnew,
  assignIdentities,
  dropIdentities,
  type ScopedIdentity,
} from '../contacts/identities.repository.ts';
import { phoneSearchText } from '../contacts/phone-number.ts';
import { tellContact } from '../contacts/tell-contact.ts';
import { mergeContacts } from './merge-contacts.ts';
import type { Applied } from './receive-message.ts';
import { addressOf, chooseOne, lookUp, resolvePerson } from './resolve-person.ts';

/**
 * A person is called otherwise from now on: a new number, a new id. The old names go, for others may get them; whoever
 * had the new ones is the same person.
 */
export async function applyIdentity(trx: Scope, channel: ChannelsRow, event: InboundIdentity): Promise<Applied> {
  const [before, after] = await lookUp(trx, channel, [
    { identities: event.before, known_id: null },
    { identities: event.after, known_id: null },
  ]);
  if (!before || !after || before.known.size === 0) return 'dropped';
  // Providers repeat themselves for days: by now others may have the old name, or it is theirs again.
  if (await areGivenAnew(trx, goneOf(before.identities, after.identities), event.at)) return 'repeated';
  const known_id = await chooseOne(trx, before, null);
  if (known_id === null) return 'dropped';
  for (const other_id of after.known.keys()) {
    if (other_id !== known_id) await mergeContacts(trx, known_id, other_id);
  }
  const contact = await lockContact(trx, known_id);
  if (!contact) return 'dropped';
  await dropIdentities(trx, goneOf(before.identities, after.identities));
  const { id: contact_id } = contact;
  const assigned = after.identities.map((identity) => ({ ...identity, contact_id, at: event.at }));
  await assignIdentities(trx, assigned, channel.provider);
  if (after.phone && after.phone.key !== contact.phone_key) {
    const { e164: phone, key: phone_key } = after.phone;
    await learnAbout(trx, contact.id, { phone, phone_key, phone_digits: phoneSearchText(phone_key) });
  } else if (!after.phone && before.phone !== null && before.phone.key === contact.phone_key) {
    // Which number it is now was not told; the old one is not theirs any more.
    await learnAbout(trx, contact.id, { phone: null, phone_key: null, phone_digits: '' });
  }
  const address = addressOf({ identities: event.after, profile_name: null });
  if (address) await readdressActive(trx, contact.id, channel.id, address);
  await tellContact(trx, 'contact.updated', (await findContact(trx, contact.id)) ?? contact);
  return 'applied';
}

/** The names that the person has no more. */
function goneOf(before: ScopedIdentity[], after: ScopedIdentity[]): ScopedIdentity[] {
  const isSame = (one: ScopedIdentity, other: ScopedIdentity) =>
    one.kind === other.kind && one.scope === other.scope && one.value === other.value;
  return before.filter((one) => !after.some((other) => isSame(one, other)));
}

/**
 * The person stopped or resumed marketing messages; a start with a marketing template asks. The last word counts, in whatever order
 * they come.
 */
export async function applyOptOut(trx: Scope, channel: ChannelsRow, event: InboundOptOut): Promise<Applied> {
  const { id } = await resolvePerson(trx, channel, event.person, event.at);
  const contact = await lockContact(trx, id);
  if (!contact) return 'dropped';
  const known_at = contact.marketing_preference_at ?? contact.marketing_opted_out_at;
  if (known_at !== null && event.at < known_at) return 'repeated';
  const preferred = { marketing_preference_at: event.at };
  if ((contact.marketing_opted_out_at !== null) === event.opted_out) {
    if (known_at === null || event.at > known_at) await learnAbout(trx, id, preferred);
    return 'repeated';
  }
  await learnAbout(trx, id, { ...preferred, marketing_opted_out_at: event.opted_out ? event.at : null });
  const type = event.opted_out ? 'contact.opted_out' : 'contact.opted_in';
  await tellContact(trx, type, (await findContact(trx, id)) ?? contact);
  return 'applied';
}
