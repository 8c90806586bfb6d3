import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type Called, callOnce } from './call.ts';
import { createAttempts, targetOf } from './webhook-attempts.ts';
import { openWebhookLog, type WebhookLog } from './webhook-log.ts';
import type { Protocol, Target, Targets } from './webhook-targets.ts';

export type Order = 'normal' | 'reverse' | 'shuffle';
export type Spoil = 'cut' | 'badly_signed';

/** Hostility to everything that is delivered. `delay_ms` null: as the simulator was started with. */
export interface Mode {
  order: Order;
  repeat: number;
  delay_ms: number | null;
}

/** One body for one sender's webhook. */
export interface Delivery {
  protocol: Protocol;
  channel: string;
  /** Graph's field or Evolution's event. */
  event: string;
  /** What it is about, for `GET /_webhooks`: `sent`, `message` … */
  about: string;
  render: (target: Target & { account_id: string }, spoil?: Spoil) => { body: string; headers: Record<string, string> };
  /** Goes out damaged in this way, once. */
  spoil?: Spoil;
}

/** What one event causes, one after the other. */
export interface Plan {
  deliveries: Delivery[];
  order?: Order;
  repeat?: number;
  /** Each body is preceded by a damaged copy of it. */
  spoil?: Spoil;
  /** All in the air together. */
  at_once?: boolean;
  /** The send is answered after it. */
  before_answer?: boolean;
}

export interface Webhooks {
  targets: Targets;
  log: WebhookLog;
  /** Between one delivery and the next of a plan. */
  delay_ms: () => number;
  mode: () => Mode;
  setMode: (mode: Mode) => void;
  /** Whether anybody asked for this. */
  isWanted: (delivery: Delivery) => boolean;
  /** Resolves when each body was tried once; what was not taken is tried again after that. Never rejects. */
  play: (plan: Plan) => Promise<void>;
  /** One GET to what somebody wants to register. */
  shakeHands: (url: string) => Promise<Called>;
  /** Deliveries that wait, fly or will be tried again. */
  pending: () => number;
  /** Drops what is pending and forgets what was. */
  clear: () => void;
  close: () => void;
}

export interface WebhookOptions {
  targets: Targets;
  delay_ms: number;
  /** Before the second repeat; the first comes at once (Evolution: after it), later waits double up to a minute. */
  retry_ms: number;
  /** Undefined: as the protocol has it. */
  tries: number | undefined;
  timeout_ms: number;
}

const max_pending = 10_000;

/** Calls what is registered and nothing else; bounded in number, time and tries; `close` ends all of it at once. */
export function openWebhooks(options: WebhookOptions): Webhooks {
  const { targets, timeout_ms } = options;
  const log = openWebhookLog();
  const queue = createQueue(options, log);
  let mode: Mode = { order: 'normal', repeat: 1, delay_ms: null };
  const delay_ms = () => mode.delay_ms ?? options.delay_ms;
  return {
    targets,
    log,
    delay_ms,
    mode: () => mode,
    setMode(next) {
      mode = next;
    },
    isWanted: (delivery) => targetOf(targets, delivery) !== undefined,
    async play(plan) {
      const wanted = plan.deliveries.filter((one) => targetOf(targets, one) !== undefined);
      const deliveries = arrange({ ...plan, deliveries: wanted }, mode);
      if (!queue.reserve(deliveries.length)) return log.drop(deliveries.length);
      const signal = queue.signal();
      if (!plan.at_once) {
        for (const one of deliveries) await queue.deliver(one, delay_ms(), signal);
        return;
      }
      await Promise.all(deliveries.map((one) => queue.deliver(one, mode.delay_ms ?? 0, signal)));
    },
    shakeHands: (url) => callOnce({ method: 'GET', url, headers: {}, timeout_ms, signal: queue.signal() }),
    pending: queue.pending,
    clear() {
      queue.empty(false);
      log.clear();
    },
    close: () => queue.empty(true),
  };
}

/** Counts what is not over; what is emptied ends where it stands. */
function createQueue(options: WebhookOptions, log: WebhookLog) {
  const attempts = createAttempts(options, log);
  let running = createRunning();
  let pending = 0;
  const leave = (signal: AbortSignal) => {
    if (!signal.aborted) pending -= 1;
  };
  return {
    signal: () => running.signal,
    pending: () => pending,
    /** False: no room for so many. */
    reserve(count: number): boolean {
      if (pending + count > max_pending) return false;
      pending += count;
      return true;
    },
    /** Resolves after the first try; a body that was not taken does not hold up the ones behind it. */
    async deliver(delivery: Delivery, before_ms: number, signal: AbortSignal): Promise<void> {
      try {
        signal.throwIfAborted();
        if (before_ms > 0) await wait(before_ms, undefined, { signal });
        const entry = log.add(delivery);
        if (await attempts.first(delivery, entry, signal)) return leave(signal);
        const over = () => leave(signal);
        void attempts.further(delivery, entry, signal).then(over, over);
      } catch {
        // Emptied meanwhile.
        leave(signal);
      }
    },
    empty(is_for_good: boolean) {
      running.abort();
      if (!is_for_good) running = createRunning();
      pending = 0;
    },
  };
}

function createRunning(): AbortController {
  const running = new AbortController();
  setMaxListeners(0, running.signal);
  return running;
}

/** Damaged copies first, then repeats, then the order; the mode's before the plan's. */
function arrange(plan: Plan, mode: Mode): Delivery[] {
  const { spoil } = plan;
  const repeat = Math.max(plan.repeat ?? 1, mode.repeat);
  const order = mode.order === 'normal' ? (plan.order ?? 'normal') : mode.order;
  const deliveries = plan.deliveries
    .flatMap((one) => (spoil === undefined ? [one] : [{ ...one, spoil }, one]))
    .flatMap((one) => Array.from({ length: repeat }, () => one));
  if (order === 'reverse') return deliveries.reverse();
  return order === 'shuffle' ? shuffle(deliveries) : deliveries;
}

function shuffle<T>(items: T[]): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(randomInt(left.length), 1));
}
