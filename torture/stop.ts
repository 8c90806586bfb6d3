import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer } from '../bench/database.ts';
import type { Ended } from '../test/support/process.ts';
import type { Evidence } from './check-logs.ts';
import { startClients } from './clients.ts';
import { openStage, type Stage } from './stage.ts';
import { type Finding, finding, type Report, type Torture, type TortureContext } from './torture.ts';

const long_form = 100;
const exit_within_ms = 15_000;
const youngest_ms = 200;
const oldest_ms = 1_000;
const clients = 8;
const pause_ms = 50;
/** Of the provider, so that sends are in the air whenever the signal comes. */
const latency_ms = 100;

interface Stopped {
  name: string;
  took_ms: number;
  ended: Ended;
}

export const stop: Torture = { about: 'SIGTERM to serve and worker processes under load', run };

async function run(context: TortureContext): Promise<Report> {
  const server = await openServer(process.env.TEST_DATABASE_URL, context.log, context.signal);
  context.teardown(server.close);
  const stage = await openStage(context, {
    name: 'stop',
    settings: await server.createDatabase('stop'),
    commands: ['serve', 'serve --no-lanes', 'worker'],
    // As it is delivered: what is in the air may take its 10 s.
    env: { CONVERSAR_SEND_TIMEOUT_MS: '10000', CONVERSAR_LEASE_MS: '20000', CONVERSAR_SWEEP_MS: '1000' },
    simulator: { latency_ms },
    has_webhooks: false,
  });
  const running = startClients({ ...stage.clients, count: clients, pause_ms });
  const stops = await stopAll(context, stage);
  await running.stop();
  const { findings, evidence } = await stage.judge(['accepted']);
  const took_ms = stops.map((one) => one.took_ms).toSorted((a, b) => a - b);
  return {
    title: 'SIGTERM, one process at a time',
    figures: {
      stops: stops.length,
      starts: running.begun(),
      requests: evidence.tries.length,
      'answered 503': evidence.tries.filter(({ status }) => status === 503).length,
      'connections refused': evidence.tries.filter(({ code }) => code === 'ECONNREFUSED').length,
      'connections broken before an answer': evidence.tries.filter(wasBroken).length,
      'exit, median ms': took_ms[Math.floor(took_ms.length / 2)] ?? null,
      'exit, longest ms': took_ms.at(-1) ?? null,
    },
    findings: [...findings, ...judgeStops(stops, evidence)],
  };
}

const wasBroken = ({ status, code }: Evidence['tries'][number]) => status === null && code !== 'ECONNREFUSED';

async function stopAll({ rounds, isOver, say, signal }: TortureContext, { fleet }: Stage): Promise<Stopped[]> {
  const stops: Stopped[] = [];
  for (let round = 0; round < (rounds ?? long_form) && !isOver(); round += 1) {
    await delay(randomInt(youngest_ms, oldest_ms), undefined, { signal });
    const member = fleet[round % fleet.length];
    if (!member) break;
    const begun_at = performance.now();
    const ended = await member.end('SIGTERM');
    stops.push({ name: member.name, took_ms: Math.round(performance.now() - begun_at), ended });
    await member.start();
    if (stops.length % 10 === 0) say(`${stops.length} stops`);
  }
  return stops;
}

function judgeStops(stops: Stopped[], { finals, tries }: Evidence): Finding[] {
  return [
    finding('a stop makes no doubt', finals, ([id, final]) =>
      final?.timeline.some(({ type }) => type === 'message.unknown') ? id : null,
    ),
    finding('every answer is 2xx or 503', tries, ({ key, status, code }) =>
      status === null || status < 300 || status === 503 ? null : `${key}: ${status} ${code}`,
    ),
    finding('exit with code 0 within 15 s', stops, ({ name, took_ms, ended }) =>
      ended.code === 0 && took_ms <= exit_within_ms ? null : `${name}: ${JSON.stringify(ended)} after ${took_ms} ms`,
    ),
  ];
}
