import type { InboundEvent } from '../inbound.ts';
import type { ChannelNews } from '../provider.ts';
import { isObject, type Json, listAt, objectAt, stringOf, timeOf } from '../wire.ts';
import { type Change, ignored } from './inbound-messages.ts';
import { personOf } from './inbound-people.ts';
import { mapCategory, mapQuality, mapStatus, normaliseLanguage } from './template-listing.ts';

/** `user_preferences`: marketing messages stopped or resumed. */
export function readPreference(preference: unknown, change: Change): InboundEvent {
  if (!isObject(preference)) return ignored('no_content');
  if (preference.category !== 'marketing_messages') return ignored('unknown_category');
  // Signing up for more takes no earlier stop back.
  if (preference.value === 'signup') return ignored('marketing_signup');
  if (preference.value !== 'stop' && preference.value !== 'resume') return ignored('unknown_preference');
  const { wa_id, user_id, parent_user_id } = preference;
  const person = personOf({ wa_id, user_id, parent_user_id }, change, 'user_preferences');
  if (person.identities.length === 0) return ignored('incomplete');
  const at = timeOf(preference.timestamp) ?? change.at;
  return { kind: 'opt_out', at, person, opted_out: preference.value === 'stop' };
}

/** `account_update`: what it means for sending; the rest is for people at Meta's desk. */
export function readAccountUpdate({ value, at }: Change): InboundEvent {
  const news = accountNews(value);
  return news ? { kind: 'channel', at, news } : ignored('account_notice');
}

function accountNews(value: Json): ChannelNews | null {
  const event = stringOf(value.event, 64);
  switch (event) {
    case 'ACCOUNT_RECONNECTED':
      return { status: 'connected', detail: null };
    case 'ACCOUNT_DELETED':
    case 'ACCOUNT_OFFBOARDED':
    case 'PARTNER_REMOVED':
    case 'PARTNER_APP_UNINSTALLED': {
      const reason = stringOf(objectAt(value, 'disconnection_info').reason, 128);
      return { status: 'disconnected', detail: [event, reason].filter((part) => part !== null).join(': ') };
    }
    case 'ACCOUNT_RESTRICTION':
      return restrictionNews(event, value);
    case 'DISABLED_UPDATE':
      return banNews(event, value);
    default:
      return null;
  }
}

/** Restricted in what it may send; that numbers may not be added is no matter of the channel. */
function restrictionNews(event: string, value: Json): ChannelNews | null {
  const restrictions = listAt(value, 'restriction_info').filter(isObject);
  const types = restrictions.map(({ restriction_type }) => stringOf(restriction_type, 128) ?? '');
  const told = types.filter((type) => /MESSAGING/.test(type));
  if (told.length === 0 && types.some((type) => type !== '')) return null;
  const expiry = restrictions.map(({ expiration }) => timeOf(expiration)).find((time) => time !== null);
  const until = expiry ? ` until ${expiry.toISOString()}` : '';
  return { status: 'restricted', detail: `${[event, ...told].slice(0, 4).join(': ')}${until}` };
}

/** Announced only, a ban changes nothing yet. */
function banNews(event: string, value: Json): ChannelNews | null {
  const state = stringOf(objectAt(value, 'ban_info').waba_ban_state, 64)?.toUpperCase() ?? '';
  if (state.startsWith('REINSTATE')) return { status: 'connected', detail: null };
  if (state.startsWith('SCHEDULE')) return null;
  return { status: 'restricted', detail: state === '' ? event : `${event}: ${state}` };
}

/** The four fields about templates, told apart by what they carry: Meta's own example names the wrong field. */
export function readTemplate({ value, at }: Change): InboundEvent {
  if (value.event === 'LOCKED') return ignored('template_locked');
  const name = stringOf(value.message_template_name);
  const language = stringOf(value.message_template_language, 32);
  if (name === null || language === null) return ignored('incomplete');
  const status = statusOf(value.event);
  const new_category = categoryOf(value.new_category);
  const quality = value.new_quality_score === undefined ? null : mapQuality(value.new_quality_score);
  return {
    kind: 'template',
    provider_template_id: idOf(value.message_template_id),
    name,
    language: normaliseLanguage(language),
    at,
    status,
    category: new_category ?? categoryOf(value.message_template_category),
    quality,
    // New components, or a word that is not known.
    needs_sync: status === null && new_category === null && quality === null,
  };
}

function statusOf(event: unknown) {
  const status = mapStatus(event);
  return status === 'unknown' ? null : status;
}

function categoryOf(word: unknown) {
  const category = mapCategory(word);
  return category === 'unknown' ? null : category;
}

/** An id is a JSON number here and a string there; one that a number cannot hold exactly is none. */
export function idOf(value: unknown): string | null {
  return stringOf(Number.isSafeInteger(value) ? String(value) : value, 64);
}
