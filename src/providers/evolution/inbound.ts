import type { InboundEvent, InboundSide } from '../inbound.ts';
import type { ChannelNews } from '../provider.ts';
import { ignored } from '../whatsapp-web.ts';
import { isObject, type Json, objectAt, stringOf } from '../wire.ts';
import { integerOf } from './inbound-content.ts';
import type { Envelope } from './inbound-envelope.ts';
import { readDeletion, readEdit, readMessage } from './inbound-messages.ts';
import { readStatus } from './inbound-statuses.ts';

/** Evolution's webhooks: it signs nothing, so the channel's token is asked for at the door. */
export const inbound: InboundSide = { parse };

/** WhatsApp ended the session for good: a QR code has to be read again. */
const final_reasons = new Set([401, 402, 403, 406]);
/** Known and of no use here: the reason is the event's name with underscores. */
const idle_events = new Set(
  [
    'application.startup call chats.delete chats.set chats.update chats.upsert contacts.set contacts.update contacts.upsert',
    'group.participants.update group.update groups.upsert instance.create labels.association labels.edit new.token',
    'presence.update qrcode.updated send.message.update typebot.change.status typebot.start',
  ].flatMap((line) => line.split(' ')),
);

/** The items of `data`, one or a list, as events. The body's `apikey`, the instance's token in some set-ups, goes nowhere. */
function parse(body: unknown, credentials: Record<string, string>, received_at = new Date()): InboundEvent[] {
  if (!isObject(body)) return [ignored('no_content')];
  const event = eventOf(body);
  if (typeof body.instance !== 'string' || body.instance === '') return [ignored('no_instance')];
  if (body.instance !== credentials.instance) return [ignored('other_number')];
  const envelope: Envelope = { credentials, own: body.sender, received_at };
  const items = Array.isArray(body.data) ? body.data : [body.data];
  const events = items.flatMap((data) => readItem(event, data, envelope));
  return events.length > 0 ? events : [ignored('no_content')];
}

/** `messages.upsert`, which some builds write as `MESSAGES_UPSERT`. */
function eventOf({ event }: Json): string {
  return (stringOf(event, 64) ?? '').toLowerCase().replaceAll('_', '.');
}

function readItem(event: string, data: unknown, envelope: Envelope): InboundEvent[] {
  switch (event) {
    case 'messages.upsert':
      return readMessage(data, false, envelope);
    case 'send.message':
      return readMessage(data, true, envelope);
    case 'messages.update':
      return readStatus(data, envelope);
    case 'messages.edited':
      return [readEdit(data, envelope)];
    case 'messages.delete':
      return [readDeletion(data, envelope)];
    case 'messages.set':
      return [ignored('history')];
    case 'connection.update':
    case 'status.instance':
    case 'logout.instance':
    case 'instance.delete':
    case 'remove.instance':
      return [readConnection(event, data, envelope)];
    default:
      return [ignored(idle_events.has(event) ? event.replaceAll('.', '_') : 'unknown_event')];
  }
}

function readConnection(event: string, data: unknown, { received_at: at }: Envelope): InboundEvent {
  const told = objectAt({ data }, 'data');
  const news = event === 'connection.update' || event === 'status.instance' ? sessionNews(told) : gone(event);
  return news ? { kind: 'channel', at, news } : ignored('unknown_state');
}

function gone(event: string): ChannelNews {
  return { status: 'disconnected', detail: event === 'logout.instance' ? 'logged out' : 'the instance was deleted' };
}

/** `state` of a connection, or `status` of an instance. Evolution reconnects by itself after a close without a final reason. */
function sessionNews(told: Json): ChannelNews | null {
  const state = stringOf(told.state, 64) ?? stringOf(told.status, 64);
  const reason = integerOf(told.statusReason) ?? integerOf(told.disconnectionReasonCode);
  const detail = reason === null ? state : `${state} (${reason})`;
  switch (state) {
    case 'open':
      return { status: 'connected', detail: null };
    case 'connecting':
      return { status: 'connecting', detail: null };
    case 'close':
      return { status: reason === null || final_reasons.has(reason) ? 'disconnected' : 'connecting', detail };
    case 'closed':
    case 'removed':
    case 'refused':
      return { status: 'disconnected', detail };
    default:
      return null;
  }
}
