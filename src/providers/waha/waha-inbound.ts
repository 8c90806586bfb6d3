import type { InboundEvent, InboundPerson, InboundSide, InboundStatus } from '../inbound.ts';
import {
  chatReason,
  identitiesOf,
  ignored,
  type MessageId,
  messageIdOf,
  nameOf,
  personOf,
  serializedOf,
} from '../whatsapp-web.ts';
import { isObject, type Json, objectAt, providerError, stringOf, textOf, timeOf } from '../wire.ts';
import { isSigned } from './signature.ts';
import { newsOf, provider_name } from './waha-answer.ts';
import { readContent } from './waha-content.ts';

/** WAHA's webhooks; with `hmac_key` they are signed. */
export const waha_inbound: InboundSide = { isSigned, parse: (...given) => [readBody(...given)] };

/** One event of the session with what its kinds share. */
interface Told {
  payload: Json;
  /** The session's own number: never the contact. */
  own: unknown;
  at: Date;
}

function readBody(body: unknown, { session }: Record<string, string>, received_at = new Date()): InboundEvent {
  if (!isObject(body)) return ignored('no_content');
  if (body.session !== session) return ignored(typeof body.session === 'string' ? 'other_number' : 'no_number');
  const event = stringOf(body.event, 64);
  if (event === null || !isObject(body.payload)) return ignored('no_content');
  const { payload } = body;
  const told = { payload, own: objectAt(body, 'me').id, at: timeOf(body.timestamp) ?? received_at };
  switch (event) {
    case 'message':
    case 'message.any':
      return readMessage(told);
    case 'message.ack':
      return readAck(told);
    case 'message.reaction':
      return readReaction(told);
    case 'message.edited':
      return readChange('edit', told);
    case 'message.revoked':
      return readChange('revoke', told);
    case 'session.status':
      return readState(told);
    default:
      return ignored(idleReason(event));
  }
}

/** Known and of no use here. */
function idleReason(event: string): string {
  if (event === 'message.waiting') return 'waiting';
  if (event.startsWith('call.')) return 'call';
  if (event.startsWith('group.') || event === 'message.ack.group') return 'group';
  if (event.startsWith('poll.')) return 'poll_vote';
  return /^(presence|label|chat|event|engine|state)\./.test(event) ? event.replace(/\W/g, '_') : 'unknown_event';
}

function readMessage(told: Told): InboundEvent {
  const { payload } = told;
  const reason = strangerIn(payload);
  if (reason !== null) return ignored(reason);
  const id = messageIdOf(payload.id);
  const from_me = isOwn(payload, id);
  const content = readContent(payload);
  if (content.kind === 'none') return ignored(content.reason);
  const person = otherSide(told, id, from_me);
  if (!id || from_me === null || !person) return ignored('incomplete');
  const { kind: _, ...said } = content;
  const at = timeOf(payload.timestamp) ?? told.at;
  const common = { provider_message_id: id.id, at, ...said };
  if (from_me) {
    const fact = factOf(payload.ack ?? payload.ackName);
    return {
      kind: 'echo',
      ...common,
      correlator: null,
      to: person,
      is_pending: fact === 'accepted' || fact === 'failed',
    };
  }
  const reply_to = messageIdOf(objectAt(payload, 'replyTo').id)?.id ?? null;
  return { kind: 'message', ...common, from: person, reply_to, opens: content.type !== 'unsupported' };
}

/** `ack` and `ackName` say the same; receipts of what the contact wrote are none of ours. */
function readAck({ payload, own, at }: Told): InboundEvent {
  const reason = strangerIn(payload);
  if (reason !== null) return ignored(reason);
  const id = messageIdOf(payload.id);
  if (isOwn(payload, id) === false) return ignored('own_reading');
  if (!id) return ignored('incomplete');
  const fact = factOf(payload.ack ?? payload.ackName);
  if (fact === null) return ignored('unknown_status');
  const identities = identitiesOf([id.chat, payload.to === own ? null : payload.to]);
  const error =
    fact === 'failed' ? providerError(provider_name, 'provider_refused', { code: '-1', message: 'ack ERROR' }) : null;
  return { kind: 'status', provider_message_id: id.id, correlator: null, fact, at, error, identities };
}

/** `PENDING`: the gateway has it, WhatsApp's server has not. */
function factOf(ack: unknown): InboundStatus['fact'] | null {
  switch (ack) {
    case -1:
    case 'ERROR':
      return 'failed';
    case 0:
    case 'PENDING':
      return 'accepted';
    case 1:
    case 'SERVER':
      return 'sent';
    case 2:
    case 'DEVICE':
      return 'delivered';
    case 3:
    case 4:
    case 'READ':
    case 'PLAYED':
      return 'read';
    default:
      return null;
  }
}

function readReaction(told: Told): InboundEvent {
  const { payload } = told;
  const reason = strangerIn(payload);
  if (reason !== null) return ignored(reason);
  const id = messageIdOf(payload.id);
  const from_me = isOwn(payload, id);
  if (from_me) return ignored('own_reaction');
  const reaction = objectAt(payload, 'reaction');
  const reply_to = messageIdOf(reaction.messageId)?.id ?? null;
  const from = otherSide(told, id, false);
  if (!id || from_me === null || !from || reply_to === null) return ignored('incomplete');
  const at = timeOf(payload.timestamp) ?? told.at;
  const said = { type: 'reaction', text: textOf(reaction.text), media: null, reply_to, opens: false };
  return { kind: 'message', provider_message_id: id.id, at, from, ...said };
}

/** The changed message stands bare in a member of its own; `id` is that of the change. */
function readChange(kind: 'edit' | 'revoke', { payload, at }: Told): InboundEvent {
  const change = kind === 'edit' ? payload : objectAt(payload, isObject(payload.after) ? 'after' : 'before');
  const reason = strangerIn(change);
  if (reason !== null) return ignored(reason);
  const from_me = isOwn(change, messageIdOf(change.id));
  if (from_me) return ignored('own_change');
  const original = messageIdOf(kind === 'edit' ? payload.editedMessageId : payload.revokedMessageId);
  if (!original || from_me === null) return ignored('incomplete');
  const text = kind === 'edit' ? textOf(payload.body) : null;
  return { kind, original_id: original.id, at: timeOf(change.timestamp) ?? at, text };
}

function readState({ payload, at }: Told): InboundEvent {
  const news = newsOf(payload.status, payload.data);
  return news.status === 'unknown' ? ignored('unknown_status') : { kind: 'channel', at, news };
}

/** Why this chat is none of ours. */
function strangerIn({ id, from, to, participant }: Json): string | null {
  const reasons = [messageIdOf(id)?.chat, from, to].map(chatReason);
  return reasons.find((reason) => reason !== null) ?? (serializedOf(participant)?.endsWith('@g.us') ? 'group' : null);
}

/** Null where neither the message nor its id says so. */
function isOwn({ fromMe }: Json, id: MessageId | null): boolean | null {
  return typeof fromMe === 'boolean' ? fromMe : (id?.from_me ?? null);
}

/** The contact, by all that the body calls them: the chat in the id, the outer member, and what the engine adds in `_data`. */
function otherSide({ payload, own }: Told, id: MessageId | null, from_me: boolean | null): InboundPerson | null {
  const data = objectAt(payload, '_data');
  const key = objectAt(data, 'key');
  const info = objectAt(data, 'Info');
  const outer = from_me ? payload.to : payload.from;
  const engine = from_me ? [info.RecipientAlt] : [key.senderPn, info.SenderAlt, info.Sender];
  const jids = [id?.chat, outer, key.remoteJid, key.remoteJidAlt, ...engine].filter((jid) => jid && jid !== own);
  return personOf(jids, from_me ? null : nameOf(data.notifyName, data.pushName, info.PushName));
}
