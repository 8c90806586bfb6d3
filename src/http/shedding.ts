import type { Config } from '../config.ts';
import { overloaded, sendProblem } from './problem-handler.ts';
import type { App } from './server.ts';

/** How often the event loop is asked how late it is. */
const sample_ms = 250;
/** One long tick is no overload: it has to be late so many times in a row. */
const late_in_a_row = 3;

/** What operators look with when a service is in trouble. */
const is_always_answered = /^\/(health|metrics|docs|openapi\.json)(\/|$)/;

type Thresholds = Pick<Config, 'max_event_loop_delay_ms' | 'max_pool_queue'>;

/**
 * Refuses with 503 `overloaded`, before key and body are looked at, while the event loop keeps being late by more than
 * `max_event_loop_delay_ms`, or more than `max_pool_queue` wait for the database; 0 turns either off. Call before the
 * routes. A service that answers some in time is better than one that answers all too late.
 */
export function shedLoad(server: App, thresholds: Thresholds, countWaiting: () => number): void {
  const { max_event_loop_delay_ms, max_pool_queue } = thresholds;
  const isLate = max_event_loop_delay_ms > 0 ? watchEventLoop(server, max_event_loop_delay_ms) : () => false;
  const isQueued = () => max_pool_queue > 0 && countWaiting() > max_pool_queue;
  // Sent and not thrown: a line of log with a stack for each would be work, too.
  const refusal = overloaded();
  server.addHook('onRequest', async (request, reply) => {
    if (!isLate() && !isQueued()) return;
    if (is_always_answered.test(request.routeOptions.url ?? '')) return;
    return sendProblem(refusal, request, reply);
  });
}

function watchEventLoop(server: App, max_delay_ms: number): () => boolean {
  let late = 0;
  let due_at_ms = performance.now() + sample_ms;
  const timer = setInterval(() => {
    const now_ms = performance.now();
    late = now_ms - due_at_ms > max_delay_ms ? late + 1 : 0;
    due_at_ms = now_ms + sample_ms;
  }, sample_ms).unref();
  server.addHook('onClose', async () => clearInterval(timer));
  return () => late >= late_in_a_row;
}
