import t, { type Test } from 'tap';
import { v7 as uuid } from 'uuid';
import { inTransaction } from '../../../src/context.ts';
import { sweepDoubts } from '../../../src/features/attendances/sweep-doubts.ts';
import { sweepSilence } from '../../../src/features/attendances/sweep-silence.ts';
import { event_types } from '../../../src/features/events/events.schema.ts';
import { applyEvents } from '../../../src/features/inbound/apply-event.ts';
import { createCorrelator } from '../../../src/features/messages/correlator.ts';
import type { InboundEvent, InboundPerson } from '../../../src/providers/inbound.ts';
import type { Address } from '../../../src/providers/provider.ts';
import { createDesk, eventsOf, public_url } from '../../support/attendances.ts';
import { createChecker, type Document } from '../../support/document.ts';
import { untilSettled } from '../../support/events.ts';
import { outcomeOf } from '../../support/queue.ts';
import { type Body, startService } from '../../support/service.ts';

// Nothing happens by itself: what becomes of a message is decided by hand, and every change is made by one line below.
const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const desk = createDesk(service, company);
const { unofficial_id, team_id, other_team_id } = company;
const boas_vindas = { name: 'boas_vindas', language: 'pt_BR' };

const must = async (asked: ReturnType<typeof company.post>): Promise<Body> => {
  const { status, body, text } = await asked;
  if (status >= 300) throw new Error(text);
  return body;
};
const post = (url: string, body?: unknown) => must(company.post(url, body));

/** All events of the account after these, in the order they were written. */
const told = async (known: Set<string>): Promise<Body[]> => {
  const rows: Body[] = await db('events').where({ account_id: company.account_id }).orderBy(['txid', 'position']);
  return rows.filter(({ id }) => !known.has(id));
};

/** What REST shows of what an event tells of. */
async function shown({ type, attendance_id, message_id, contact_id, data }: Body): Promise<Body> {
  const [kind] = type.split('.');
  if (kind === 'message') return desk.getMessage(message_id);
  if (kind === 'attendance' || kind === 'service_window') return desk.get(attendance_id);
  if (kind === 'template') return must(company.get(`/v1/templates/${data.id}`));
  if (kind === 'webhook_endpoint') return must(company.get(`/v1/webhook-endpoints/${data.id}`));
  if (kind === 'channel') {
    const channel = await must(company.get(`/v1/channels/${data.id}`));
    // But for what lets a gateway speak to us.
    return { ...channel, webhook: { ...channel.webhook, verify_token: '', headers: {} } };
  }
  return must(company.get(`/v1/contacts/${contact_id}`));
}

const walked = new Set<string>();
/** Does one thing, and holds that it was told with these events and no other, each as REST shows it now. */
async function tells(t: Test, title: string, types: string[], work: () => Promise<unknown>): Promise<void> {
  const known = new Set((await told(new Set())).map(({ id }) => String(id)));
  await work();
  const events = await told(known);
  t.same(
    events.map(({ type }) => type),
    types,
    title,
  );
  for (const event of events) {
    walked.add(event.type);
    t.equal(event.message_id !== null, event.type.startsWith('message.'), `${title}: a message's event names it`);
    if (event.type !== 'contact.erased')
      t.same(event.data, await shown(event), `${title}: ${event.type} as REST shows`);
  }
}

const attendance_ids: string[] = [];
async function started(over: Record<string, unknown> = {}): Promise<Body> {
  const attendance = await desk.start(over);
  attendance_ids.push(attendance.id);
  return attendance;
}
const claimed = (attendance: Body) => desk.claim(attendance.first_message.id);
const outcome = async (attendance: Body, kind: 'accepted' | 'refused' | 'ambiguous', over = {}) =>
  desk.record(outcomeOf(await claimed(attendance), kind, over));
const opened = async () => {
  const attendance = await started();
  await outcome(attendance, 'accepted');
  return attendance;
};
const doubted = async () => {
  const attendance = await started();
  await outcome(attendance, 'ambiguous');
  return attendance;
};
const resolve = (attendance: Body, action: string) =>
  post(`/v1/messages/${attendance.first_message.id}/resolve`, { action });

t.test('every change of a contact or an attendance is told once, as REST shows it', async (t) => {
  t.test('contacts', async (t) => {
    let contact: Body;
    await tells(t, 'created', ['contact.created'], async () => {
      contact = await post('/v1/contacts', { phone: desk.nextPhone(), name: 'Ana' });
    });
    const path = () => `/v1/contacts/${contact.id}`;
    await tells(t, 'changed', ['contact.updated'], () => must(company.call('PATCH', path(), { name: 'Bia' })));
    await tells(t, 'not changed', [], () => must(company.call('PATCH', path(), { name: 'Bia' })));
    await tells(t, 'refused', [], () => company.post('/v1/contacts', { phone: contact.phone }));
    await tells(t, 'erased', ['contact.erased'], () => company.call('DELETE', path()));
  });

  t.test('starts', async (t) => {
    let one: Body;
    await tells(t, 'a number nobody had', ['contact.created', 'attendance.started'], async () => {
      one = await started();
    });
    await tells(t, 'reused', [], () =>
      desk.start({ contact: { id: one.contact.id }, on_open: 'reuse', text: 'De novo' }),
    );
    await tells(t, 'refused', [], () => company.start({ contact: { id: one.contact.id }, channel_id: unofficial_id }));
    await tells(t, 'tried dry', [], () =>
      company.post('/v1/attendances?dry_run=true', {
        contact: { phone: desk.nextPhone() },
        channel_id: unofficial_id,
        team_id,
      }),
    );
    await tells(t, 'without a message', ['contact.created', 'attendance.started'], () => started({ text: undefined }));
  });

  t.test('what the provider says of the first message', async (t) => {
    const cases = [
      ['accepted', {}, ['message.accepted', 'attendance.opened']],
      ['accepted', { is_held: true }, ['message.held', 'attendance.opened']],
      ['refused', {}, ['message.failed', 'attendance.failed']],
      ['ambiguous', {}, ['message.unknown']],
    ] as const;
    for (const [kind, over, types] of cases) {
      const attendance = await started();
      await tells(t, kind, [...types], () => outcome(attendance, kind, over));
    }
    const waits = await started();
    await tells(t, 'unavailable', [], async () => desk.record(outcomeOf(await claimed(waits), 'unavailable')));
  });

  t.test('verbs', async (t) => {
    const failed = await started();
    await outcome(failed, 'refused');
    await tells(t, 'retry', ['attendance.started'], () => post(`/v1/attendances/${failed.id}/retry`));
    await tells(t, 'retry, refused', [], () => company.post(`/v1/attendances/${failed.id}/retry`));

    const open = await opened();
    const path = `/v1/attendances/${open.id}`;
    await tells(t, 'transfer', ['attendance.transferred'], () => post(`${path}/transfer`, { team_id: other_team_id }));
    await tells(t, 'transfer to the same', [], () => post(`${path}/transfer`, { team_id: other_team_id }));
    await tells(t, 'two later messages', [], async () => {
      await post(`${path}/messages`, { text: 'Um' });
      await post(`${path}/messages`, { text: 'Dois' });
    });
    const types = ['message.cancelled', 'message.cancelled', 'attendance.closed'];
    await tells(t, 'close', types, () => post(`${path}/close`, { reason: 'resolved' }));
    await tells(t, 'close, refused', [], () => company.post(`${path}/close`));
  });

  t.test('doubts', async (t) => {
    const [sent, failed, again, given_up] = [await doubted(), await doubted(), await doubted(), await doubted()];
    await tells(t, 'mark_sent', ['message.sent', 'attendance.opened'], () => resolve(sent, 'mark_sent'));
    await tells(t, 'mark_failed', ['message.failed', 'attendance.failed'], () => resolve(failed, 'mark_failed'));
    await tells(t, 'resend', [], () => resolve(again, 'resend'));
    await tells(t, 'resent', ['message.accepted', 'attendance.opened'], () => outcome(again, 'accepted'));
    await tells(t, 'resolved twice', [], () =>
      company.post(`/v1/messages/${sent.first_message.id}/resolve`, { action: 'mark_failed' }),
    );
    await db('messages')
      .where({ id: given_up.first_message.id })
      .update({ unknown_at: db.raw(`now() - interval '8 days'`), run_at: db.fn.now() });
    await tells(t, 'given up', ['message.failed', 'attendance.failed'], () => sweepDoubts(ctx, public_url));

    const in_the_air = await started();
    const message = await claimed(in_the_air);
    await tells(t, 'closed by force', ['attendance.closed'], () =>
      post(`/v1/attendances/${in_the_air.id}/close`, { force: true }),
    );
    await tells(t, 'and given back', ['message.cancelled'], () => desk.record(outcomeOf(message, 'given_back')));
  });

  t.test('what providers say back', async (t) => {
    const row = await db('channels').where({ id: company.official_id }).first();
    const vault = (await service.vaults.openAll(ctx, [company.account_id])).get(company.account_id);
    if (!row || !vault) throw new Error('no channel');
    const scope = { ...ctx, account_id: company.account_id, default_country: 'BR', vault, api_key_id: null };
    const at = new Date();
    const say = (event: InboundEvent) =>
      inTransaction(scope, (trx) =>
        applyEvents(trx, public_url, row, [{ event, place: { message_id: uuid(), received_at: new Date() } }]),
      );
    const person = (digits: string, ...more: Address[]) => ({
      identities: [{ kind: 'wa_id', value: digits }, { kind: 'phone', value: `+${digits}` }, ...more] as Address[],
      profile_name: null,
    });
    const wrote = (from: InboundPerson, id: string, over = {}) =>
      say({
        ...{ kind: 'message', provider_message_id: id, at, from, type: 'text', text: 'Oi', media: null },
        ...{ reply_to: null, opens: true, ...over },
      } as InboundEvent);
    const reported = (message_id: string, fact: string, id = `wamid.${message_id}`) =>
      say({
        ...{ kind: 'status', provider_message_id: id, fact, at, identities: [] },
        correlator: createCorrelator(vault, message_id, 1),
        error: fact === 'failed' ? { code: 'recipient_undeliverable', provider: null } : null,
      } as unknown as InboundEvent);

    const first = [
      'contact.created',
      'attendance.started',
      'attendance.opened',
      'message.received',
      'service_window.opened',
    ];
    await tells(t, 'a first message', first, () => wrote(person('553188880901'), 'wamid.1'));
    await tells(t, 'the same again', [], () => wrote(person('553188880901'), 'wamid.1'));
    await tells(t, 'a second one', ['message.received'], () => wrote(person('553188880901'), 'wamid.2'));
    await tells(t, 'a reaction of a stranger', [], () =>
      wrote(person('553188880902'), 'wamid.3', { type: 'reaction', opens: false }),
    );

    const official = await desk.start({ channel_id: company.official_id, text: undefined, template: boas_vindas });
    attendance_ids.push(official.id);
    await desk.record(outcomeOf(await claimed(official), 'accepted', { provider_message_id: 'wamid.4' }));
    const { id } = official.first_message;
    await tells(t, 'sent', ['message.sent'], () => reported(id, 'sent', 'wamid.4'));
    await tells(t, 'sent again', [], () => reported(id, 'sent', 'wamid.4'));
    await tells(t, 'failed', ['message.failed', 'attendance.failed'], () => reported(id, 'failed', 'wamid.4'));
    await tells(t, 'delivered', ['message.delivered', 'attendance.opened'], () => reported(id, 'delivered', 'wamid.4'));
    await tells(t, 'read', ['message.read'], () => reported(id, 'read', 'wamid.4'));
    await tells(t, 'under another id', ['message.id_conflict'], () => reported(id, 'read', 'wamid.5'));

    const silent = await opened();
    await db('messages').where({ id: silent.first_message.id }).update({ run_at: db.fn.now() });
    await tells(t, 'silence', ['message.stuck'], () => sweepSilence(ctx));

    const bsuid = { kind: 'bsuid', value: 'BR.901' } as const;
    await wrote({ identities: [bsuid], profile_name: null }, 'wamid.6');
    const merged = ['message.received', 'attendance.closed', 'contact.merged'];
    const known = new Set((await told(new Set())).map((event) => String(event.id)));
    await wrote(person('553188880901', bsuid), 'wamid.7');
    t.same((await told(known)).map(({ type }) => type).sort(), merged.sort(), 'two are one');
    for (const type of merged) walked.add(type);
    await tells(t, 'another number', ['contact.updated'], () =>
      say({
        kind: 'identity',
        at,
        before: person('553188880901').identities,
        after: person('553188880903').identities,
      }),
    );
    const stops = (opted_out: boolean) => say({ kind: 'opt_out', at, person: person('553188880903'), opted_out });
    await tells(t, 'stop', ['contact.opted_out'], () => stops(true));
    await tells(t, 'stop again', [], () => stops(true));
    await tells(t, 'resume', ['contact.opted_in'], () => stops(false));
    const paused = {
      kind: 'template',
      provider_template_id: null,
      category: null,
      needs_sync: false,
      at,
      quality: null,
    } as const;
    await tells(t, 'a template', ['template.status_changed'], () =>
      say({ ...paused, ...boas_vindas, status: 'paused' }),
    );
    const liked = () => say({ ...paused, ...boas_vindas, status: null, quality: 'yellow' });
    await tells(t, 'a quality', ['template.status_changed'], liked);
    await tells(t, 'the same again', [], liked);
  });

  t.test('an erasure closes what is open', async (t) => {
    const open = await opened();
    await post(`/v1/attendances/${open.id}/messages`, { text: 'Ainda aí?' });
    await tells(t, 'erased', ['message.cancelled', 'attendance.closed', 'contact.erased'], () =>
      company.call('DELETE', `/v1/contacts/${open.contact.id}`),
    );
  });

  t.test('webhook endpoints', async (t) => {
    let endpoint: Body;
    await tells(t, 'made', [], async () => {
      endpoint = await post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' });
    });
    const path = () => `/v1/webhook-endpoints/${endpoint.id}`;
    const change = (body: unknown) => must(company.call('PATCH', path(), body));
    await tells(t, 'changed', [], () => change({ description: 'CRM' }));
    await tells(t, 'disabled', ['webhook_endpoint.disabled'], () => change({ is_enabled: false }));
    await tells(t, 'disabled again', [], () => change({ is_enabled: false }));
    await tells(t, 'enabled', [], () => change({ is_enabled: true }));
  });

  t.test('channels', async (t) => {
    const path = `/v1/channels/${unofficial_id}/check`;
    await db('channels').where({ id: unofficial_id }).update({ status: 'unknown' });
    await tells(t, 'checked', ['channel.status_changed'], () => post(path));
    await tells(t, 'checked again', [], () => post(path));
  });
});

t.test('every event in the feed is as the document says, and once in it', async (t) => {
  const check = createChecker(service.server.swagger() as unknown as Document);
  const written = await told(new Set());
  await untilSettled(db);
  const read: Body[] = [];
  for (let after = '', has_more = true; has_more; ) {
    const page = await must(company.get(`/v1/events?limit=100${after}`));
    read.push(...page.data);
    after = `&after=${page.next_cursor}`;
    has_more = page.has_more;
  }
  t.same(
    read.map(({ id, type, sequence, data }) => ({ id, type, attendance_sequence: sequence, data })),
    written.map(({ id, type, attendance_sequence, data }) => ({ id, type, attendance_sequence, data })),
  );
  for (const event of read) t.equal(check({ $ref: '#/components/schemas/Event' }, event), null, JSON.stringify(event));
});

t.test('in every attendance the events are numbered from 1 without a gap', async (t) => {
  t.ok(attendance_ids.length > 10);
  for (const id of attendance_ids) {
    const events = await eventsOf(service, id);
    t.equal(events[0]?.type, 'attendance.started');
    t.same(
      events.map((one) => one.attendance_sequence),
      events.map((_, place) => place + 1),
    );
    const { timeline } = await must(company.get(`/v1/attendances/${id}`));
    t.same(
      timeline.map(({ type, sequence }: Body) => `${sequence} ${type}`),
      events.map(({ type, attendance_sequence }) => `${attendance_sequence} ${type}`),
      'as its timeline says',
    );
    const row = await db('attendances').where({ id }).first();
    t.equal(row?.event_sequence, events.length);
  }
});

t.test('no type of event is left out here', async (t) => {
  t.same([...walked].toSorted(), [...event_types].toSorted());
});
