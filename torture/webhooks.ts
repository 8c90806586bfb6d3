import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer } from '../bench/database.ts';
import { callOver } from '../test/support/remote-company.ts';
import { type Member, noneEnded } from './fleet.ts';
import { openStage, type Stage } from './stage.ts';
import { type Finding, finding, type Report, type Torture, type TortureContext } from './torture.ts';
import { type Heard, type Receivers, startReceivers } from './webhook-receivers.ts';

const long_form = { kills: 20, events_per_kill: 500, healthy: 64, failing: 30, hanging: 5, paced_events: 150 };
const short_form = { events_per_kill: 25, healthy: 6, failing: 3, hanging: 1, paced_events: 10 };
/** Nobody listens on it. */
const dead_url = 'http://127.0.0.1:9/dead';
const clients = 4;
const pace_ms = 200;
const tried_within_ms = 120_000;
const drained_within_ms = 900_000;
const youngest_ms = 100;
const oldest_ms = 600;

type Form = typeof short_form & { kills: number };

interface Told {
  id: string;
  timestamp: string;
}

export const webhooks: Torture = {
  about: 'kill -9 while webhooks are told to endpoints that take, fail, hang or are dead',
  run,
};

async function run(context: TortureContext): Promise<Report> {
  const { rounds, signal } = context;
  const form: Form = rounds === null ? long_form : { ...short_form, kills: rounds };
  const server = await openServer(process.env.TEST_DATABASE_URL, context.log, signal);
  context.teardown(server.close);
  const stage = await openStage(context, {
    name: 'webhooks',
    settings: await server.createDatabase('webhooks'),
    commands: ['serve', 'serve', 'worker', 'worker'],
    env: { CONVERSAR_WEBHOOK_TIMEOUT_MS: '2000' },
    has_webhooks: false,
  });
  const receivers = await startReceivers(context);
  const contacts = createContacts(stage, signal);
  const paths = await addEndpoints(stage, receivers, 'ok', form.healthy);
  // The first call of each endpoint opens its connection.
  await tellSome(context, stage, receivers, paths, { contacts, count: 2, pause_ms: pace_ms });
  const alone = await tellSome(context, stage, receivers, paths, {
    contacts,
    count: form.paced_events,
    pause_ms: pace_ms,
  });
  await addEndpoints(stage, receivers, 'fail', form.failing);
  await addEndpoints(stage, receivers, 'hang', form.hanging);
  await addEndpoint(stage, dead_url);
  const beside = await tellSome(context, stage, receivers, paths, {
    contacts,
    count: form.paced_events,
    pause_ms: pace_ms,
  });
  const kills = await killAll(context, stage, contacts, form);
  const told = await readTold(stage, signal, contacts.made());
  await untilHeard(context, receivers, paths, told);
  const calls = paths.flatMap((path) => [...(receivers.heard.get(path)?.calls.values() ?? [])]);
  return {
    title: 'Webhooks, processes killed one at a time',
    figures: {
      kills,
      events: told.length,
      'endpoints that take': form.healthy,
      'that fail, hang, are dead': `${form.failing}, ${form.hanging}, 1`,
      'calls of those that take': calls.reduce((sum, count) => sum + count, 0),
      'of which repeats': calls.reduce((sum, count) => sum + count - 1, 0),
      'first attempt alone, p95 ms': percentile(alone, 0.95),
      'first attempt beside the bad ones, p95 ms': percentile(beside, 0.95),
    },
    findings: [
      finding('the feed has one event of each contact that was acknowledged', [told.length], (count) =>
        count === contacts.made() ? null : `${count} events of ${contacts.made()} contacts`,
      ),
      ...judge(receivers, paths, told),
      noneEnded(stage.fleet),
      ...(rounds === null ? [judgeLag(alone, beside)] : []),
    ],
  };
}

const percentile = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? 0;

async function addEndpoint({ urls: [url = ''], company: { key } }: Stage, endpoint_url: string): Promise<string> {
  const body = { url: endpoint_url, events: ['contact.created'] };
  const answer = await callOver(`${url}/v1/webhook-endpoints`, key, 'POST', body);
  if (answer.status !== 201) throw new Error(`POST /v1/webhook-endpoints: ${JSON.stringify(answer.body)}`);
  return answer.body.secret;
}

async function addEndpoints(stage: Stage, receivers: Receivers, kind: string, count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, place) => `/${kind}-${place}`);
  for (const path of paths) {
    const secret = await addEndpoint(stage, `${receivers.url}${path}`);
    if (kind === 'ok') receivers.expect(path, secret);
  }
  return paths;
}

interface Contacts {
  /** Makes the next contact, and tries under the same key until it is made. */
  create: () => Promise<void>;
  /** How many were acknowledged. */
  made: () => number;
}

function createContacts({ urls, company: { key } }: Stage, signal: AbortSignal): Contacts {
  let [last, made] = [0, 0];
  const create = async (): Promise<void> => {
    last += 1;
    const number = last;
    const body = { phone: `+55319${String(80_000_000 + number)}` };
    const deadline = performance.now() + tried_within_ms;
    for (let round = number; ; round += 1) {
      const url = `${urls[round % urls.length]}/v1/contacts`;
      const answer = await callOver(url, key, 'POST', body, { 'idempotency-key': `contact-${number}` }).catch(
        () => null,
      );
      if (answer?.status === 201) {
        made += 1;
        return;
      }
      if (answer && answer.status < 500 && answer.status !== 409) throw new Error(JSON.stringify(answer.body));
      if (performance.now() > deadline) throw new Error(`contact ${number} could not be made`);
      await delay(100, undefined, { signal });
    }
  };
  return { create, made: () => made };
}

interface Telling {
  contacts: Contacts;
  count: number;
  pause_ms: number;
}

/** Events at a steady pace, and after how many ms each of them reached each endpoint that takes. */
async function tellSome(
  context: TortureContext,
  stage: Stage,
  receivers: Receivers,
  paths: string[],
  { contacts, count, pause_ms }: Telling,
): Promise<number[]> {
  const known = new Set((await readTold(stage, context.signal, contacts.made())).map(({ id }) => id));
  for (let made = 0; made < count; made += 1) {
    await contacts.create();
    await delay(pause_ms, undefined, { signal: context.signal });
  }
  const told = (await readTold(stage, context.signal, contacts.made())).filter(({ id }) => !known.has(id));
  await untilHeard(context, receivers, paths, told);
  return paths.flatMap((path) =>
    told.map(({ id, timestamp }) => (receivers.heard.get(path)?.first_at_ms.get(id) ?? 0) - Date.parse(timestamp)),
  );
}

/** Kills one process after the other while clients make events; returns how many. */
async function killAll(context: TortureContext, { fleet }: Stage, contacts: Contacts, form: Form) {
  const { isOver, say, signal } = context;
  const all = form.kills * form.events_per_kill;
  let begun = 0;
  const makeAll = async () => {
    while (begun < all && !signal.aborted) {
      begun += 1;
      await contacts.create();
    }
  };
  const made = Promise.all(Array.from({ length: clients }, makeAll));
  let kills = 0;
  for (; kills < form.kills && !isOver(); kills += 1) {
    const share = ((kills + 0.5) / form.kills) * all;
    while (begun < share && !signal.aborted) await delay(20, undefined, { signal });
    await killOne(fleet[kills % fleet.length] as Member, signal);
    say(`${kills + 1} kills, ${begun} events`);
  }
  await made;
  return kills;
}

async function killOne(member: Member, signal: AbortSignal): Promise<void> {
  await member.end('SIGKILL');
  await member.start();
  await delay(randomInt(youngest_ms, oldest_ms), undefined, { signal });
}

/** All that the feed tells, once it is so many events: what committed this instant is told when those before it have. */
async function readTold(stage: Stage, signal: AbortSignal, count: number): Promise<Told[]> {
  const deadline = performance.now() + tried_within_ms;
  for (;;) {
    const told = await readFeed(stage, signal);
    if (told.length >= count || performance.now() > deadline) return told;
    await delay(200, undefined, { signal });
  }
}

/** All events that endpoints hear of, as the feed has them. */
async function readFeed({ urls: [url = ''], company: { key } }: Stage, signal: AbortSignal): Promise<Told[]> {
  const told: Told[] = [];
  let after = '';
  for (;;) {
    signal.throwIfAborted();
    const answer = await callOver(`${url}/v1/events?types=contact.created&limit=100${after}`, key, 'GET');
    if (answer.status !== 200) throw new Error(`GET /v1/events: ${JSON.stringify(answer.body)}`);
    told.push(...answer.body.data);
    after = `&after=${encodeURIComponent(answer.body.next_cursor)}`;
    if (!answer.body.has_more) return told;
  }
}

const hasHeard = (heard: Heard | undefined, told: Told[]) => told.every(({ id }) => heard?.calls.has(id));

async function untilHeard({ signal, say }: TortureContext, receivers: Receivers, paths: string[], told: Told[]) {
  const deadline = performance.now() + drained_within_ms;
  for (let look = 1; performance.now() < deadline; look += 1) {
    const missing = paths.filter((path) => !hasHeard(receivers.heard.get(path), told)).length;
    if (missing === 0) return;
    if (look % 20 === 0) say(`${missing} endpoints have not heard everything yet`);
    await delay(500, undefined, { signal });
  }
}

function judge({ heard }: Receivers, paths: string[], told: Told[]): Finding[] {
  const all = paths.map((path) => [path, heard.get(path)] as const);
  return [
    finding('every endpoint that takes heard of every event', all, ([path, known]) => {
      const missing = told.filter(({ id }) => !known?.calls.has(id));
      return missing.length > 0 ? `${path} misses ${missing.length}, such as ${missing[0]?.id}` : null;
    }),
    finding('nothing was told that did not happen', all, ([path, known]) => {
      const ids = new Set(told.map(({ id }) => id));
      const invented = [...(known?.calls.keys() ?? [])].find((id) => !ids.has(id));
      return invented ? `${path} heard of ${invented}` : null;
    }),
    finding('every signature is good, and a repeat has the same id', all, ([path, known]) =>
      known && known.faults.length > 0 ? `${path}: ${known.faults.slice(0, 3).join('; ')}` : null,
    ),
  ];
}

function judgeLag(alone: number[], beside: number[]): Finding {
  const [before, after] = [percentile(alone, 0.95), percentile(beside, 0.95)];
  return finding('beside bad endpoints, first attempts take less than twice as long (p95)', [after], (ms) =>
    ms < 2 * before ? null : `${ms} ms instead of ${before} ms`,
  );
}
