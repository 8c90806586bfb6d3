import type { InboundEvent } from '../inbound.ts';
import { chatReason, ignored } from '../whatsapp-web.ts';
import { isObject, type Json, listAt, objectAt, stringOf, textOf, timeOf } from '../wire.ts';
import { integerOf, readContent } from './inbound-content.ts';
import { type Envelope, isTrue } from './inbound-envelope.ts';
import { failure, isLocked, isPending } from './inbound-statuses.ts';
import { identitiesOf } from './jid.ts';

/** `messages.upsert` and `send.message`: a message in either direction. */
export function readMessage(data: unknown, is_sent: boolean, envelope: Envelope): InboundEvent[] {
  if (!isObject(data)) return [ignored('no_content')];
  const key = objectAt(data, 'key');
  const stranger = chatReason(key.remoteJid);
  if (stranger) return [ignored(stranger)];
  const is_ours = is_sent || isTrue(key.fromMe);
  const provider_message_id = stringOf(key.id);
  const at = readTime(data.messageTimestamp) ?? envelope.received_at;
  // In a message of ours, `senderPn` is our own number.
  const jids = is_ours
    ? [key.remoteJid, key.remoteJidAlt]
    : [key.remoteJid, key.remoteJidAlt, key.senderPn, key.senderLid];
  const identities = identitiesOf(jids, envelope.own);
  const stubs = listAt(data, 'messageStubParameters');
  if (is_ours && isLocked(stubs) && provider_message_id !== null)
    return failure({ provider_message_id, identities, at }, stubs, envelope);
  const content = readContent(data);
  if (content.kind === 'none') return [ignored(isStub(data) ? 'stub' : content.reason)];
  if (provider_message_id === null || identities.length === 0) return [ignored('incomplete')];
  const { kind: _, reply_to, opens, ...said } = content;
  if (is_ours) {
    const to = { identities, profile_name: null };
    return [{ kind: 'echo', provider_message_id, correlator: null, at, to, ...said, is_pending: isPending(data) }];
  }
  const from = { identities, profile_name: textOf(data.pushName)?.slice(0, 200) ?? null };
  return [{ kind: 'message', provider_message_id, at, from, ...said, reply_to, opens }];
}

/** `messages.edited`: any protocol message in some builds, of which edits and revokes are news. */
export function readEdit(data: unknown, { received_at }: Envelope): InboundEvent {
  if (!isObject(data)) return ignored('no_content');
  const key = objectAt(data, 'key');
  const stranger = chatReason(key.remoteJid);
  if (stranger) return ignored(stranger);
  // `fromMe` is here as its sender sees it: whose message it is, the id tells.
  const original_id = stringOf(key.id);
  const at = readTime(data.timestampMs) ?? readTime(data.messageTimestamp) ?? received_at;
  const is_revoke = data.type === 'REVOKE' || data.type === 0;
  const edited = isObject(data.editedMessage) ? data.editedMessage : data.message;
  if (!isObject(edited) && !is_revoke) return ignored('protocol');
  if (original_id === null) return ignored('incomplete');
  if (is_revoke) return { kind: 'revoke', original_id, at, text: null };
  const content = readContent({ message: edited });
  return content.kind === 'none' ? ignored(content.reason) : { kind: 'edit', original_id, at, text: content.text };
}

/** `messages.delete`: a key, by itself or as a member. */
export function readDeletion(data: unknown, { received_at }: Envelope): InboundEvent {
  if (!isObject(data)) return ignored('no_content');
  const key = isObject(data.key) ? data.key : data;
  const stranger = chatReason(key.remoteJid);
  if (stranger) return ignored(stranger);
  if (isTrue(key.fromMe)) return ignored('own_change');
  const original_id = stringOf(key.id);
  return original_id === null ? ignored('incomplete') : { kind: 'revoke', original_id, at: received_at, text: null };
}

function readTime(value: unknown): Date | null {
  return timeOf(integerOf(value));
}

/** A notice of the app's, or what it could not decrypt yet. */
function isStub(data: Json): boolean {
  return data.messageStubType !== undefined && data.messageStubType !== null;
}
