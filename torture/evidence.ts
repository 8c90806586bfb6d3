import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReceivedEntry } from '../src/simulator/received.ts';
import { callOver, type RemoteReply } from '../test/support/remote-company.ts';
import { checkLogs, type Evidence, type Final } from './check-logs.ts';
import type { Try } from './clients.ts';
import { type Finding, finding } from './torture.ts';

export interface Sources {
  /** A process that serves. */
  url: string;
  key: string;
  /** The clients' log. */
  clients_path: string;
  /** The simulator's. */
  simulator_path: string;
  lease_ms: number;
  settled: string[];
  signal: AbortSignal;
  say: (text: string) => void;
}

/** What still waits is waited for so long before it is judged. */
const settled_within_ms = 90_000;
const answered_within_ms = 30_000;
const asked_at_once = 16;

/** Reads both logs and asks for the final states, until nothing is broken or nothing more will come. */
export async function judge(sources: Sources): Promise<{ findings: Finding[]; evidence: Evidence }> {
  const tries = await readLines<Try>(sources.clients_path);
  const ids = [...new Set(tries.flatMap(({ message_id }) => message_id ?? []))];
  const finals = new Map<string, Final | null>();
  // Asking for tens of thousands takes minutes by itself: what was asked first is asked again, whatever that took.
  let deadline: number | undefined;
  for (;;) {
    await askAll(sources, ids, finals);
    deadline ??= performance.now() + settled_within_ms;
    const evidence: Evidence = {
      tries,
      arrivals: await readLines<ReceivedEntry>(sources.simulator_path),
      finals,
      attendances: await countAttendances(sources),
      lease_ms: sources.lease_ms,
      settled: sources.settled,
    };
    const findings = checkLogs(evidence);
    if (findings.every(({ broken }) => broken.length === 0) || performance.now() > deadline) {
      return { findings, evidence };
    }
    const open = findings.flatMap(({ broken }) => broken);
    sources.say(`waiting for ${open.length}, such as ${open[0]}`);
    await delay(1_000, undefined, { signal: sources.signal });
    // What is over need not be asked again.
    for (const [id, final] of finals) if (!isOver(final, sources.settled)) finals.delete(id);
  }
}

const isOver = (final: Final | null, settled: string[]) =>
  final !== null && final.status !== 'unknown' && settled.includes(final.status);

/** Waits until the simulator has no webhook left to deliver: what was not heard then says nothing of the service. */
export async function untilHeard(simulator_url: string, signal: AbortSignal): Promise<Finding> {
  for (const deadline = performance.now() + settled_within_ms; performance.now() < deadline; ) {
    if ((await countPending(simulator_url)) === 0) break;
    await delay(200, undefined, { signal });
  }
  const { pending, given_up, dropped } = await readWebhooks(simulator_url);
  return finding('the provider could tell all that it had to', [pending + given_up + dropped], (untold) =>
    untold === 0 ? null : `${pending} webhooks wait, ${given_up} were given up, ${dropped} dropped`,
  );
}

/** Webhooks that wait, fly or will be tried again. */
export async function countPending(simulator_url: string): Promise<number> {
  return (await readWebhooks(simulator_url)).pending;
}

async function readWebhooks(simulator_url: string): Promise<{ pending: number; given_up: number; dropped: number }> {
  return (await read(`${simulator_url}/_webhooks?after=1000000000`, '')).body;
}

async function askAll({ url, key }: Sources, ids: string[], finals: Map<string, Final | null>): Promise<void> {
  const left = ids.filter((id) => !finals.has(id));
  const ask = async () => {
    for (let id = left.pop(); id; id = left.pop()) {
      const { status, body } = await read(`${url}/v1/messages/${id}`, key);
      if (status !== 200 && status !== 404) throw new Error(`GET /v1/messages/${id}: ${status}`);
      finals.set(id, status === 404 ? null : body);
    }
  };
  await Promise.all(Array.from({ length: asked_at_once }, ask));
}

/** A read may be repeated, so one whose connection breaks, or that comes too soon, is. */
async function read(url: string, key: string): Promise<RemoteReply> {
  for (const deadline = performance.now() + answered_within_ms; ; await delay(200)) {
    const is_last = performance.now() > deadline;
    const answer = await callOver(url, key, 'GET').catch((error: unknown) => {
      if (is_last) throw error;
      return undefined;
    });
    if (answer && (answer.status < 500 || is_last)) return answer;
  }
}

async function countAttendances({ url, key }: Sources): Promise<number> {
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const place: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { status, body } = await read(`${url}/v1/attendances?limit=100${place}`, key);
    if (status !== 200) throw new Error(`GET /v1/attendances: ${status}`);
    count += body.data.length;
    cursor = body.next_cursor;
  }
  return count;
}

/** The last line of a log that is still written may be torn. */
async function readLines<T>(path: string): Promise<T[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as T);
}
