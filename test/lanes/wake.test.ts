import pino from 'pino';
import t from 'tap';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { createWake, type Wake } from '../../src/lanes/wake.ts';
import { createDatabase, runStatement } from '../support/database.ts';
import { ask } from '../support/embedded-folder.ts';
import { holdClosedPort } from '../support/scripted-server.ts';
import { eventually } from '../support/service.ts';

const log = pino({ level: 'silent' });
const sessions = `from pg_stat_activity where application_name = 'conversar wake' and datname = current_database()`;

/** Counts the calls of a topic. */
function count(wake: Wake, topic: string): { calls: number; unlisten: () => void } {
  const counted = { calls: 0, unlisten: () => {} };
  counted.unlisten = wake.listen(topic, () => {
    counted.calls += 1;
  });
  return counted;
}

/** Two wakes over one database that hear each other. */
async function openPair(settings: ConnectionSettings): Promise<[Wake, Wake]> {
  const pair: [Wake, Wake] = [createWake(settings, log), createWake(settings, log)];
  await hearEachOther(pair);
  return pair;
}

async function hearEachOther([one, other]: [Wake, Wake]): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const heard = count(to, 'hello');
    await eventually(
      async () => {
        from.call('hello');
        return heard.calls;
      },
      (calls) => calls > 0,
    );
    heard.unlisten();
  }
}

t.test('createWake', async (t) => {
  const { settings } = await createDatabase(t);
  const pair = await openPair(settings);
  const [one, other] = pair;
  t.teardown(() => Promise.all(pair.map((wake) => wake.close())));

  t.test('in its own process a call is heard at once', async (t) => {
    const [here, elsewhere, deaf] = [count(one, 'work'), count(one, 'other_work'), count(one, 'work')];
    deaf.unlisten();
    one.call('work');
    t.same([here.calls, elsewhere.calls, deaf.calls], [1, 0, 0]);
    here.unlisten();
  });

  t.test('in another it is heard over PostgreSQL, many calls as one, and never by the caller again', async (t) => {
    const [here, there, last] = [count(one, 'many'), count(other, 'many'), count(other, 'last')];
    for (let call = 0; call < 100; call += 1) one.call('many');
    await eventually(
      async () => there.calls,
      (calls) => calls > 0,
    );
    one.call('last');
    await eventually(
      async () => last.calls,
      (calls) => calls > 0,
    );
    t.equal(there.calls, 1);
    t.equal(here.calls, 100);
  });

  t.test('it comes back after its connection was cut', async (t) => {
    const cut = await ask(settings, `select pg_terminate_backend(pid) as is_cut ${sessions}`);
    t.same(cut, [{ is_cut: true }, { is_cut: true }]);
    const heard = count(one, 'meanwhile');
    one.call('meanwhile');
    t.equal(heard.calls, 1, 'meanwhile its own process goes on hearing');
    await hearEachOther(pair);
    t.same(await ask(settings, `select count(*) ${sessions}`), [{ count: 2 }], 'with one connection each');
  });

  t.test('closed, it leaves no connection and no timer', async (t) => {
    await Promise.all(pair.map((wake) => wake.close()));
    await eventually(
      () => ask(settings, `select pid ${sessions}`),
      (rows) => rows.length === 0,
    );
    one.call('work');
    await runStatement(settings, 'select 1');
    t.same(await ask(settings, `select pid ${sessions}`), []);
  });

  t.test('without a server calls stay in the process', async (t) => {
    const port = await holdClosedPort(t);
    const lonely = createWake({ connection_string: `postgres://nobody@127.0.0.1:${port}/none` }, log);
    const heard = count(lonely, 'work');
    lonely.call('work');
    t.equal(heard.calls, 1);
    await lonely.close();
  });
});
