import t from 'tap';
import { registry } from '../../src/providers/registry.ts';
import { at, bodyOf, metadata, phone_number_id, seconds, waba_id } from './whatsapp-cloud-inbound.bodies.ts';

type Json = Record<string, unknown>;

const parse = (field: string, value: Json) =>
  registry.whatsapp_cloud.inbound.parse(bodyOf(field, { metadata, ...value }), { phone_number_id, waba_id }, at);
const message = (from: Json) => ({ id: 'wamid.T1', timestamp: seconds, type: 'text', text: { body: 'Oi' }, ...from });
const card = (name: string, ids: Json) => ({ profile: { name }, ...ids });
/** The profile names that messages of these people get from these cards. */
const namesOf = (contacts: unknown, ...people: Json[]) =>
  parse('messages', { contacts, messages: people.map(message) }).map((event) =>
    event.kind === 'message' ? event.from.profile_name : event.kind,
  );

t.test('a card is of the same number or user id, and of several the first is', async (t) => {
  const contacts = [
    card('Ana', { wa_id: '+5531988880001', user_id: 'BR.A' }),
    card('Bia', { wa_id: '5531988880002' }),
    card('Caio', { wa_id: '5531988880001' }),
    card('Davi', { user_id: 'BR.D' }),
    null,
    card('Eva', { wa_id: '5531988880002', user_id: 'BR.D' }),
  ];
  const people = [
    { from: '5531988880001' },
    { from: '5531988880002' },
    { from: '5531988880002', from_user_id: 'BR.A' },
    { from: '5531988880009', from_user_id: 'BR.D' },
    { from: '5531988880009', from_user_id: 'BR.X' },
    { from: '5531988880009' },
  ];
  t.same(namesOf(contacts, ...people), ['Ana', 'Bia', 'Ana', 'Davi', null, null]);
});

t.test('the only card beside the only item is of it, unless both have a user id', async (t) => {
  const person = { from: '5531988880001', from_user_id: 'BR.A' };
  t.same(namesOf([card('Ana', {})], person), ['Ana']);
  t.same(namesOf([card('Ana', { user_id: 'BR.X' })], person), [null]);
  t.same(namesOf([card('Ana', {}), card('Bia', {})], person), [null]);
  t.same(namesOf([card('Ana', {})], person, person), [null, null]);
  t.same(namesOf('none', person), [null]);
});

/** Cards of which each says how often its names were read. */
function countedCards(count: number) {
  const reads = { count: 0 };
  const cards = Array.from({ length: count }, (_, place) => ({
    profile: { name: `Ana ${place}` },
    get wa_id() {
      reads.count += 1;
      return String(5_531_900_000_000 + place);
    },
  }));
  return { cards, reads };
}

t.test('as many items as cards: each card is read a few times, and not once for each item', async (t) => {
  const count = 500;
  const phones = Array.from({ length: count }, (_, place) => String(5_531_900_000_000 + count - 1 - place));
  const fields: [string, string, (phone: string) => Json][] = [
    ['messages', 'messages', (from) => message({ from })],
    ['messages', 'statuses', (recipient_id) => ({ id: 'wamid.T1', status: 'sent', timestamp: seconds, recipient_id })],
    ['smb_message_echoes', 'message_echoes', (to) => message({ to })],
    ['user_preferences', 'user_preferences', (wa_id) => ({ wa_id, category: 'marketing_messages', value: 'stop' })],
  ];
  for (const [field, items, item] of fields) {
    const { cards, reads } = countedCards(count);
    const events = parse(field, { contacts: cards, [items]: phones.map(item) });
    t.equal(events.filter(({ kind }) => kind !== 'ignored').length, count, items);
    t.ok(reads.count > 0 && reads.count <= 4 * count, `${items}: ${reads.count} times`);
  }
});
