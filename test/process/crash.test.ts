import { readFile } from 'node:fs/promises';
import pino from 'pino';
import t, { type Test } from 'tap';
import { connect } from '../../src/db/connection.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase, patience_ms } from '../support/database.ts';
import { databaseUrl, processSettings, type Running, startProcess } from '../support/process.ts';
import { type MessageFacts, readFacts } from '../support/queue.ts';
import { createRemoteCompany, type RemoteCompany, receivedBy } from '../support/remote-company.ts';
import { eventually } from '../support/service.ts';

// Processes are started by the dozen: on a busy machine each takes its time.
t.setTimeout(900_000);

/**
 * Each test kills a real process at one point, starts another one over the same database, and asks two witnesses: the
 * database, and the simulator, which lives in this process and so outlives the killed one.
 */
const log = pino({ level: 'silent' });
const { settings } = await createDatabase(t);
const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log, slow_ms: 60_000 });
t.teardown(() => simulator.close());
const db = connect(settings, { pool_max: 4, application_name: 'conversar test', log, acquire_timeout_ms: patience_ms });
t.teardown(() => db.destroy());
const env = processSettings(databaseUrl(settings));
/** What waits for a lock waits for as long as the test takes. */
const patient_url = `${databaseUrl(settings)}${databaseUrl(settings).includes('?') ? '&' : '?'}lock_timeout=60000&statement_timeout=60000&query_timeout=60000`;
const serve = (t: Test, over: Record<string, string> = {}, ...args: string[]) =>
  startProcess(t, ['serve', ...args], { ...env, ...over });

let company: RemoteCompany;
let phones = 0;
function nextPhone(digits?: string): string {
  phones += 1;
  return `(31) 97777-${digits ?? String(phones).padStart(4, '0')}`;
}

async function messageTo(phone: string): Promise<MessageFacts | undefined> {
  const row = await db('messages')
    .where('recipient', 'like', `%${phone.replace(/\D/g, '').slice(-8)}%`)
    .first();
  return row && readFacts(db, row.id);
}

/** That time passes is no part of most tests. */
const expireLeases = () => db('messages').where({ state: 'sending' }).update({ lease_until: db.fn.now() });

const reaches = (phone: string, state: string) =>
  eventually(
    () => messageTo(phone),
    (message) => message?.status === state,
  );

/** Another start goes out: the lanes of this process live, and had their chance to send the one in question again. */
async function provesItsLanes(t: Test, { url }: Running): Promise<void> {
  const phone = nextPhone();
  t.equal((await company.start(url, phone)).status, 201);
  await reaches(phone, 'accepted');
  t.equal((await receivedBy(simulator.url, phone)).length, 1);
}

const countOf = async (table: string, where: Record<string, unknown>) => {
  const [row] = await db(table).where(where).count('* as count');
  return Number(row?.count);
};

/** Resolves when so many sessions of a Conversar wait for a lock, and answers their process numbers. */
const blockedSessions = (count: number): Promise<number[]> =>
  eventually(
    async () => {
      const { rows } = await db.raw<{ rows: { pid: number }[] }>(
        `select pid from pg_stat_activity
          where datname = current_database() and application_name = 'conversar' and wait_event_type = 'Lock'`,
      );
      return rows.map(({ pid }) => pid);
    },
    (pids) => pids.length >= count,
  );

/** So that what a failed test left behind is not taken up by the next one. */
t.afterEach(() => db('messages').where({ state: 'queued' }).update({ state: 'cancelled' }));

t.test('killed after T1, before its answer: it is sent once, and the client’s repeat is replayed', async (t) => {
  const phone = nextPhone();
  // Without lanes: with them the claim may or may not have left already.
  const killed = await serve(t, { CONVERSAR_FAILPOINT: 'after_accept:kill' }, '--no-lanes');
  company = await createRemoteCompany(killed.url, env.CONVERSAR_ADMIN_TOKEN, simulator.url);
  await t.rejects(company.start(killed.url, phone), 'no answer came');
  t.same(await killed.exited, { code: null, signal: 'SIGKILL' });
  t.match(await messageTo(phone), { state: 'queued', attempt: 0 }, 'it was accepted all the same');

  const next = await serve(t);
  await reaches(phone, 'accepted');
  const repeat = await company.start(next.url, phone);
  t.equal(repeat.status, 201);
  t.equal(repeat.headers.get('idempotent-replayed'), 'true');
  t.equal(repeat.body.first_message.id, (await messageTo(phone))?.id);
  await provesItsLanes(t, next);
  t.match(await receivedBy(simulator.url, phone), [{ accepted: true }]);
  t.equal(await countOf('attendances', { id: repeat.body.id }), 1);
  await next.end('SIGKILL');
});

t.test('killed after the claim, before a byte left: a doubt, truly unsent, and not sent again', async (t) => {
  const phone = nextPhone();
  const killed = await serve(t, { CONVERSAR_FAILPOINT: 'after_claim:kill' });
  await company.start(killed.url, phone).catch(() => undefined); // answered or not: the claim may be faster
  t.equal((await killed.exited).signal, 'SIGKILL');
  t.match(await messageTo(phone), { state: 'sending', attempt: 1 });
  await expireLeases();

  const next = await serve(t);
  t.match(await reaches(phone, 'unknown'), { attempt: 1, error_code: 'provider_answer_lost', outcomes: ['lost'] });
  await provesItsLanes(t, next);
  t.same(await receivedBy(simulator.url, phone), []);
  t.match(await messageTo(phone), { state: 'unknown', attempt: 1 });
  await next.end('SIGKILL');
});

t.test('killed with the provider’s answer in memory: a doubt, and never a second message', async (t) => {
  const phone = nextPhone();
  const killed = await serve(t, { CONVERSAR_FAILPOINT: 'answer_read:kill' });
  await company.start(killed.url, phone).catch(() => undefined);
  t.equal((await killed.exited).signal, 'SIGKILL');
  t.match(await receivedBy(simulator.url, phone), [{ accepted: true }]);
  await expireLeases();

  const next = await serve(t);
  await reaches(phone, 'unknown');
  await provesItsLanes(t, next);
  t.equal((await receivedBy(simulator.url, phone)).length, 1);
  t.match(await messageTo(phone), { state: 'unknown', attempt: 1 });
  const repeat = await company.start(next.url, phone, { prefer: 'wait=5' });
  t.match(repeat, { status: 201, body: { status: 'starting', first_message: { status: 'unknown' } } });
  t.equal((await receivedBy(simulator.url, phone)).length, 1, 'a client’s repeat sends nothing either');
  await next.end('SIGKILL');
});

t.test('killed with sends in the air: doubts, whether or not they arrived, and each exactly once', async (t) => {
  const [silent, slow] = [nextPhone('0000'), nextPhone('0408')];
  // Long enough that nothing but the kill ends them.
  const killed = await serve(t, { CONVERSAR_SEND_TIMEOUT_MS: '20000', CONVERSAR_LEASE_MS: '30000' });
  for (const phone of [silent, slow]) await company.start(killed.url, phone);
  for (const phone of [silent, slow]) {
    await eventually(
      () => receivedBy(simulator.url, phone),
      (entries) => entries.length > 0,
    );
  }
  await killed.end('SIGKILL');
  await expireLeases();

  const next = await serve(t);
  for (const phone of [silent, slow]) t.match(await reaches(phone, 'unknown'), { attempt: 1 });
  await provesItsLanes(t, next);
  t.match(await receivedBy(simulator.url, silent), [{ accepted: false }]);
  t.match(await receivedBy(simulator.url, slow), [{ accepted: true }]);
  for (const phone of [silent, slow]) t.equal((await receivedBy(simulator.url, phone)).length, 1);
  await next.end('SIGKILL');
});

t.test('killed in T1: the client’s repeat starts it, or finds it started; once in either case', async (t) => {
  const both = [nextPhone(), nextPhone()];
  // One each: starts that come to one process together share a statement, and with it their end.
  const killed = await Promise.all(both.map(() => serve(t, { DATABASE_URL: patient_url }, '--no-lanes')));
  const lock = await db.transaction();
  await lock.raw('set local idle_in_transaction_session_timeout = 0');
  await lock.raw('lock table attendances in share row exclusive mode');
  const starts = killed.map(({ url }, place) => company.start(url, both[place] ?? '').catch((error: unknown) => error));
  const [pid = 0] = await blockedSessions(2);
  await Promise.all(killed.map((process) => process.end('SIGKILL')));
  for (const start of starts) t.ok((await start) instanceof Error, 'the client got no answer');
  // PostgreSQL does not notice the death of who asked: left alone, what waited for the lock is committed.
  await db.raw('select pg_terminate_backend(?, 5000)', [pid]);
  await lock.commit();
  const found = await eventually(
    () => Promise.all(both.map(messageTo)),
    (messages) => messages.some((message) => message?.state === 'queued'),
  );
  t.equal(found.filter((message) => message === undefined).length, 1, 'of the other nothing happened');
  const committed = both[found.findIndex((message) => message !== undefined)];

  const next = await serve(t);
  for (const phone of both) {
    const repeat = await company.start(next.url, phone, { prefer: 'wait=20' });
    t.equal(repeat.status, 201);
    t.equal(repeat.headers.get('idempotent-replayed'), phone === committed ? 'true' : null);
    await reaches(phone, 'accepted');
    t.equal((await receivedBy(simulator.url, phone)).length, 1);
    t.equal(await countOf('attendances', { contact_id: repeat.body.contact.id }), 1);
  }
  await next.end('SIGKILL');
});

t.test('killed in T2: rolled back, it is sent once by the next process', async (t) => {
  const phone = nextPhone();
  const killed = await serve(t, { DATABASE_URL: patient_url });
  const lock = await db.transaction();
  await lock.raw('set local idle_in_transaction_session_timeout = 0');
  await lock.raw('lock table attempts in share row exclusive mode');
  t.equal((await company.start(killed.url, phone)).status, 201, 'a start does not wait for the lane');
  const [pid = 0] = await blockedSessions(1);
  await killed.end('SIGKILL');
  await db.raw('select pg_terminate_backend(?, 5000)', [pid]);
  await lock.commit();
  t.match(await messageTo(phone), { state: 'queued', attempt: 0 });

  const next = await serve(t);
  await reaches(phone, 'accepted');
  await provesItsLanes(t, next);
  t.match(await receivedBy(simulator.url, phone), [{ accepted: true }]);
  await next.end('SIGKILL');
});

t.test('frozen after the claim for longer than its lease: it wakes up, and sends nothing', async (t) => {
  const phone = nextPhone();
  const short = { CONVERSAR_SEND_TIMEOUT_MS: '3000', CONVERSAR_LEASE_MS: '5000' };
  const frozen = await serve(t, { ...short, CONVERSAR_FAILPOINT: 'after_claim:stop' });
  await Promise.race([company.start(frozen.url, phone).catch(() => undefined), reaches(phone, 'sending')]);
  await eventually(
    () => readFile(`/proc/${frozen.child.pid}/stat`, 'utf8'),
    (stat) => / T /.test(stat),
  );
  const next = await serve(t);
  t.match(await reaches(phone, 'unknown'), { outcomes: ['lost'] });

  frozen.child.kill('SIGCONT');
  await eventually(
    async () => frozen.log().filter(({ msg }) => msg === 'message.dispatched'),
    ([line]) => line?.outcome === 'given_back',
  );
  // It would freeze again with the next message that it claims.
  await frozen.end('SIGKILL');
  await provesItsLanes(t, next);
  t.same(await receivedBy(simulator.url, phone), []);
  t.match(await messageTo(phone), { state: 'unknown', attempt: 1, outcomes: ['lost'] });
});
