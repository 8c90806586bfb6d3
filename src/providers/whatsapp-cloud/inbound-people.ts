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

/** Someone named by an item, with what the card beside it in `contacts` adds. */
export function personOf(names: Names, value: Json, items: string): InboundPerson {
  const card = findCard(names, value, items);
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
function findCard(names: Names, value: Json, items: string): Json {
  const cards = listAt(value, 'contacts').filter(isObject);
  const phone = digitsOf(names.phone) ?? digitsOf(names.wa_id);
  const same = cards.find(
    (card) =>
      (phone !== null && digitsOf(card.wa_id) === phone) || (isName(names.user_id) && card.user_id === names.user_id),
  );
  if (same) return same;
  const [only, another] = cards;
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
