import type { InboundEvent, InboundPerson, InboundSide, InboundStatus } from '../inbound.ts';
import type { Address, ProviderError, ProviderErrorCode } from '../provider.ts';
import { addressOf, chatReason, digitsOf, disconnected, ignored, nameOf, restricted } from '../whatsapp-web.ts';
import { isObject, type Json, listAt, objectAt, providerError, scrub, stringOf, textOf, timeOf } from '../wire.ts';
import { isAbsent, provider_name } from './zapi-answer.ts';
import { readContent } from './zapi-content.ts';

/** Z-API's webhooks. It signs nothing and sends no header of ours: the channel's token stands in the URL. */
export const zapi_inbound: InboundSide = { sends_headers: false, parse: readBody };

type Credentials = Record<string, string>;

function readBody(body: unknown, credentials: Credentials, received_at = new Date()): InboundEvent[] {
  if (!isObject(body)) return [ignored('no_content')];
  const owner = judgeOwner(body, credentials);
  if (owner !== null) return [ignored(owner)];
  const at = timeOf(body.momment) ?? received_at;
  switch (stringOf(body.type, 64)) {
    case 'ReceivedCallback':
      return [readReceived(body, at)];
    case 'MessageStatusCallback':
      return readStatuses(body, at);
    case 'DeliveryCallback':
      return readDelivery(body, credentials, at);
    case 'ConnectedCallback':
      if (body.connected === false)
        return [{ kind: 'channel', at, news: disconnected('the instance is not connected') }];
      return [{ kind: 'channel', at, news: { status: 'connected', detail: null } }];
    case 'DisconnectedCallback': {
      const detail = scrub(textOf(body.error) ?? 'the instance is not connected', Object.values(credentials));
      return [{ kind: 'channel', at, news: disconnected(detail) }];
    }
    case 'PresenceChatCallback':
      return [ignored('presence')];
    default:
      return [ignored('unknown_event')];
  }
}

/** Older versions left `instanceId` out of what they tell of the connection. */
function judgeOwner({ instanceId, type }: Json, { instance_id }: Credentials): string | null {
  if (typeof instanceId === 'string' && instanceId !== '') return instanceId === instance_id ? null : 'other_number';
  return type === 'ConnectedCallback' || type === 'DisconnectedCallback' ? null : 'no_number';
}

function readReceived(body: Json, at: Date): InboundEvent {
  const reason = strangerIn(body);
  if (reason !== null) return ignored(reason);
  if (body.waitingMessage === true) return ignored('waiting');
  const id = stringOf(body.messageId, 128);
  if (typeof body.notification === 'string') return readNotice(body, id, at);
  if (typeof body.fromMe !== 'boolean' || id === null) return ignored('incomplete');
  const person = personIn(body);
  if (!person) return ignored('incomplete');
  if (isObject(body.reaction)) return readReaction(body, id, person, at);
  const content = readContent(body);
  if (content.kind === 'none') return ignored(content.reason);
  const { kind: _, ...said } = content;
  if (body.isEdit === true) {
    const original_id = stringOf(body.editMessageId, 128) ?? id;
    return body.fromMe ? ignored('own_change') : { kind: 'edit', original_id, at, text: said.text };
  }
  if (body.fromMe)
    return { kind: 'echo', provider_message_id: id, correlator: null, at, to: person, ...said, is_pending: false };
  const reply_to = stringOf(body.referenceMessageId, 128);
  return {
    kind: 'message',
    provider_message_id: id,
    at,
    from: person,
    ...said,
    reply_to,
    opens: said.type !== 'unsupported',
  };
}

/** Calls, payments, and what somebody did to a message. */
function readNotice(body: Json, id: string | null, at: Date): InboundEvent {
  const { notification, fromMe } = body;
  if (typeof notification === 'string' && notification.startsWith('CALL_')) return ignored('call');
  if (notification !== 'REVOKE') return ignored('notification');
  if (fromMe !== false) return ignored(fromMe === true ? 'own_change' : 'incomplete');
  const original_id = stringOf(body.referenceMessageId, 128) ?? id;
  return original_id === null ? ignored('incomplete') : { kind: 'revoke', original_id, at, text: null };
}

function readReaction(body: Json, id: string, from: InboundPerson, at: Date): InboundEvent {
  if (body.fromMe === true) return ignored('own_reaction');
  const reaction = objectAt(body, 'reaction');
  const reply_to = stringOf(objectAt(reaction, 'referencedMessage').messageId, 128);
  if (reply_to === null) return ignored('incomplete');
  const said = { type: 'reaction', text: textOf(reaction.value), media: null, reply_to, opens: false };
  return { kind: 'message', provider_message_id: id, at, from, ...said };
}

function readStatuses(body: Json, at: Date): InboundEvent[] {
  const reason = strangerIn(body);
  if (reason !== null) return [ignored(reason)];
  const fact = factOf(body.status);
  if (fact === null) return [ignored(body.status === 'READ_BY_ME' ? 'own_reading' : 'unknown_status')];
  const identities = identitiesIn(body);
  const ids = listAt(body, 'ids').flatMap((id) => stringOf(id, 128) ?? []);
  if (ids.length === 0) return [ignored('incomplete')];
  return ids.map((provider_message_id) => ({
    kind: 'status',
    provider_message_id,
    correlator: null,
    fact,
    at,
    error: null,
    identities,
  }));
}

function factOf(status: unknown): InboundStatus['fact'] | null {
  switch (status) {
    case 'SENT':
      return 'sent';
    case 'RECEIVED':
      return 'delivered';
    case 'READ':
    case 'PLAYED':
      return 'read';
    default:
      return null;
  }
}

/** Out of the queue: handed to WhatsApp, refused, or in a doubt that is left to be shown as silence. */
function readDelivery(body: Json, credentials: Credentials, at: Date): InboundEvent[] {
  const reason = strangerIn(body);
  if (reason !== null) return [ignored(reason)];
  const provider_message_id = stringOf(body.messageId, 128);
  if (provider_message_id === null) return [ignored('incomplete')];
  const common = { kind: 'status', provider_message_id, correlator: null, at, identities: identitiesIn(body) } as const;
  if (body.error === undefined || body.error === null) return [{ ...common, fact: 'sent', error: null }];
  const words = textOf(body.error) ?? 'error';
  if (/timeout|^error on send message/i.test(words)) return [ignored('delivery_in_doubt')];
  const is_locked = body.errorCode === 'SHADOW_BAN';
  const error = faultOf(words, is_locked, [...Object.values(credentials), `${body.phone ?? ''}`]);
  const failed: InboundEvent = { ...common, fact: 'failed', error };
  if (!is_locked) return [failed];
  return [failed, { kind: 'channel', at, news: restricted(error.provider.message ?? 'SHADOW_BAN') }];
}

function faultOf(words: string, is_locked: boolean, secrets: string[]): ProviderError {
  const code = is_locked ? 'SHADOW_BAN' : null;
  return providerError(provider_name, codeOf(words, is_locked), { code, message: scrub(words, secrets) });
}

function codeOf(words: string, is_locked: boolean): ProviderErrorCode {
  if (is_locked) return 'channel_restricted_for_new_chats';
  if (isAbsent(words)) return 'recipient_not_on_whatsapp';
  return /media|\burl\b/i.test(words) ? 'media_unusable' : 'provider_refused';
}

/** Why this chat is none of ours. */
function strangerIn({ phone, isGroup, isNewsletter, broadcast }: Json): string | null {
  if (isGroup === true || (typeof phone === 'string' && /-group$|^\d+-\d+$/.test(phone))) return 'group';
  if (isNewsletter === true) return 'newsletter';
  return chatReason(phone) ?? (broadcast === true ? 'broadcast' : null);
}

function personIn(body: Json): InboundPerson | null {
  const identities = identitiesIn(body);
  const profile_name = body.fromMe === true ? null : nameOf(body.senderName, body.chatName);
  return identities.length === 0 ? null : { identities, profile_name };
}

/** `phone` may itself be a LID; `senderLid` is the contact's only where the contact wrote. */
function identitiesIn({ phone, chatLid, senderLid, fromMe }: Json): Address[] {
  const number = digitsOf({ kind: 'wa_id', value: stringOf(phone, 64) ?? '' });
  const identities: Address[] = [];
  if (number !== null) identities.push({ kind: 'wa_id', value: number });
  if (number !== null && /^[1-9]\d{6}/.test(number)) identities.push({ kind: 'phone', value: `+${number}` });
  const lids = [phone, chatLid, fromMe === false ? senderLid : null].flatMap((value) => addressOf(value) ?? []);
  const lid = lids.find(({ kind }) => kind === 'lid');
  return lid ? [...identities, lid] : identities;
}
