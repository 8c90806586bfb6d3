import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer } from '../bench/database.ts';
import { callOver } from '../test/support/remote-company.ts';
import type { Final } from './check-logs.ts';
import { startClients } from './clients.ts';
import { countPending } from './evidence.ts';
import type { Member } from './fleet.ts';
import { openStage } from './stage.ts';
import type { Report, Torture, TortureContext } from './torture.ts';

const long_form = 1_000;
const lease_ms = 5_000;
const send_timeout_ms = 3_000;
const youngest_ms = 100;
const oldest_ms = 600;
const cut_share = 0.02;
const clients = 6;
const pause_ms = 200;
/** A queue of webhooks beyond this is more than the machine can take at the moment: the clients wait. */
const most_pending = 200;

export const kill: Torture = { about: 'kill -9 of serve and worker processes while clients start and retry', run };

async function run(context: TortureContext): Promise<Report> {
  const server = await openServer(process.env.TEST_DATABASE_URL, context.log, context.signal);
  context.teardown(server.close);
  const stage = await openStage(context, {
    name: 'kill',
    settings: await server.createDatabase('kill'),
    commands: ['serve --no-lanes', 'serve --no-lanes', 'worker', 'worker'],
    env: {
      CONVERSAR_SEND_TIMEOUT_MS: String(send_timeout_ms),
      CONVERSAR_LEASE_MS: String(lease_ms),
      CONVERSAR_SWEEP_MS: '1000',
    },
    // Meta tells again for 7 days: while processes are killed all the time, all tries of eight can meet one that is away.
    simulator: { cut_before: cut_share, cut_after: cut_share, webhook_tries: 100 },
    has_webhooks: true,
  });
  const mode = { order: 'shuffle', repeat: 2, delay_ms: 0 };
  await callOver(`${stage.simulator_url}/_webhooks/mode`, '', 'POST', mode);
  const isHeld = watchPending(stage.simulator_url, context);
  const running = startClients({ ...stage.clients, count: clients, pause_ms, isHeld });
  const kills = await killAll(context, stage.fleet);
  await running.stop();
  const { findings, evidence } = await stage.judge(['read']);
  const all = [...evidence.finals.values()].flatMap((final) => final ?? []);
  return {
    title: 'kill -9, one process at a time',
    figures: {
      kills,
      starts: running.begun(),
      requests: evidence.tries.length,
      'requests without an answer': evidence.tries.filter(({ status }) => status === null).length,
      'messages that reached the provider': evidence.arrivals.length,
      'connections cut by the provider': evidence.arrivals.filter(({ status }) => status === null).length,
      'doubts on the way': all.filter(({ timeline }) => timeline.some(({ type }) => type === 'message.unknown')).length,
      'doubts in the end': all.filter(({ status }) => status === 'unknown').length,
      'attempts ended by a kill': all.filter(wasLost).length,
    },
    findings,
  };
}

const wasLost = ({ attempts }: Final) => attempts.some(({ outcome }) => outcome === 'lost');

/** The victim is any of them; the next dies when this one is up again, and 0.1 to 0.6 s old. */
async function killAll({ rounds, isOver, say, signal }: TortureContext, fleet: Member[]): Promise<number> {
  const most = rounds ?? long_form;
  let kills = 0;
  let victim = fleet[0];
  while (kills < most && !isOver()) {
    await delay(randomInt(youngest_ms, oldest_ms), undefined, { signal });
    // Every other one is the youngest, which has hardly begun; the others are in the middle of their work.
    if (kills % 2 === 0) victim = fleet[randomInt(fleet.length)];
    await victim?.end('SIGKILL');
    await victim?.start();
    kills += 1;
    if (kills % 10 === 0) say(`${kills} kills`);
  }
  return kills;
}

/** True while more webhooks wait than were worked off in time, as last seen. */
function watchPending(simulator_url: string, { signal, teardown }: TortureContext): () => boolean {
  let is_busy = false;
  const timer = setInterval(() => {
    if (signal.aborted) return;
    countPending(simulator_url).then(
      (pending) => {
        is_busy = pending > most_pending;
      },
      () => undefined,
    );
  }, 250).unref();
  teardown(() => clearInterval(timer));
  return () => is_busy;
}
