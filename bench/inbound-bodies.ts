import { createHmac } from 'node:crypto';
import type { Shot } from './measure.ts';

/** A channel's door, and what Meta calls the number behind it. */
export interface Door {
  channel_id: string;
  phone_number_id: string;
}

/** A message of ours that a provider reports on. */
export interface SentMessage {
  provider_message_id: string;
  correlator: string;
  wa_id: string;
}

/** What all bodies are signed with, and the business account they name. */
export const app_secret = 'benchmark-app-secret';
export const waba_id = '200000000000009';

export const statuses_per_body = 10;

const area_codes = [
  '11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55',
  '61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99',
].flatMap((line) => line.split(' '));
const numbers_each = 10_000;

/** The digits of a made-up number, another one for each `place` up to 6.7 million: +55 11 98888-0000 and onwards. */
export function numberOf(place: number): string {
  const block = Math.floor(place / numbers_each);
  const area = area_codes[block % area_codes.length] ?? '31';
  const prefix = 98_888 - Math.floor(block / area_codes.length);
  return `55${area}${prefix}${String(place % numbers_each).padStart(4, '0')}`;
}

const seconds = () => String(Math.floor(Date.now() / 1_000));

function toShot(door: Door, content: Record<string, unknown>): Shot {
  const metadata = { display_phone_number: '5531988880000', phone_number_id: door.phone_number_id };
  const value = { messaging_product: 'whatsapp', metadata, ...content };
  const body = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: waba_id, changes: [{ value, field: 'messages' }] }],
  });
  const signature = createHmac('sha256', app_secret).update(body).digest('hex');
  return {
    path: `/v1/inbound/${door.channel_id}`,
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
    body,
  };
}

/** One text from the person of this place; `id` is the provider's. */
function textShot(door: Door, place: number, id: string): Shot {
  const from = numberOf(place);
  return toShot(door, {
    contacts: [{ profile: { name: 'Ana Exemplo' }, wa_id: from }],
    messages: [{ from, id, timestamp: seconds(), text: { body: 'Oi, quero saber do meu pedido.' }, type: 'text' }],
  });
}

/** One fact of each of these messages. */
function statusShot(door: Door, messages: SentMessage[], status: string): Shot {
  const timestamp = seconds();
  return toShot(door, {
    statuses: messages.map(({ provider_message_id: id, wa_id, correlator }) => ({
      id,
      status,
      timestamp,
      recipient_id: wa_id,
      biz_opaque_callback_data: correlator,
      pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' },
    })),
  });
}

const facts = ['sent', 'delivered', 'read'];

/** As many texts as are asked for, each from a new person, over the doors in turn. */
export function textsFrom(doors: Door[], people: { next: number }): () => Shot {
  return () => {
    const place = people.next;
    people.next += 1;
    const door = doors[place % doors.length];
    if (!door) throw new Error('a benchmark needs at least one channel');
    return textShot(door, place, `wamid.HBgNQkVOQ0hNQVJLAAAA${String(place).padStart(20, '0')}`);
  };
}

/**
 * Every message's `sent`, then every `delivered`, then every `read`: a body holds one fact of the messages of one group, and
 * the groups' doors take turns. Undefined at the end, or from the start again when `repeats`.
 */
export function statusesOf(
  groups: { door: Door; messages: SentMessage[] }[],
  repeats: boolean,
): () => Shot | undefined {
  let place = 0;
  const block = 16;
  return () => {
    if (place >= facts.length * groups.length && !repeats) return undefined;
    const within = place % (facts.length * groups.length);
    place += 1;
    // Facts of one message come close to each other: block by block, the last one shorter.
    const start = Math.floor(within / (facts.length * block)) * block;
    const size = Math.min(block, groups.length - start);
    const offset = within - facts.length * start;
    const group = groups[start + (offset % size)];
    const fact = facts[Math.floor(offset / size)];
    return group && fact ? statusShot(group.door, group.messages, fact) : undefined;
  };
}
