import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { callOver } from '../test/support/remote-company.ts';
import { type Company, type ProviderName, providers } from './company.ts';

/** One request of a client and what came of it: a line of the clients' log. */
export interface Try {
  at: string;
  /** The `Idempotency-Key`, the same for all tries of one start. */
  key: string;
  phone: string;
  provider: ProviderName;
  /** Null: no answer came. */
  status: number | null;
  /** The problem's code, or what broke the connection. */
  code: string | null;
  took_ms: number;
  attendance_id: string | null;
  message_id: string | null;
}

export interface ClientOptions {
  company: Company;
  /** Processes to speak to, in turn. */
  urls: string[];
  /** Where each try becomes a line. */
  path: string;
  signal: AbortSignal;
}

/** One start, under its key. */
export type Start = Pick<Try, 'key' | 'phone' | 'provider'>;

export interface Client {
  /** Tries, at first at the process of this place, until it is told that it is done or refused; for a minute at most. */
  start: (start: Start, place: number) => Promise<void>;
  /** Resolves when the log is written. */
  close: () => Promise<void>;
}

export interface ClientsOptions extends ClientOptions {
  /** How many starts are under way at once. */
  count: number;
  /** Of each client, between one start and the next. */
  pause_ms: number;
  /** True: no new start for the moment. */
  isHeld?: () => boolean;
}

export interface Clients {
  /** Starts begun so far. */
  begun: () => number;
  /** No new starts; waits for those under way. */
  stop: () => Promise<void>;
}

const settled_within_ms = 60_000;
const first_wait_ms = 50;
const longest_wait_ms = 1_000;

/** A number of its own for each start; its last four digits are none that the simulator has a script for. */
const phoneOf = (place: number): string => `+55319${8_000 + Math.floor(place / 9_000)}${1_000 + (place % 9_000)}`;

/** One that keeps a log, and tries again with the same key whatever happens. */
export function openClient({ company, urls, path, signal }: ClientOptions): Client {
  const file = createWriteStream(path, { flags: 'a' });
  const tryOnce = async (start: Start, url: string): Promise<Try> => {
    const one = await callOnce(company, start, url);
    file.write(`${JSON.stringify(one)}\n`);
    return one;
  };
  return {
    start: async (start, place) => {
      const deadline = performance.now() + settled_within_ms;
      for (let tries = 0; performance.now() < deadline && !signal.aborted; tries += 1) {
        if (!isWorthTrying(await tryOnce(start, urls[(place + tries) % urls.length] ?? ''))) return;
        await delay(Math.min(longest_wait_ms, first_wait_ms * 2 ** tries));
      }
    },
    close: async () => {
      file.end();
      await finished(file);
    },
  };
}

async function callOnce(company: Company, start: Start, url: string): Promise<Try> {
  const at = new Date().toISOString();
  const begun_at = performance.now();
  const body = company.startBody(start.provider, start.phone);
  const headers = { 'idempotency-key': start.key };
  const answer = await callOver(`${url}/v1/attendances`, company.key, 'POST', body, headers).catch(
    (error: unknown) => ({ status: null, body: null, broke: reasonOf(error) }),
  );
  const is_done = answer.status !== null && answer.status < 300;
  return {
    ...{ at, ...start, status: answer.status },
    code: 'broke' in answer ? answer.broke : (answer.body?.code ?? null),
    took_ms: Math.round(performance.now() - begun_at),
    attendance_id: is_done ? answer.body.id : null,
    message_id: is_done ? answer.body.outcome.message_id : null,
  };
}

/** Many at once, each to a new number over either channel in turn. */
export function startClients({ count, pause_ms, isHeld, ...options }: ClientsOptions): Clients {
  const client = openClient(options);
  let begun = 0;
  let is_stopped = false;
  const run = async () => {
    while (!is_stopped && !options.signal.aborted) {
      if (isHeld?.()) {
        await delay(20);
        continue;
      }
      begun += 1;
      const place = begun;
      const provider = providers[place % providers.length] ?? 'whatsapp_cloud';
      await client.start({ key: `start-${place}`, phone: phoneOf(place), provider }, Math.floor(place / 2));
      await delay(pause_ms);
    }
  };
  const done = Promise.all(Array.from({ length: count }, run)).then(client.close);
  return {
    begun: () => begun,
    stop: async () => {
      is_stopped = true;
      await done;
    },
  };
}

/** An accident or a "not now"; what refuses for good stands in the log for the checker. */
export function isWorthTrying({ status, code }: Pick<Try, 'status' | 'code'>): boolean {
  return status === null || status >= 500 || status === 429 || code === 'idempotency_in_progress';
}

function reasonOf(error: unknown): string {
  const { cause, name, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? `${name}: ${message}`;
}
