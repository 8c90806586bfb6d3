import t from 'tap';
import { v7 as uuid } from 'uuid';
import { recordOutcomes } from '../../../src/features/attendances/record-outcomes.ts';
import { type ClaimedMessage, claimMessages } from '../../../src/features/messages/claim.repository.ts';
import { addChannel } from '../../support/add-channel.ts';
import { createChecker, type Document } from '../../support/document.ts';
import { dumpDatabase, findTraces } from '../../support/dump.ts';
import { lostOutcomeOf, outcomeOf } from '../../support/queue.ts';
import { assertRefused, countRows } from '../../support/refusal.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const document = service.server.swagger() as unknown as Document;
const company = await service.createCompany();
const erase = (id: string) => company.call('DELETE', `/v1/contacts/${id}`);

/** Words by which the person could be found; the number in any of its forms. */
const words = [
  'zuleica',
  '98123-4',
  '9812345',
  '81234567',
  'crm-777',
  'zu@example.com',
  'vermelho',
  'jid-of-her',
  'trace-of-her',
];
const metadata = { colour: 'vermelho' };
const person = {
  name: 'Zuleica Prado',
  phone: '(31) 98123-4567',
  email: 'zu@example.com',
  external_ref: 'crm-777',
  metadata,
};
const template = {
  name: 'retomar_atendimento',
  language: 'pt_BR',
  parameters: { 'body.1': 'Zuleica', 'body.2': '8841' },
};

const claim = async (): Promise<ClaimedMessage> => {
  // As long ago as the pace of one contact asks for.
  await db.raw(`update attempts set started_at = started_at - interval '1 hour'`);
  const [claimed] = (await claimMessages(ctx, 1, 60_000)).claimed;
  if (!claimed) throw new Error('nothing to claim');
  return claimed;
};
const write = (...outcomes: ReturnType<typeof outcomeOf>[]) =>
  recordOutcomes(ctx, 'http://conversar.test', { written: outcomes, learned: [], channel_news: [] });
const words_of_provider = {
  error: {
    code: 'message_invalid',
    provider: { name: 'evolution', code: '400', message: 'Zuleica 5531981234567?', trace_id: 'trace-of-her' },
  },
};

interface Known {
  contact: Body;
  /** Accepted, refused, in doubt, queued: one attendance each, and what was claimed of it. */
  attendances: Record<'accepted' | 'refused' | 'unknown' | 'queued', Body>;
  doubt: ClaimedMessage;
}

/** A person of whom everything is known that can be. */
async function meet(): Promise<Known> {
  const key = () => ({ 'idempotency-key': uuid() });
  const { body: contact } = await company.post('/v1/contacts', person, key());
  await company.call('PATCH', `/v1/contacts/${contact.id}`, { name: 'Zuleica do Prado' });
  const start = async (over: Body): Promise<Body> => {
    const { status, body, text } = await company.start(
      { contact: { id: contact.id }, external_ref: 'crm-777', metadata, actor: { id: '7', name: 'Bia' }, ...over },
      key(),
    );
    if (status !== 201) throw new Error(text);
    return body;
  };
  const gateways = [];
  for (let n = 0; n < 2; n += 1) gateways.push(await addChannel(company, service.simulator.url));
  const accepted = await start({ template, channel_id: company.official_id });
  const one = await claim();
  await write(outcomeOf(one, 'unavailable', { ...words_of_provider, run_in_ms: 0 }));
  const again = await claim();
  await recordOutcomes(ctx, 'http://conversar.test', {
    written: [outcomeOf(again, 'accepted', { provider_message_id: 'wamid.jid-of-her' })],
    learned: [
      {
        account_id: company.account_id,
        contact_id: contact.id,
        kind: 'wa_id',
        scope: `channel:${company.official_id}`,
        value: 'jid-of-her',
        source: 'whatsapp_cloud',
        at: new Date(),
      },
    ],
    channel_news: [],
  });
  const refused = await start({ text: 'Olá Zuleica', channel_id: company.unofficial_id });
  await write(outcomeOf(await claim(), 'refused', words_of_provider));
  const unknown = await start({ text: 'Olá Zuleica', channel_id: gateways[0] });
  const doubt = await claim();
  await db('messages')
    .where({ id: doubt.id })
    .update({ lease_until: db.raw(`now() - interval '1 second'`) });
  await write(lostOutcomeOf(doubt));
  const queued = await start({ text: 'Olá Zuleica', channel_id: gateways[1] });
  return { contact, attendances: { accepted, refused, unknown, queued }, doubt };
}

const withoutIds = (counts: Record<string, number>, ...tables: string[]) =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => !tables.includes(name)));

t.test('DELETE /v1/contacts/{contact_id}', async (t) => {
  const { contact, attendances, doubt } = await meet();
  const counts = await countRows(service);
  const traced = new Set((await findTraces(db, words)).map((trace) => trace.split(':')[0]));
  t.same(
    [...traced].toSorted(),
    ['attempts', 'attendances', 'contact_identities', 'contacts', 'events', 'messages'],
    'there is much to find',
  );
  const reply = await erase(contact.id);

  t.test('204, and no table holds a word of the person, whichever way it is written', async (t) => {
    t.same([reply.status, reply.text], [204, ''], reply.text);
    t.same(await findTraces(db, words), []);
  });

  t.test('counts stay: no row but her identities is gone, and only events are added', async (t) => {
    const after = await countRows(service);
    t.same(withoutIds(after, 'events', 'contact_identities'), withoutIds(counts, 'events', 'contact_identities'));
    t.equal((await db('contact_identities').where({ contact_id: contact.id })).length, 0);
    t.equal(after.events, (counts.events ?? 0) + 6, 'three closes, one cancelled, one failed, one erased');
  });

  t.test('what is open is closed, what is queued cancelled, what is in doubt given up; each is told', async (t) => {
    const shown = async ({ id, first_message }: Body) => {
      const { body } = await company.get(`/v1/attendances/${id}`);
      const { body: message } = await company.get(`/v1/messages/${first_message.id}`);
      return [body.status, body.close_reason, message.status, message.error?.code ?? null];
    };
    t.same(await shown(attendances.accepted), ['closed', 'contact_erased', 'accepted', null]);
    t.same(await shown(attendances.refused), ['failed', null, 'failed', 'message_invalid']);
    t.same(await shown(attendances.unknown), ['closed', 'contact_erased', 'failed', 'contact_erased']);
    t.same(await shown(attendances.queued), ['closed', 'contact_erased', 'cancelled', null]);
    const timeline = async ({ id }: Body) =>
      (await company.get(`/v1/attendances/${id}`)).body.timeline.map((one: Body) => `${one.sequence} ${one.type}`);
    t.same(await timeline(attendances.unknown), [
      '1 attendance.started',
      '2 message.unknown',
      '3 message.failed',
      '4 attendance.closed',
    ]);
    t.same(await timeline(attendances.queued), ['1 attendance.started', '2 message.cancelled', '3 attendance.closed']);
    for (const { id } of Object.values(attendances)) {
      const { event_sequence } = await db('attendances').where({ id }).first('event_sequence');
      const told = await db('events').where({ attendance_id: id }).count({ events: '*' });
      t.equal(Number(told[0]?.events), event_sequence, 'no number is missing');
    }
  });

  t.test('what stays has its documented shape', async (t) => {
    const check = createChecker(document);
    const schemas: Record<string, string> = { contact: 'Contact', attendance: 'Attendance', message: 'Message' };
    const events = await db('events').where({ contact_id: contact.id }).orderBy('id').select('type', 'data');
    t.ok(events.length > 15);
    for (const { type, data } of events) {
      if (type === 'contact.erased') t.match(data, { id: contact.id, erased_at: /Z$/ });
      else {
        const schema = { $ref: `#/components/schemas/${schemas[type.split('.')[0]]}` };
        t.equal(check(schema, data), null, type);
      }
    }
    const { body } = await company.get(`/v1/attendances/${attendances.accepted.id}`);
    t.match(body, {
      contact: { id: contact.id, name: null, phone: null },
      external_ref: null,
      metadata: {},
      first_message: { text: null },
      started_by: { actor: { name: 'Bia' } },
      channel: { name: 'Oficial' },
      team: { name: 'Comercial' },
    });
    const { body: message } = await company.get(`/v1/messages/${attendances.accepted.first_message.id}`);
    t.same(message.template.parameters, {});
    t.equal(message.template.name, template.name);
    t.same(message.provider_message_id, null);
    t.match(message.attempts, [{ outcome: 'unavailable', error: { provider: { code: '400', message: null } } }, {}]);
  });

  t.test('she is found by nothing any more, and her number is free', async (t) => {
    const gone = { status: 404, body: { code: 'contact_not_found' } };
    t.match(await company.get(`/v1/contacts/${contact.id}`), gone);
    t.match(await company.get(`/v1/contacts/${contact.id}/export`), gone);
    t.match(await company.call('PATCH', `/v1/contacts/${contact.id}`, { name: 'x' }), gone);
    t.match(await erase(contact.id), gone);
    t.match(await company.start({ contact: { id: contact.id } }), gone);
    t.same((await company.get('/v1/contacts')).body.data, []);
    t.same((await company.get('/v1/contacts?search=zuleica')).body.data, []);
    t.same((await company.get('/v1/contacts?search=81234567')).body.data, []);
    t.same((await company.get('/v1/contacts/lookup?phone=31981234567')).body.contacts, []);
    t.equal((await company.get(`/v1/attendances?contact_id=${contact.id}`)).body.data.length, 4, 'but counted');
    const { status, body } = await company.post('/v1/contacts', person);
    t.equal(status, 201);
    t.not(body.id, contact.id);
    await erase(body.id);
  });

  t.test('her stored answers are gone', async (t) => {
    const kept = await db('idempotency_keys').where({ contact_id: contact.id }).select('answer');
    t.ok(kept.length >= 5);
    t.ok(kept.every(({ answer }) => answer === null));
  });

  t.test('a late answer of the provider brings nothing of her back', async (t) => {
    const before = await dumpDatabase(db);
    const late = { provider_message_id: 'jid-of-her', recipient: { kind: 'wa_id' as const, value: '5531981234567' } };
    const { account_id, contact_id } = doubt;
    const learned = {
      account_id,
      contact_id,
      kind: 'wa_id',
      scope: 'channel:x',
      value: 'jid-of-her',
      source: 'evolution',
    };
    for (const outcome of [outcomeOf(doubt, 'accepted', late), outcomeOf(doubt, 'refused', words_of_provider)])
      await recordOutcomes(ctx, 'http://conversar.test', {
        written: [outcome],
        learned: [{ ...learned, at: new Date() }],
        channel_news: [],
      });
    t.same(await findTraces(db, words), []);
    t.same(await dumpDatabase(db), before);
  });
});

t.test(
  'while a message to her is being sent: 409 contact_busy, to be tried again, and nothing is changed',
  async (t) => {
    const { body: contact } = await company.post('/v1/contacts', person);
    await company.start({ contact: { id: contact.id }, channel_id: company.unofficial_id, text: 'Olá Zuleica' });
    const message = await claim();
    const before = await dumpDatabase(db);
    const { headers, body } = await assertRefused(t, service, () => erase(contact.id), {
      status: 409,
      code: 'contact_busy',
      pointer: ':contact_id',
    });
    t.same([headers['retry-after'], body.retryable], ['5', true]);
    t.same(await dumpDatabase(db), before);
    await write(outcomeOf(message, 'accepted'));
    t.equal((await erase(contact.id)).status, 204);
    t.same(await findTraces(db, words), []);
  },
);

t.test('a contact without any attendance is erased too', async (t) => {
  const { body: contact } = await company.post('/v1/contacts', person);
  t.equal((await erase(contact.id)).status, 204);
  t.same(await findTraces(db, words), []);
});

t.test("a missing id and another account's answer the same 404, and she stays", async (t) => {
  const other = await service.createClient();
  const { body: theirs } = await other.post('/v1/contacts', person);
  for (const id of [uuid(), theirs.id])
    await assertRefused(t, service, () => erase(id), {
      status: 404,
      code: 'contact_not_found',
      pointer: ':contact_id',
    });
  t.same((await other.get(`/v1/contacts/${theirs.id}`)).body, theirs);
});
