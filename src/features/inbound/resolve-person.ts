import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { Problem } from '../../problem.ts';
import type { InboundPerson } from '../../providers/inbound.ts';
import type { Address } from '../../providers/provider.ts';
import { uuid } from '../../random.ts';
import { identityScopeOf } from '../channels/identity-scope.ts';
import { toContact } from '../contacts/contacts.repository.ts';
import {
  type AssignedIdentity,
  assignIdentities,
  type CalledAt,
  listKnownBy,
  type ScopedIdentity,
} from '../contacts/identities.repository.ts';
import {
  type HeldPerson,
  insertPeople,
  type LearnedPerson,
  learnPeople,
  listPeople,
  lockPeople,
} from '../contacts/people.repository.ts';
import { keyOf, type Phone, phoneSearchText, readPhone } from '../contacts/phone-number.ts';
import { contactEvent } from '../contacts/tell-contact.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { NewEvent } from '../events/events.schema.ts';
import { mergeContacts } from './merge-contacts.ts';

/** A person's names with where each is unique; a phone in its canonical form, left out when it is none. */
function toScoped(channel: ChannelsRow, identities: Address[]): { identities: ScopedIdentity[]; phone: Phone | null } {
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

/** Where an answer goes: what the provider itself calls the person, never rewritten. */
export function addressOf({ identities }: InboundPerson): Address | null {
  for (const kind of ['wa_id', 'lid', 'phone', 'bsuid', 'parent_bsuid'] as const) {
    const found = identities.find((one) => one.kind === kind);
    if (found) return found;
  }
  return null;
}

/** What a body calls somebody, and whom we know by that. */
export interface Named {
  identities: ScopedIdentity[];
  phone: Phone | null;
  /** Ids of living contacts with their numbers, oldest first. */
  known: Map<string, string | null>;
}

/** `known_id` is a contact that the body is about already. Who is called alike several times is looked up once. */
export async function lookUp(
  trx: Scope,
  channel: ChannelsRow,
  people: { identities: Address[]; known_id: string | null }[],
): Promise<Named[]> {
  const keys = people.map(({ identities, known_id }) =>
    JSON.stringify([known_id, ...identities.flatMap(({ kind, value }) => [kind, value])]),
  );
  const named_of = new Map<string, Named>();
  const called: CalledAt[] = [];
  for (const [key, place] of new Map(keys.map((key, place) => [key, place]))) {
    const { identities, known_id } = people[place] ?? { identities: [], known_id: null };
    const scoped = toScoped(channel, identities);
    named_of.set(key, { ...scoped, known: new Map() });
    called.push({ place, identities: scoped.identities, phone_key: scoped.phone?.key ?? null, contact_id: known_id });
  }
  for (const { place, id, phone_key } of await listKnownBy(trx, called))
    named_of.get(keys[place] ?? '')?.known.set(id, phone_key);
  return keys.map((key) => named_of.get(key) as Named);
}

/** Whether a body names anybody that we know: what opens nothing must make no contact. */
export async function isKnown(trx: Scope, channel: ChannelsRow, { identities }: InboundPerson): Promise<boolean> {
  const [named] = await lookUp(trx, channel, [{ identities, known_id: null }]);
  return named !== undefined && named.known.size > 0;
}

/** Somebody whom a body names, looked up. */
export interface Met {
  named: Named;
  profile_name: string | null;
  /** When it was told first, and last where that was later. */
  at: Date;
  last_at?: Date;
}

/** The contact that it is, and what there is to tell of that: it is new, or more is known of it. */
export interface Resolved {
  id: string;
  is_new: boolean;
  told: NewEvent[];
}

/**
 * The contacts that bodies name: found by any of the names, made where there is none. Names that two contacts have prove
 * them to be one, unless each has a number of its own: then the number decides, and the other names go with it.
 * Nobody may be met twice in one call.
 */
export async function resolvePeople(
  trx: Scope,
  channel: ChannelsRow,
  people: Met[],
  known_ids: (string | null)[] = [],
): Promise<Resolved[]> {
  const chosen: (string | null)[] = [];
  for (const [place, { named }] of people.entries()) chosen.push(await chooseOne(trx, named, known_ids[place] ?? null));
  const ids = people.map((_, place) => chosen[place] ?? uuid());
  const identities = people.map(({ named, at, last_at }, place) =>
    named.identities.map((identity): AssignedIdentity => ({ ...identity, contact_id: ids[place] ?? '', at, last_at })),
  );
  const isNew = (place: number) => chosen[place] === null;
  const learned = await learnAll(trx, people, chosen);
  await assignIdentities(trx, identities.filter((_, place) => !isNew(place)).flat(), channel.provider);
  const changed = await listPeople(
    trx,
    learned.map(({ id }) => id),
  );
  const made = await insertPeople(
    trx,
    people.flatMap(({ named: { phone }, profile_name }, place) =>
      isNew(place) ? [toRow(trx, ids[place] ?? '', phone, profile_name)] : [],
    ),
    identities.filter((_, place) => isNew(place)).flat(),
    channel.provider,
  );
  const shown = new Map([...changed, ...made].map((contact) => [contact.id, contact]));
  return ids.map((id, place) => {
    const contact = shown.get(id);
    const type = isNew(place) ? 'contact.created' : 'contact.updated';
    return { id, is_new: isNew(place), told: contact ? [contactEvent(trx, type, contact, toContact(contact))] : [] };
  });
}

/** The same for one, and it is told. */
export async function resolvePerson(
  trx: Scope,
  channel: ChannelsRow,
  { identities, profile_name }: InboundPerson,
  at: Date,
): Promise<{ id: string }> {
  const [named] = await lookUp(trx, channel, [{ identities, known_id: null }]);
  if (!named) throw new Error('a look-up without an answer');
  const [resolved] = await resolvePeople(trx, channel, [{ named, profile_name, at }]);
  if (!resolved) throw new Error('a contact that was found is gone');
  await insertEvents(trx, resolved.told);
  return resolved;
}

/**
 * Who of those that these names are known of it is, the others merged into that one unless they have another number; `known_id`, or
 * null, when nobody is.
 */
export async function chooseOne(trx: Scope, { known, phone }: Named, known_id: string | null): Promise<string | null> {
  const [first] = known.keys();
  if (first === undefined) return known_id;
  const by_phone = phone ? [...known].find(([, key]) => key === phone.key)?.[0] : undefined;
  const with_number = [...known].find(([, key]) => key !== null)?.[0];
  const survivor = by_phone ?? known_id ?? with_number ?? first;
  const number = known.get(survivor) ?? phone?.key ?? null;
  // A key from before both forms of a number had one.
  const isOther = (key: string | null) => number !== null && key !== null && keyOf(key) !== keyOf(number);
  for (const [other, key] of known) {
    if (other === survivor || isOther(key)) continue;
    await mergeContacts(trx, survivor, other);
  }
  return survivor;
}

function toRow({ now }: Scope, id: string, phone: Phone | null, profile_name: string | null) {
  return {
    id,
    profile_name: profile_name?.slice(0, 200) || null,
    phone: phone?.e164 ?? null,
    phone_key: phone?.key ?? null,
    phone_digits: phone ? phoneSearchText(phone.key) : '',
    created_at: now(),
  };
}

/** A number for a contact without one, and how the person calls herself now; what that changed. */
async function learnAll(trx: Scope, people: Met[], chosen: (string | null)[]): Promise<LearnedPerson[]> {
  const ids = chosen.filter((id) => id !== null);
  const held = new Map((await lockPeople(trx, ids)).map((one) => [one.id, one]));
  const learned = people.flatMap((met, place) => {
    const id = chosen[place];
    if (id == null) return [];
    const before = held.get(id);
    if (!before) throw new Error('a contact that was found is gone');
    return learnOne(before, met);
  });
  await learnPeople(trx, learned);
  return learned;
}

function learnOne(before: HeldPerson, { named: { phone }, profile_name }: Met): LearnedPerson[] {
  const number = before.phone === null ? phone : null;
  const name = profile_name?.slice(0, 200) || null;
  const is_news = name !== null && name !== before.profile_name;
  if (!number && !is_news) return [];
  return [
    {
      id: before.id,
      profile_name: is_news ? name : null,
      phone: number?.e164 ?? null,
      phone_key: number?.key ?? null,
      phone_digits: number ? phoneSearchText(number.key) : null,
    },
  ];
}
