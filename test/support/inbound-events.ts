import type { InboundEvent, InboundPerson } from '../../src/providers/inbound.ts';
import { type Address, provider_errors } from '../../src/providers/provider.ts';

/** The members that each kind has: all of them, and no other. */
const members: Record<InboundEvent['kind'], string> = {
  message: 'kind provider_message_id at from type text media reply_to opens',
  edit: 'kind original_id at text',
  revoke: 'kind original_id at text',
  status: 'kind provider_message_id correlator fact at error identities',
  echo: 'kind provider_message_id correlator at to type text media is_pending',
  identity: 'kind at before after',
  template: 'kind provider_template_id name language at status category quality needs_sync',
  channel: 'kind at news',
  opt_out: 'kind at person opted_out',
  ignored: 'kind reason',
};
const address_forms: Record<Address['kind'], RegExp> = {
  phone: /^\+[1-9]\d{6,14}$/,
  wa_id: /^\d{5,32}(@[a-z.]+)?$/,
  bsuid: /^[A-Z]{2}\.[A-Za-z0-9]{1,128}$/,
  parent_bsuid: /^[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}$/,
  lid: /^\d{5,32}@lid$/,
};
const facts = ['accepted', 'held', 'sent', 'delivered', 'read', 'failed'];
const channel_statuses = ['connected', 'connecting', 'disconnected', 'restricted', 'unknown'];

/** What is wrong with an event, in words; nothing for one that the inbound lane can apply and the database keeps. */
export function faultsOf(event: InboundEvent): string[] {
  const expected = members[event.kind];
  if (expected === undefined) return [`kind ${String(event.kind)}`];
  const has = Object.keys(event).sort().join(' ');
  const faults = has === expected.split(' ').sort().join(' ') ? [] : [`members ${has}`];
  if (!isStorable(event)) faults.push('NUL or half a character');
  if ('at' in event && !isCredible(event.at)) faults.push(`at ${String(event.at)}`);
  return [...faults, ...faultsOfKind(event)].map((fault) => `${event.kind}: ${fault}`);
}

function faultsOfKind(event: InboundEvent): string[] {
  switch (event.kind) {
    case 'message':
      return [...said(event), ...person(event.from), ...unless('opens', typeof event.opens === 'boolean')];
    case 'echo':
      return [
        ...said(event),
        ...person(event.to),
        ...unless('correlator', isIdOrNull(event.correlator)),
        ...unless('is_pending', typeof event.is_pending === 'boolean'),
      ];
    case 'edit':
    case 'revoke':
      return [...unless('original_id', isId(event.original_id)), ...unless('text', isText(event.text))];
    case 'status':
      return [
        ...unless('names no message', event.provider_message_id !== null || event.correlator !== null),
        ...unless('provider_message_id', isIdOrNull(event.provider_message_id) && isIdOrNull(event.correlator)),
        ...unless('fact', facts.includes(event.fact)),
        ...unless('error', (event.fact === 'failed') === (event.error !== null)),
        ...unless('code', event.error === null || Object.hasOwn(provider_errors, event.error.code)),
        ...addresses(event.identities),
      ];
    case 'identity':
      return [...someone(event.before), ...someone(event.after)];
    case 'template': {
      const tells = event.needs_sync || event.status !== null || event.category !== null || event.quality !== null;
      return [...unless('tells nothing', tells), ...unless('name', isId(event.name) && isId(event.language))];
    }
    case 'channel': {
      const { status, detail } = event.news;
      return unless('news', channel_statuses.includes(status) && (detail === null || detail.length <= 500));
    }
    case 'opt_out':
      return [...person(event.person), ...unless('opted_out', typeof event.opted_out === 'boolean')];
    case 'ignored':
      return unless(`reason ${event.reason}`, /^[a-z][a-z0-9_]{2,59}$/.test(event.reason));
  }
}

function said(event: Extract<InboundEvent, { kind: 'message' | 'echo' }>): string[] {
  return [
    ...unless('provider_message_id', isId(event.provider_message_id)),
    ...unless('type', /^[a-z][a-z_]{1,39}$/.test(event.type)),
    ...unless('text', isText(event.text)),
    ...unless('media', event.media === null || Object.keys(event.media).length > 0),
    ...unless('reply_to', event.kind === 'echo' || isIdOrNull(event.reply_to)),
  ];
}

function person({ identities, profile_name }: InboundPerson): string[] {
  const is_named = profile_name === null || (profile_name.length > 0 && profile_name.length <= 200);
  return [...someone(identities), ...unless('profile_name', is_named)];
}

function someone(identities: Address[]): string[] {
  return [...unless('nobody', identities.length > 0), ...addresses(identities)];
}

function addresses(identities: Address[]): string[] {
  const is_each_once = new Set(identities.map(({ kind, value }) => `${kind} ${value}`)).size === identities.length;
  const odd = identities.filter(({ kind, value }) => !address_forms[kind]?.test(value));
  return [...unless('a name twice', is_each_once), ...odd.map(({ kind, value }) => `${kind} ${value}`)];
}

function unless(fault: string, is_right: boolean): string[] {
  return is_right ? [] : [fault];
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 512;
}

function isIdOrNull(value: unknown): boolean {
  return value === null || isId(value);
}

function isText(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.length > 0 && value.length <= 65_536);
}

function isCredible(at: Date): boolean {
  return at instanceof Date && at.getTime() > 978_307_200_000 && at.getTime() < 4_102_444_800_000;
}

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\u0000');
  if (typeof value !== 'object' || value === null) return value !== undefined;
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member));
}
