import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** An answered request, as it is counted: no value of it is a caller's. */
export interface AnsweredRequest {
  /** The pattern, as `/v1/contacts/:contact_id`; `none` where no route was met. */
  route: string;
  method: string;
  status: number;
  duration_s: number;
  /** Of the problem it was answered with. */
  problem_code: string | null;
  is_replay: boolean;
}

export type StartResult = 'started' | 'reused' | 'dry_run';

/** A dispatched message, as it is counted. */
export interface Dispatched {
  provider: string;
  outcome: string;
  duration_s: number;
}

/** Counts what happens in one process. A label's values come from a list of ours: never an id, an address or a URL. */
export interface Metrics {
  requestAnswered: (request: AnsweredRequest) => void;
  started: (result: StartResult) => void;
  /** Seconds from a message's acceptance to its first claim. */
  claimed: (lag_s: number[]) => void;
  dispatched: (message: Dispatched) => void;
  swept: (counts: { lost: number; too_late: number }) => void;
  /** All of it in Prometheus's text format; never rejects for a database that is away. */
  expose: () => Promise<{ content_type: string; text: string }>;
}

interface Sources {
  readPool: () => Record<string, number>;
  /** By lane and state; may be slow or fail. */
  readDepth: () => Promise<Depths>;
}

const request_buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const lag_buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 3600];
const methods = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'];
type Depths = Record<string, Record<string, number>>;

const depth_cached_ms = 5_000;
const depth_within_ms = 1_500;

/** Metrics over a registry of their own. */
export function createMetrics(sources: Sources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  observeState(registry, sources);
  return {
    ...countRequests(registry),
    ...countMessages(registry),
    expose: async () => ({ content_type: registry.contentType, text: await registry.metrics() }),
  };
}

function countRequests(registry: Registry): Pick<Metrics, 'requestAnswered' | 'started'> {
  const registers = [registry];
  const durations = new Histogram({
    name: 'conversar_http_request_duration_seconds',
    help: 'From the last byte of the head to the last of the answer; with Prefer: wait the waiting is in it.',
    labelNames: ['route', 'method', 'status'],
    buckets: request_buckets,
    registers,
  });
  const refusals = new Counter({
    name: 'conversar_refusals_total',
    help: 'Answers that are problems, by code; rate_limited is the limits, overloaded is shed load. Without replays.',
    labelNames: ['code'],
    registers,
  });
  const replays = new Counter({
    name: 'conversar_idempotent_replays_total',
    help: 'Stored answers sent again for a repeated Idempotency-Key.',
    registers,
  });
  const starts = new Counter({
    name: 'conversar_starts_total',
    help: 'Starts that were not refused.',
    labelNames: ['result'],
    registers,
  });
  // A rate needs a zero to rise from.
  for (const code of ['rate_limited', 'overloaded', 'database_unavailable', 'internal_error'])
    refusals.inc({ code }, 0);
  for (const result of ['started', 'reused', 'dry_run']) starts.inc({ result }, 0);
  return {
    requestAnswered: ({ route, method, status, duration_s, problem_code, is_replay }) => {
      const known_method = methods.includes(method) ? method : 'other';
      durations.observe({ route, method: known_method, status: `${Math.floor(status / 100)}xx` }, duration_s);
      if (is_replay) replays.inc();
      else if (problem_code !== null) refusals.inc({ code: problem_code });
    },
    started: (result) => starts.inc({ result }),
  };
}

function countMessages(registry: Registry): Pick<Metrics, 'claimed' | 'dispatched' | 'swept'> {
  const registers = [registry];
  const lags = new Histogram({
    name: 'conversar_dispatch_lag_seconds',
    help: "From a message's acceptance to its first claim: waiting for the lane and for its sender's pace.",
    buckets: lag_buckets,
    registers,
  });
  const outcomes = new Counter({
    name: 'conversar_dispatches_total',
    help: 'Attempts to send, by what came of them.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const calls = new Histogram({
    name: 'conversar_provider_call_duration_seconds',
    help: 'What one attempt took at the provider, its check of the number included.',
    labelNames: ['provider'],
    buckets: request_buckets,
    registers,
  });
  const swept = new Counter({
    name: 'conversar_messages_swept_total',
    help: 'lost: a process died or froze while sending. too_late: not sent within send_within_s.',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of ['lost', 'too_late']) swept.inc({ kind }, 0);
  return {
    claimed: (lag_s) => {
      for (const lag of lag_s) lags.observe(Math.max(0, lag));
    },
    dispatched: ({ provider, outcome, duration_s }) => {
      outcomes.inc({ provider, outcome });
      if (outcome !== 'given_back') calls.observe({ provider }, duration_s);
    },
    swept: ({ lost, too_late }) => {
      swept.inc({ kind: 'lost' }, lost);
      swept.inc({ kind: 'too_late' }, too_late);
    },
  };
}

/** What is read at each scrape. */
function observeState(registry: Registry, { readPool, readDepth }: Sources): void {
  const readRecentDepth = cached(readDepth);
  new Gauge({
    name: 'conversar_pool_connections',
    help: 'Database connections of this process; pending: who waits for one, or for the next batch.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(readPool())) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'conversar_lane_messages',
    help: 'Messages and inbound bodies of all accounts in the database, at most 10,000 of a state: every process says the same. None while it cannot be asked.',
    labelNames: ['lane', 'state'],
    registers: [registry],
    async collect() {
      const depth = await readRecentDepth();
      this.reset();
      for (const [lane, states] of Object.entries(depth ?? {})) {
        for (const [state, count] of Object.entries(states)) this.set({ lane, state }, count);
      }
    },
  });
}

/** Asks at most every 5 s, whatever the number of scrapers, and waits 1.5 s for an answer: null without one. */
function cached(read: () => Promise<Depths>): () => Promise<Depths | null> {
  let last: Promise<Depths | null> | null = null;
  let asked_at_ms = 0;
  return () => {
    if (last && performance.now() - asked_at_ms < depth_cached_ms) return last;
    asked_at_ms = performance.now();
    last = withinTime(read());
    return last;
  };
}

async function withinTime(work: Promise<Depths>): Promise<Depths | null> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), depth_within_ms);
  });
  return Promise.race([work, expired])
    .catch(() => null)
    .finally(() => clearTimeout(timer));
}
