import t, { type Test } from 'tap';
import { script } from '../../../src/simulator/script.ts';
import { addChannel } from '../../support/add-channel.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t, {
  // Longer than the 3 s of 0408, so that it is answered.
  env: { CONVERSAR_SEND_TIMEOUT_MS: '6000', CONVERSAR_LEASE_MS: '15000' },
});
const company = await service.createCompany();
const template = { name: 'boas_vindas', language: 'pt_BR' };
const phoneOf = (digits: string) => `(31) 98888-${digits}`;

const messageOf = async (id: string): Promise<Body> => (await company.get(`/v1/messages/${id}`)).body;
const attendanceOf = async (id: string): Promise<Body> => (await company.get(`/v1/attendances/${id}`)).body;
const receivedFor = (channel_phone: string, protocol: string) =>
  service.received(`?to=${encodeURIComponent(`+55${channel_phone.replace(/\D/g, '')}`)}&protocol=${protocol}`);

interface Expected {
  status: string;
  code?: string;
  provider_code?: string | null;
  /** Outcomes of the attempts so far; the last one repeats while it waits in the queue. */
  attempts: string[];
  /** What the simulator got, by `accepted`. */
  received: boolean[];
  channel?: string;
}

const accepted: Expected = { status: 'accepted', attempts: ['accepted'], received: [true] };
const doubt = (was_accepted: boolean, over: Partial<Expected> = {}): Expected => ({
  ...{ status: 'unknown', code: 'provider_answer_lost', attempts: ['ambiguous'], received: [was_accepted] },
  ...over,
});
const refused = (code: string, provider_code: string, over: Partial<Expected> = {}): Expected => ({
  ...{ status: 'failed', code, provider_code, attempts: ['refused'], received: [false] },
  ...over,
});
const later: Expected = {
  ...{ status: 'accepted', attempts: ['unavailable', 'unavailable', 'accepted'], received: [false, false, true] },
};

/** By the last four digits; what each outcome must come to on either protocol. */
const expected: Record<string, { graph: Expected; evolution: Expected }> = {
  '0001': { graph: accepted, evolution: accepted },
  '0000': { graph: doubt(false), evolution: doubt(false) },
  '0131': { graph: refused('marketing_limit_reached', '131049'), evolution: accepted },
  '0190': {
    graph: refused('channel_credentials_invalid', '190', { channel: 'disconnected' }),
    evolution: refused('channel_credentials_invalid', '401', { channel: 'disconnected' }),
  },
  '0200': { graph: doubt(true), evolution: doubt(true) },
  '0202': { graph: { ...accepted, status: 'held' }, evolution: accepted },
  '0404': {
    graph: refused('recipient_undeliverable', '131026'),
    // The check found it: nothing was sent.
    evolution: { ...refused('recipient_not_on_whatsapp', ''), provider_code: null, received: [] },
  },
  '0408': { graph: accepted, evolution: accepted },
  '0415': { graph: refused('template_paused', '132015'), evolution: accepted },
  '0429': { graph: later, evolution: doubt(false, { provider_code: '400' }) },
  '0430': {
    graph: {
      ...{ status: 'queued', code: 'provider_rate_limited', provider_code: '130429' },
      ...{ attempts: ['unavailable'], received: [false] },
    },
    evolution: doubt(false, { provider_code: '400' }),
  },
  '0463': {
    graph: {
      ...{ status: 'queued', code: 'channel_spam_limited', provider_code: '131048' },
      ...{ attempts: ['unavailable'], received: [false], channel: 'restricted' },
    },
    evolution: refused('channel_restricted_for_new_chats', '400', { channel: 'restricted' }),
  },
  '0498': { graph: doubt(true), evolution: doubt(true) },
  '0499': { graph: doubt(false), evolution: doubt(false) },
  '0500': { graph: doubt(false), evolution: doubt(false, { provider_code: '500' }) },
  '0502': { graph: doubt(true), evolution: doubt(true, { provider_code: '502' }) },
  '0503': { graph: later, evolution: doubt(false, { provider_code: '400', channel: 'disconnected' }) },
};

const attendance_status: Record<string, string> = { accepted: 'open', held: 'open', failed: 'failed' };
const message_event: Record<string, string[]> = {
  accepted: ['message.accepted', 'attendance.opened'],
  held: ['message.held', 'attendance.opened'],
  failed: ['message.failed', 'attendance.failed'],
  unknown: ['message.unknown'],
  queued: [],
};

interface Started {
  phone: string;
  protocol: 'graph' | 'evolution';
  channel_id: string;
  body: Body;
  wanted: Expected;
}

async function start(digits: string, protocol: 'graph' | 'evolution', wanted: Expected): Promise<Started> {
  const is_graph = protocol === 'graph';
  const provider = is_graph ? 'whatsapp_cloud' : 'evolution';
  const shared = is_graph ? company.official_id : company.unofficial_id;
  const channel_id = wanted.channel ? await addChannel(company, service.simulator.url, { provider }) : shared;
  const phone = phoneOf(digits);
  const { status, body, text } = await company.start({
    contact: { phone },
    channel_id,
    ...(is_graph ? { template } : { text: 'Olá!' }),
  });
  if (status !== 201) throw new Error(text);
  return { phone, protocol, channel_id, body, wanted };
}

const isDone = (message: Body, { status, attempts }: Expected) =>
  message.status === status &&
  message.attempts.length >= attempts.length &&
  message.attempts.every((attempt: Body) => attempt.outcome !== null);

async function judge(t: Test, { phone, protocol, channel_id, body, wanted }: Started): Promise<void> {
  const { id, first_message } = body;
  const message = await eventually(
    () => messageOf(first_message.id),
    (found) => isDone(found, wanted),
  );
  t.equal(message.error?.code ?? null, wanted.code ?? null);
  if (wanted.provider_code !== undefined) t.equal(message.error?.provider?.code, wanted.provider_code);
  if (wanted.code) {
    t.equal(message.error.provider.name, protocol === 'graph' ? 'whatsapp_cloud' : 'evolution');
    t.ok(message.error.detail.length > 20 && message.error.detail !== wanted.code, 'with a sentence for it');
  }
  const outcomes: string[] = message.attempts.map((attempt: Body) => attempt.outcome);
  t.same(outcomes.slice(0, wanted.attempts.length), wanted.attempts);
  t.ok(wanted.status === 'queued' || outcomes.length === wanted.attempts.length, 'and no attempt more');
  const facts = ['accepted_at', 'held_at', 'failed_at', 'sent_at'].filter((name) => message[name] !== null);
  const wanted_facts = { accepted: ['accepted_at'], held: ['accepted_at', 'held_at'], failed: ['failed_at'] };
  t.same(facts, wanted_facts[wanted.status as 'held'] ?? []);

  const received = await receivedFor(phone, protocol);
  t.same(
    received.slice(0, wanted.received.length).map((entry) => entry.accepted),
    wanted.received,
  );
  t.ok(wanted.status === 'queued' || received.length === wanted.received.length, 'sent no more often than this');
  if (wanted.status === 'accepted' || wanted.status === 'held')
    t.equal(message.provider_message_id, received.at(-1)?.provider_message_id);

  const attendance = await attendanceOf(id);
  t.equal(attendance.status, attendance_status[wanted.status] ?? 'starting');
  t.same(
    attendance.timeline.map(({ type, sequence }: Body) => `${sequence} ${type}`),
    ['attendance.started', ...(message_event[wanted.status] ?? [])].map((type, index) => `${index + 1} ${type}`),
  );
  const channel = (await company.get(`/v1/channels/${channel_id}`)).body;
  t.equal(channel.status, wanted.channel ?? 'unknown');
}

t.test('every outcome that the simulator knows comes to what docs/dispatch.md says', async (t) => {
  t.same(
    script
      .map(({ digits }) => digits)
      // From 07 on it is what the simulator calls back with that differs; the send is accepted.
      .filter((digits) => !digits.startsWith('07') && !(digits in expected)),
    [],
    'all of them are looked at',
  );
  const started: Started[] = [];
  for (const [digits, { graph, evolution }] of Object.entries(expected)) {
    started.push(await start(digits, 'graph', graph));
    started.push(await start(digits, 'evolution', evolution));
  }
  for (const one of started)
    await t.test(`${one.phone.slice(-4)} on ${one.protocol}: ${one.wanted.status}`, (t) => judge(t, one));
});
