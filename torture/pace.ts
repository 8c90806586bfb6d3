import { openServer } from '../bench/database.ts';
import { connect } from '../src/db/connection.ts';
import { recipient_pace_ms } from '../src/lanes/pace.ts';
import { startSimulator } from '../src/simulator/simulator.ts';
import { databaseUrl, processSettings } from '../test/support/process.ts';
import { checkPace } from './check-pace.ts';
import { createFleet } from './fleet.ts';
import { createSenders, fillQueue, measureWaits, type PacedPlace, tellUnsent, untilArrived } from './pace-run.ts';
import { type Finding, finding, type Report, type Torture, type TortureContext } from './torture.ts';

const long_form = 20_000;
const workers = 4;
const few = { count: 3, max_per_second: 80 };
const many = { count: 300, max_per_second: 1 };
const small_messages = 40;
/** Waits are a matter of polls and turns: below this a ratio says nothing. */
const least_wait_ms = 1_000;

export const pace: Torture = {
  about: 'four workers over 3 and over 300 senders, and a small account beside a large one',
  run,
};

async function run(context: TortureContext): Promise<Report> {
  const { signal, log, program, say } = context;
  const total = context.rounds ?? long_form;
  const server = await openServer(process.env.TEST_DATABASE_URL, log, signal);
  context.teardown(server.close);
  const settings = await server.createDatabase('pace');
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log, max_received: 1_000_000 });
  context.teardown(simulator.close);
  const env = {
    ...processSettings(databaseUrl(settings)),
    CONVERSAR_SEND_TIMEOUT_MS: '10000',
    CONVERSAR_LEASE_MS: '20000',
  };
  const commands = ['serve --no-lanes', ...Array.from({ length: workers }, () => 'worker')];
  const [serve, ...others] = await createFleet({ owner: context, program, env, commands });
  if (!serve) throw new Error('no process');
  await serve.start();
  const db = connect(settings, { pool_max: 4, application_name: 'conversar torture', log });
  context.teardown(() => db.destroy());
  const place: PacedPlace = {
    url: serve.url,
    admin_token: env.CONVERSAR_ADMIN_TOKEN,
    simulator_url: simulator.url,
    db,
  };
  const [fast, slow, small] = [
    await createSenders(place, few.count, few.max_per_second),
    await createSenders(place, many.count, many.max_per_second),
    await createSenders(place, 1, 20),
  ];
  await Promise.all(others.map((worker) => worker.start()));
  say('a small account alone');
  const alone = await measureWaits(place, small, small_messages);
  say(`${total} messages over ${few.count} and over ${many.count} senders`);
  const half = Math.floor(total / 2);
  const begun_at = performance.now();
  const queued = [await fillQueue(db, fast, half), await fillQueue(db, slow, total - half)] as const;
  const beside = await measureWaits(place, small, small_messages);
  const both = [untilArrived(simulator.url, fast, queued[0]), untilArrived(simulator.url, slow, queued[1])];
  const arrivals = (
    await Promise.all(both).catch(async (error: unknown) => {
      throw new Error(`${(error as Error).message}; ${await tellUnsent(db)}`);
    })
  ).flat();
  const took_s = (performance.now() - begun_at) / 1_000;
  const limits = new Map([
    ...[...fast.channels.keys()].map((name) => [name, few.max_per_second] as const),
    ...[...slow.channels.keys()].map((name) => [name, many.max_per_second] as const),
  ]);
  return {
    title: `${total} messages from ${workers} workers, judged by the provider's log`,
    figures: {
      messages: arrivals.length,
      'messages a second': Math.round(arrivals.length / took_s),
      'small account alone, last of 40 after ms': Math.round(alone.last_ms),
      'small account beside, last of 40 after ms': Math.round(beside.last_ms),
    },
    findings: [...checkPace(arrivals, { limits, recipient_pace_ms }), isFair(alone.last_ms, beside.last_ms)],
  };
}

function isFair(alone_ms: number, beside_ms: number): Finding {
  const allowed_ms = 2 * Math.max(alone_ms, least_wait_ms);
  return finding('a small account beside a large one waits at most twice as long as alone', [beside_ms], (waited_ms) =>
    waited_ms <= allowed_ms ? null : `${Math.round(waited_ms)} ms, and ${Math.round(alone_ms)} ms alone`,
  );
}
