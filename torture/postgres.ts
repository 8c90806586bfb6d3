import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { callOver } from '../test/support/remote-company.ts';
import { promise_of_leases } from './check-logs.ts';
import { startClients } from './clients.ts';
import { type OwnServer, openOwnServer } from './own-server.ts';
import { openStage, type Stage } from './stage.ts';
import { finding, type Report, type Torture, type TortureContext } from './torture.ts';

const long_form = 50;
const starts_per_restart = 100;
const ready_within_ms = 2_000;
const apart_at_least_ms = 300;
const apart_at_most_ms = 1_200;
const clients = 8;
const pause_ms = 50;
const poll_ms = 20;
/** How long all may take to be back before this program gives up. */
const back_within_ms = 60_000;

/** One process after one restart. */
interface Return {
  url: string;
  /** From PostgreSQL taking connections until `/health/ready` said so. */
  took_ms: number;
}

export const postgres: Torture = {
  about: 'PostgreSQL shut down immediately, again and again, while clients start',
  run,
};

async function run(context: TortureContext): Promise<Report> {
  const server = await openOwnServer(context);
  const stage = await openStage(context, {
    name: 'postgres',
    settings: server.settings,
    commands: ['serve', 'serve'],
    // As it is delivered.
    env: { CONVERSAR_SEND_TIMEOUT_MS: '10000', CONVERSAR_LEASE_MS: '20000', CONVERSAR_SWEEP_MS: '1000' },
    has_webhooks: false,
  });
  const most = (context.rounds ?? long_form) * starts_per_restart;
  const running = startClients({ ...stage.clients, count: clients, pause_ms });
  const returns: Return[] = [];
  let restarts = 0;
  while (restarts < (context.rounds ?? long_form) && !context.isOver()) {
    await delay(randomInt(apart_at_least_ms, apart_at_most_ms), undefined, { signal: context.signal });
    returns.push(...(await restart(context, server, stage)));
    restarts += 1;
    if (restarts % 5 === 0) context.say(`${restarts} restarts, ${running.begun()} starts`);
  }
  while (running.begun() < most && !context.isOver()) await delay(100, undefined, { signal: context.signal });
  await running.stop();
  // An outcome that could not be written before its lease was over is a doubt, and shown as one.
  const { findings, evidence } = await stage.judge(['accepted', 'unknown']);
  const took_ms = returns.map((one) => one.took_ms).toSorted((a, b) => a - b);
  return {
    title: 'PostgreSQL restarted at once, as pg_ctl -m immediate does',
    figures: {
      restarts,
      starts: running.begun(),
      requests: evidence.tries.length,
      'answered 503': evidence.tries.filter(({ status }) => status === 503).length,
      'doubts in the end': [...evidence.finals.values()].filter((final) => final?.status === 'unknown').length,
      'ready after, median ms': took_ms[Math.floor(took_ms.length / 2)] ?? null,
      'ready after, longest ms': took_ms.at(-1) ?? null,
    },
    findings: [
      // Of a lease nobody can be told while there is no database.
      ...findings.filter(({ promise }) => promise !== promise_of_leases),
      finding('/health/ready follows within 2 s', returns, (one) =>
        one.took_ms <= ready_within_ms ? null : `${one.url}: ${one.took_ms} ms`,
      ),
    ],
  };
}

async function restart(context: TortureContext, server: OwnServer, { urls }: Stage): Promise<Return[]> {
  await server.crash();
  await server.untilBack(back_within_ms);
  const back_at = performance.now();
  return Promise.all(
    urls.map(async (url) => {
      await untilReady(url, back_at + back_within_ms, context.signal);
      return { url, took_ms: Math.round(performance.now() - back_at) };
    }),
  );
}

async function untilReady(url: string, deadline: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { status } = await callOver(`${url}/health/ready`, '', 'GET');
    if (status === 200) return;
    if (performance.now() > deadline) throw new Error(`${url} is not ready again after ${back_within_ms / 1_000} s`);
    await delay(poll_ms, undefined, { signal });
  }
}
