import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Scope } from '../../context.ts';
import { gather } from '../../db/gather.ts';
import type { Wake } from '../../lanes/wake.ts';
import { listMessageStatuses } from './messages.repository.ts';
import type { MessageStatus } from './messages.schema.ts';

/** Called after outcomes were written. */
export const settled_topic = 'message_settled';

/** For outcomes that another process wrote while its NOTIFY was lost. */
const poll_ms = 500;

/**
 * Resolves when the message has left `queued` and `sending`, or after `wait_s` seconds, or when `signal` says that the process stops
 * or the caller is gone.
 */
export type WaitForMessage = (
  scope: Pick<Scope, 'account_id'>,
  message_id: string,
  until: { wait_s: number; signal: AbortSignal },
) => Promise<void>;

/** All who wait are called at once, whosever message was settled: they look together, one statement at a time. */
export function createWaiting(ctx: Pick<Context, 'db'>, wake: Wake): WaitForMessage {
  const lookUp = gather<{ account_id: string; id: string }, MessageStatus | undefined>(
    (asked) => listMessageStatuses(ctx, asked),
    { most: 1_000, at_once: 1 },
  );
  return async ({ account_id }, id, { wait_s, signal }) => {
    const deadline = performance.now() + wait_s * 1000;
    let was_called = false;
    let interrupt = new AbortController();
    const unlisten = wake.listen(settled_topic, () => {
      was_called = true;
      interrupt.abort();
    });
    try {
      while (!signal.aborted) {
        was_called = false;
        const status = await lookUp({ account_id, id });
        const left_ms = deadline - performance.now();
        if ((status !== 'queued' && status !== 'sending') || left_ms <= 0) return;
        if (was_called) continue;
        interrupt = new AbortController();
        const either = AbortSignal.any([interrupt.signal, signal]);
        await delay(Math.min(poll_ms, left_ms), undefined, { signal: either }).catch(() => undefined);
      }
    } finally {
      unlisten();
    }
  };
}
