import type { InboundEvent, InboundStatus } from '../inbound.ts';
import type { Address } from '../provider.ts';
import { chatReason, ignored, restricted } from '../whatsapp-web.ts';
import { isObject, type Json, listAt, objectAt, providerError, scrub, stringOf } from '../wire.ts';
import { provider_name } from './evolution-answer.ts';
import { type Envelope, isTrue } from './inbound-envelope.ts';
import { identitiesOf } from './jid.ts';

/** Also as Baileys counts them. */
const facts = new Map<unknown, InboundStatus['fact']>([
  ...(['ERROR', 0] as const).map((word) => [word, 'failed'] as const),
  ...(['PENDING', 1] as const).map((word) => [word, 'accepted'] as const),
  ...(['SERVER_ACK', 2] as const).map((word) => [word, 'sent'] as const),
  ...(['DELIVERY_ACK', 3] as const).map((word) => [word, 'delivered'] as const),
  ...(['READ', 4, 'PLAYED', 5] as const).map((word) => [word, 'read'] as const),
]);

/** `messages.update`: news of a message of ours. It tells no time; `messageId` is a row of Evolution's own database. */
export function readStatus(data: unknown, envelope: Envelope): InboundEvent[] {
  if (!isObject(data)) return [ignored('no_content')];
  const key = objectAt(data, 'key');
  const remote_jid = data.remoteJid ?? key.remoteJid;
  const stranger = chatReason(remote_jid);
  if (stranger) return [ignored(stranger)];
  const from_me = data.fromMe ?? key.fromMe;
  // Without the word: whether it is a message of ours, the id tells.
  if (from_me !== undefined && !isTrue(from_me)) return [ignored('own_reading')];
  const stubs = listAt(data, 'messageStubParameters');
  const fact = facts.get(data.status);
  if (!fact) return [ignored(data.status === 'DELETED' ? 'status_deleted' : 'unknown_status')];
  const provider_message_id = stringOf(data.keyId) ?? stringOf(key.id);
  if (provider_message_id === null) return [ignored('incomplete')];
  const { received_at: at, own } = envelope;
  const identities = identitiesOf([remote_jid, key.remoteJidAlt], own);
  if (fact === 'failed') return failure({ provider_message_id, identities, at }, stubs, envelope);
  return [{ kind: 'status', provider_message_id, correlator: null, fact, at, error: null, identities }];
}

/** Whether a message of ours, as the gateway shows it, is known to the gateway alone. */
export function isPending({ status }: Json): boolean {
  const fact = facts.get(status);
  return fact === 'accepted' || fact === 'failed';
}

/** WhatsApp did not take it. 463, where a build tells it: this number may not open new chats. */
export function failure(
  told: { provider_message_id: string; identities: Address[]; at: Date },
  stubs: unknown[],
  { credentials }: Envelope,
): InboundEvent[] {
  const message = quote(stubs, [...Object.values(credentials), ...told.identities.map(({ value }) => value)]);
  const is_lock = isLocked(stubs);
  const code = is_lock ? 'channel_restricted_for_new_chats' : 'provider_refused';
  const error = providerError(provider_name, code, { code: is_lock ? '463' : 'ERROR', message });
  const status: InboundEvent = { kind: 'status', correlator: null, fact: 'failed', error, ...told };
  return is_lock ? [status, { kind: 'channel', at: told.at, news: restricted(message ?? '463') }] : [status];
}

/** The words among what a message carries, without secrets; null for none. */
export function quote(stubs: unknown[], secrets: string[]): string | null {
  return scrub(stubs.filter((stub) => typeof stub === 'string').join('; '), secrets) || null;
}

/** Error 463 among what a message carries: the reach-out time-lock. */
export function isLocked(stubs: unknown[]): boolean {
  return stubs.includes('463') || stubs.includes(463);
}
