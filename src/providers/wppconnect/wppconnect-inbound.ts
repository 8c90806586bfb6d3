import type { InboundEcho, InboundEvent, InboundMedia, InboundPerson, InboundSide, InboundStatus } from '../inbound.ts';
import type { ChannelNews } from '../provider.ts';
import {
  addressOf,
  chatReason,
  disconnected,
  identitiesOf,
  ignored,
  type MessageId,
  messageIdOf,
  nameOf,
  personOf,
  serializedOf,
  webType,
} from '../whatsapp-web.ts';
import { isObject, type Json, keepable, objectAt, providerError, stringOf, textOf, timeOf } from '../wire.ts';
import { provider_name } from './wppconnect-answer.ts';

/**
 * WPPConnect's webhooks. It signs nothing and sends no header of ours: the channel's token stands in the URL. It tries no
 * second time, and marks a chat as read once we have answered 2xx unless `webhook.readMessage` is off.
 */
export const wppconnect_inbound: InboundSide = { sends_headers: false, parse: (...given) => [readBody(...given)] };

/** What a restarted server replays is news only while a reply is still expected. */
const history_after_ms = 24 * 3_600_000;

const idle_events: Record<string, string> = {
  qrcode: 'pairing',
  phoneCode: 'pairing',
  incomingcall: 'call',
  onpollresponse: 'poll_vote',
  onpresencechanged: 'presence',
  onparticipantschanged: 'group',
  onupdatelabel: 'label',
  location: 'live_location',
};

/** Everything stands at the top, beside `event` and `session`. */
function readBody(body: unknown, { session }: Record<string, string>, received_at = new Date()): InboundEvent {
  if (!isObject(body)) return ignored('no_content');
  if (body.session !== session) return ignored(typeof body.session === 'string' ? 'other_number' : 'no_number');
  const event = stringOf(body.event, 64) ?? '';
  switch (event) {
    case 'onmessage':
    case 'onselfmessage':
    case 'unreadmessages':
      return readMessage(body, event, received_at);
    case 'onack':
      return readAck(body, received_at);
    case 'onreactionmessage':
      return readReaction(body, received_at);
    case 'onrevokedmessage':
      return readRevoke(body, received_at);
    case 'status-find':
      return readState(body.status, received_at);
    default:
      return ignored((Object.hasOwn(idle_events, event) && idle_events[event]) || 'unknown_event');
  }
}

function readMessage(body: Json, event: string, received_at: Date): InboundEvent {
  const id = messageIdOf(body.id);
  const reason = strangerIn(body, id);
  if (reason !== null) return ignored(reason);
  const at = timeOf(body.t) ?? timeOf(body.timestamp) ?? received_at;
  if (event === 'unreadmessages' && received_at.getTime() - at.getTime() > history_after_ms) return ignored('history');
  const type = webType(stringOf(body.type, 40) ?? '');
  if (type === null) return ignored(body.type === 'ciphertext' ? 'waiting' : 'unknown_type');
  const said = { at, type, ...readContent(body, type) };
  if (said.text === null && type === 'text') return ignored('no_content');
  if (!id) return ignored('incomplete');
  // Of what arrives by the event for others' messages none is ours, unless it says so.
  const is_own = event === 'onselfmessage' || body.fromMe === true || id.from_me === true;
  return is_own ? typed(body, id, said) : received(body, id, said);
}

type Said = Pick<InboundEcho, 'at' | 'type' | 'text' | 'media'>;

function typed(body: Json, id: MessageId, said: Said): InboundEvent {
  const to = personOf([serializedOf(body.to), id.chat, serializedOf(body.chatId)], null);
  if (!to) return ignored('incomplete');
  // 0: the gateway has it; -1: WhatsApp did not take it.
  const is_pending = body.ack === 0 || body.ack === -1;
  return { kind: 'echo', provider_message_id: id.id, ...said, correlator: null, to, is_pending };
}

function received(body: Json, id: MessageId, said: Said): InboundEvent {
  const from = senderIn(body, id);
  if (!from) return ignored('incomplete');
  const quoted = objectAt(body, 'quotedMsgObj');
  const reply_to = messageIdOf(body.quotedStanzaID)?.id ?? messageIdOf(quoted.id)?.id ?? null;
  return { kind: 'message', provider_message_id: id.id, ...said, from, reply_to, opens: said.type !== 'unsupported' };
}

/** Of media `body` holds the bytes or a thumbnail: never a text. */
function readContent(body: Json, type: string): { text: string | null; media: InboundMedia | null } {
  switch (type) {
    case 'text':
      return { text: textOf(body.content) ?? textOf(body.body), media: null };
    case 'button_reply':
    case 'list_reply':
    case 'form_reply':
      return { text: textOf(body.body), media: keepable({ id: body.selectedButtonId ?? body.selectedId }) };
    case 'location': {
      const { lat: latitude, lng: longitude, loc: name } = body;
      return { text: null, media: keepable({ latitude, longitude, name }) };
    }
    case 'contacts':
      return { text: null, media: keepable({ vcards: body.vcardList ?? [body.body] }) };
    case 'unsupported':
      return { text: textOf(body.pollName), media: { unsupported_type: 'poll' } };
    case 'order':
    case 'product': {
      const { orderId, orderTitle, itemCount, message, title, productId } = body;
      return { text: textOf(message) ?? textOf(title), media: keepable({ orderId, orderTitle, itemCount, productId }) };
    }
    default: {
      const { mimetype: mime_type, filename, size, duration, fileUrl: url } = body;
      return { text: textOf(body.caption), media: keepable({ mime_type, filename, size, duration, url }) };
    }
  }
}

/** Here `id` is an object; below 0 it failed, and 5 is between the company's own devices. `t` is the message's own time. */
function readAck(body: Json, received_at: Date): InboundEvent {
  const id = messageIdOf(body.id);
  const reason = strangerIn(body, id);
  if (reason !== null) return ignored(reason);
  const key = objectAt(body, 'id');
  const from_me = typeof key.fromMe === 'boolean' ? key.fromMe : (id?.from_me ?? null);
  if (from_me === false) return ignored('own_reading');
  if (!id || from_me === null) return ignored('incomplete');
  const fact = factOf(body.ack);
  if (fact === null) return ignored(body.ack === 5 ? 'own_device' : 'unknown_status');
  const message = `ack ${body.ack}`;
  const error =
    fact === 'failed'
      ? providerError(provider_name, 'provider_refused', { code: String(body.ack).slice(0, 8), message })
      : null;
  const identities = identitiesOf([id.chat, key.remote, body.to]);
  return { kind: 'status', provider_message_id: id.id, correlator: null, fact, at: received_at, error, identities };
}

function factOf(ack: unknown): InboundStatus['fact'] | null {
  if (typeof ack !== 'number' || !Number.isInteger(ack)) return null;
  if (ack < 0) return 'failed';
  switch (ack) {
    case 0:
      return 'accepted';
    case 1:
      return 'sent';
    case 2:
      return 'delivered';
    case 3:
    case 4:
      return 'read';
    default:
      return null;
  }
}

/** `id` is the reaction's, `msgId` that of the message; both objects. */
function readReaction(body: Json, received_at: Date): InboundEvent {
  const id = messageIdOf(body.id);
  const original = messageIdOf(body.msgId);
  const reason = strangerIn(body, id) ?? chatReason(original?.chat);
  if (reason !== null) return ignored(reason);
  const { fromMe, remote, participant } = objectAt(body, 'id');
  const from_me = typeof fromMe === 'boolean' ? fromMe : (id?.from_me ?? null);
  if (from_me === true) return ignored('own_reaction');
  const from = personOf([id?.chat, remote, participant, body.sender].filter(addressOf), null);
  if (!id || !original || !from || from_me === null) return ignored('incomplete');
  const at = timeOf(body.timestamp) ?? received_at;
  const said = { type: 'reaction', text: textOf(body.reactionText), media: null, reply_to: original.id, opens: false };
  return { kind: 'message', provider_message_id: id.id, at, from, ...said };
}

/** `refId` is the message that is gone. */
function readRevoke(body: Json, received_at: Date): InboundEvent {
  const original = messageIdOf(body.refId);
  const reason = strangerIn(body, original);
  if (reason !== null) return ignored(reason);
  const { fromMe } = objectAt(body, 'refId');
  const from_me = typeof fromMe === 'boolean' ? fromMe : (original?.from_me ?? null);
  if (from_me === true) return ignored('own_change');
  if (!original || from_me === null) return ignored('incomplete');
  return { kind: 'revoke', original_id: original.id, at: received_at, text: null };
}

function readState(status: unknown, at: Date): InboundEvent {
  const news = newsOf(status);
  return news ? { kind: 'channel', at, news } : ignored('unknown_status');
}

function newsOf(status: unknown): ChannelNews | null {
  switch (status) {
    case 'inChat':
    case 'isLogged':
    case 'qrReadSuccess':
      return { status: 'connected', detail: null };
    case 'notLogged':
    case 'qrReadError':
    case 'qrReadFail':
    case 'autocloseCalled':
    case 'browserClose':
    case 'disconnectedMobile':
    case 'desconnectedMobile':
    case 'phoneNotConnected':
    case 'serverClose':
      return disconnected(status);
    default:
      return null;
  }
}

/** Why this chat is none of ours. */
function strangerIn({ from, to, chatId, isGroupMsg }: Json, id: MessageId | null): string | null {
  const reason = [id?.chat, chatId, from, to].map(chatReason).find((each) => each !== null);
  return reason ?? (isGroupMsg === true ? 'group' : null);
}

/** The contact by all that the body calls them; the phone behind a LID stands in `sender`, where it is known. */
function senderIn(body: Json, id: MessageId): InboundPerson | null {
  const { id: own_id, phoneNumber, lid, pushname } = objectAt(body, 'sender');
  return personOf([body.from, id.chat, body.chatId, own_id, phoneNumber, lid], nameOf(pushname, body.notifyName));
}
