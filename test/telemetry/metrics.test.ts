import { readFile } from 'node:fs/promises';
import { METHODS } from 'node:http';
import t from 'tap';
import { provider_names } from '../../src/providers/registry.ts';
import { createDesk, waiting } from '../support/attendances.ts';
import { readExposition, readSample } from '../support/exposition.ts';
import { queueMessages } from '../support/queue.ts';
import { startService } from '../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const desk = createDesk(service, company);
const scrape = async () => readExposition((await service.send(null, 'GET', '/metrics')).text);
const document = service.server.swagger() as unknown as {
  components: { examples: Record<string, { value: { status?: number } }> };
};

t.test('what waits in the database is shown by state, asked for at most every 5 s', async (t) => {
  const place = { account_id: company.account_id, channel_id: company.official_id };
  await queueMessages(service.db, place, 3, { run_in_s: 600 });
  let asked = 0;
  service.db.on('query', ({ options }: { options?: { name?: string } }) => {
    if (options?.name === 'read_queue_depth') asked += 1;
  });
  const [samples] = await Promise.all([scrape(), scrape(), scrape()]);
  const depth = (state: string) => readSample(samples, 'conversar_lane_messages', { lane: 'dispatch', state });
  t.same(['queued', 'queued_due', 'sending', 'unknown'].map(depth), [3, 0, 0, 0]);
  const inbound = (state: string) => readSample(samples, 'conversar_lane_messages', { lane: 'inbound', state });
  t.same(['due', 'working', 'quarantined'].map(inbound), [0, 0, 0]);
  t.equal(asked, 1);
});

t.test('starts are counted by what came of them, and not when they are repeated', async (t) => {
  const phone = desk.nextPhone();
  const start = { contact: { phone }, channel_id: company.unofficial_id, text: 'Olá!' };
  const key = { 'idempotency-key': 'metrics-1' };
  t.equal((await company.start(start, { ...key, ...waiting })).status, 201);
  t.equal((await company.start(start, key)).headers['idempotent-replayed'], 'true');
  t.equal((await company.start({ ...start, on_open: 'reuse' })).status, 200);
  t.equal((await company.start(start)).status, 409);
  const dry_run = { ...start, team_id: company.team_id, contact: { phone: desk.nextPhone() } };
  t.equal((await company.post('/v1/attendances?dry_run=true', dry_run)).status, 200);
  const samples = await scrape();
  const count = (result: string) => readSample(samples, 'conversar_starts_total', { result });
  t.same(['started', 'reused', 'dry_run'].map(count), [1, 1, 1]);
  t.equal(readSample(samples, 'conversar_idempotent_replays_total'), 1);
  t.equal(readSample(samples, 'conversar_refusals_total', { code: 'attendance_already_open' }), 1);
});

t.test('a refusal is counted by its code, a stored one once, whatever it came from', async (t) => {
  const wrong = { contact: { phone: desk.nextPhone() }, channel_id: company.official_id };
  const key = { 'idempotency-key': 'metrics-2' };
  for (const _ of [1, 2])
    t.match(await company.start(wrong, key), { status: 422, body: { code: 'template_required' } });
  t.equal((await company.get('/v1/nothing-here')).status, 404);
  t.equal((await service.send('conv_none', 'GET', '/v1/teams')).status, 401);
  const samples = await scrape();
  const count = (code: string) => readSample(samples, 'conversar_refusals_total', { code });
  t.same(['template_required', 'route_not_found', 'unauthorized'].map(count), [1, 1, 1]);
  t.same(['rate_limited', 'overloaded', 'internal_error'].map(count), [0, 0, 0], 'what has not happened is a zero');
});

t.test('dispatches are counted by provider and outcome, with what they took and how long they waited', async (t) => {
  await desk.start({}, waiting);
  await desk.startOfficial({}, waiting);
  // The simulator drops the connection after it has read: nobody can tell.
  await desk.start({ contact: { phone: desk.nextPhone('0499') } }, waiting);
  const samples = await scrape();
  const count = (provider: string, outcome: string) =>
    readSample(samples, 'conversar_dispatches_total', { provider, outcome }) ?? 0;
  t.equal(count('whatsapp_cloud', 'accepted'), 1);
  t.ok(count('evolution', 'accepted') >= 2);
  t.equal(count('evolution', 'ambiguous'), 1);
  const calls = readSample(samples, 'conversar_provider_call_duration_seconds_count', { provider: 'evolution' });
  t.equal(calls, count('evolution', 'accepted') + count('evolution', 'ambiguous'));
  const claimed = readSample(samples, 'conversar_dispatch_lag_seconds_count') ?? 0;
  t.equal(claimed, (calls ?? 0) + 1);
  const within_a_minute = readSample(samples, 'conversar_dispatch_lag_seconds_bucket', { le: '60' });
  t.equal(within_a_minute, claimed, 'and none waited since 1970');
});

t.test('a request is timed under its pattern', async (t) => {
  await company.get(`/v1/contacts/lookup?phone=${desk.nextPhone()}`);
  const samples = await scrape();
  const name = 'conversar_http_request_duration_seconds_count';
  t.equal(readSample(samples, name, { route: '/v1/contacts/lookup', method: 'GET', status: '2xx' }), 1);
  t.equal(readSample(samples, name, { route: 'none', method: 'GET', status: '4xx' }), 1);
});

t.test('a database that does not answer takes its numbers away, and nothing else', async (t) => {
  const { createMetrics } = await import('../../src/telemetry/metrics.ts');
  const readPool = () => ({ used: 1, free: 0, pending: 7 });
  for (const readDepth of [() => Promise.reject(new Error('away')), () => new Promise<never>(() => undefined)]) {
    const { text } = await createMetrics({ readPool, readDepth }).expose();
    const samples = readExposition(text);
    t.same(
      samples.filter(({ name }) => name === 'conversar_lane_messages'),
      [],
    );
    t.equal(readSample(samples, 'conversar_pool_connections', { state: 'pending' }), 7);
  }
});

/** Every label there may be, and the values it may have. */
const codes = Object.keys(document.components.examples);
const outcomes = ['accepted', 'refused', 'unavailable', 'given_back', 'ambiguous'];
const allowed: Record<string, (value: string) => boolean> = {
  le: (value) => value === '+Inf' || Number.isFinite(Number(value)),
  route: (value) => value === 'none' || service.server.hasRoute({ method: 'GET', url: value }) || isWriteRoute(value),
  method: (value) => METHODS.includes(value) || value === 'other',
  status: (value) => ['2xx', '3xx', '4xx', '5xx'].includes(value),
  code: (value) => codes.includes(value),
  result: (value) => ['started', 'reused', 'dry_run'].includes(value),
  provider: (value) => provider_names.some((name) => name === value),
  outcome: (value) => outcomes.includes(value),
  kind: (value) => ['lost', 'too_late', 'major', 'minor', 'incremental', 'weakcb'].includes(value),
  lane: (value) => ['dispatch', 'inbound'].includes(value),
  state: (value) =>
    ['queued', 'queued_due', 'sending', 'unknown', 'due', 'working', 'quarantined', 'used', 'free', 'pending'].includes(
      value,
    ),
  space: (value) => /^[a-z_]+$/.test(value),
  type: (value) => /^[A-Z][A-Za-z]+$/.test(value),
  version: (value) => value === process.version,
  major: (value) => process.version.startsWith(`v${value}.`),
  minor: (value) => process.version.split('.')[1] === value,
  patch: (value) => process.version.split('.')[2] === value,
};
const isWriteRoute = (url: string) =>
  (['POST', 'PATCH', 'DELETE'] as const).some((method) => service.server.hasRoute({ method, url }));

t.test('no label has a value that a caller or a row could bring', async (t) => {
  await company.get(`/v1/contacts?search=${desk.nextPhone()}`);
  await company.get('/v1/contacts/019a0000-0000-7000-8000-000000000001');
  await service.send(null, 'GET', '/%ff');
  await service.server.inject({ method: 'PROPFIND' as 'GET', url: '/v1/contacts' });
  const samples = await scrape();
  for (const { name, labels } of samples) {
    for (const [label, value] of Object.entries(labels))
      t.ok(allowed[label]?.(value), `${name} has ${label}="${value}"`);
  }
  t.ok(samples.some(({ name }) => name === 'nodejs_eventloop_lag_p99_seconds'));
  t.ok(samples.some(({ name }) => name === 'process_resident_memory_bytes'));
  const series = samples.filter(({ name }) => name.startsWith('conversar_')).length;
  t.ok(series < 2_000, `${series} series of ours`);
});

t.test('docs/operations.md names each metric of ours, and none that is not there', async (t) => {
  const { text } = await service.send(null, 'GET', '/metrics');
  const told = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '');
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/\b(?:conversar|nodejs|process)_[a-z0-9_]+\b/g)].map(([name]) => name);
  for (const name of named) t.ok(told.includes(name.replace(/_bucket$/, '')), `${name} is told`);
  for (const name of told.filter((one) => one.startsWith('conversar_'))) t.ok(named.includes(name), `${name} is named`);
});
