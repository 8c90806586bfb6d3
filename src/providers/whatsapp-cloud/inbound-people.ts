import type { InboundPerson } from '../inbound.ts';
import type { Address } from '../provider.ts';
import { isObject, type Json, listAt, objectAt, textOf } from '../wire.ts';

/** A user id of Meta's; with `ENT.` that of a group of portfolios. */
export const bsuid_pattern = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/;

/** What one place of a body calls a person; each may be absent, empty or no such thing. */
export interface Names {
  /** Digits without a plus: `from`, `recipient_id`. */
  phone?: unknown;
  wa_id?: unknown;
  user_id?: unknown;
  parent_user_id?: unknown;
}

/** All of them as ours, each once. A wa_id stands in for a phone that is not told, since Meta shares both or none. */
export function identitiesOf(names: Names): Address[] {
  const phone = digitsOf(names.phone);
  const wa_id = digitsOf(names.wa_id);
  const identities: Address[] = [];
  const named = wa_id ?? phone;
  if (named !== null) identities.push({ kind: 'wa_id', value: named });
  const dialled = phone ?? wa_id;
  if (dialled !== null && /^[1-9]\d{6,14}$/.test(dialled)) identities.push({ kind: 'phone', value: `+${dialled}` });
  for (const value of [names.user_id, names.parent_user_id]) {
    const found = typeof value === 'string' ? bsuid_pattern.exec(value) : null;
    if (found && identities.every((known) => known.value !== found[0]))
      identities.push({ kind: found[1] ? 'parent_bsuid' : 'bsuid', value: found[0] });
  }
  return identities;
}

/** What `contacts` beside the items of a change says of people; read once, since a body may hold as many items as cards. */
export interface Cards {
  /** In their order. */
  all: Json[];
  /** The place in `all` of the first card with these digits, and of the first with this user id. */
  by_digits: Map<string, number>;
  by_user_id: Map<string, number>;
}

export function readCards(value: Json): Cards {
  const cards: Cards = { all: listAt(value, 'contacts').filter(isObject), by_digits: new Map(), by_user_id: new Map() };
  for (const [place, { wa_id, user_id }] of cards.all.entries()) {
    const digits = digitsOf(wa_id);
    if (digits !== null && !cards.by_digits.has(digits)) cards.by_digits.set(digits, place);
    if (isName(user_id) && !cards.by_user_id.has(user_id)) cards.by_user_id.set(user_id, place);
  }
  return cards;
}

/** What a change shares with its items. */
interface Beside {
  value: Json;
  cards: Cards;
}

/** Someone named by one of the `items` of a change, with what the card beside it in `contacts` adds. */
export function personOf(names: Names, beside: Beside, items: string): InboundPerson {
  const card = findCard(names, beside, items);
  const { wa_id, user_id, parent_user_id, profile } = card;
  return {
    identities: identitiesOf({
      phone: names.phone,
      wa_id: names.wa_id || wa_id,
      user_id: names.user_id || user_id,
      parent_user_id: names.parent_user_id || parent_user_id,
    }),
    profile_name: textOf(objectAt({ profile }, 'profile').name)?.slice(0, 200) ?? null,
  };
}

/** The card with the same number or user id; where there is one item and one card, that one, if nothing speaks against it. */
function findCard(names: Names, { value, cards }: Beside, items: string): Json {
  const { all, by_digits, by_user_id } = cards;
  const digits = digitsOf(names.phone) ?? digitsOf(names.wa_id);
  const nowhere = all.length;
  const same = Math.min(
    (digits === null ? undefined : by_digits.get(digits)) ?? nowhere,
    (isName(names.user_id) ? by_user_id.get(names.user_id) : undefined) ?? nowhere,
  );
  const [only, another] = all;
  if (same < nowhere) return all[same] ?? {};
  if (!only || another || listAt(value, items).length !== 1) return {};
  return isName(only.user_id) && isName(names.user_id) ? {} : only;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function digitsOf(value: unknown): string | null {
  const digits = typeof value === 'string' ? value.replace(/^\+/, '') : '';
  return /^\d{6,20}$/.test(digits) ? digits : null;
}
