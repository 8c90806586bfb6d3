import { setTimeout as delay } from 'node:timers/promises';
import type { Scope } from '../../context.ts';
import type { Wake } from '../../lanes/wake.ts';
import { findMessageStatus } from './messages.repository.ts';

/** Called after outcomes were written. */
export const settled_topic = 'message_settled';

/** For outcomes that another process wrote while its NOTIFY was lost. */
const poll_ms = 500;

/** Resolves when the message has left `queued` and `sending`, or after `wait_s` seconds, or when the process stops. */
export async function waitForMessage(
  scope: Pick<Scope, 'db' | 'account_id' | 'signal'>,
  wake: Wake,
  message_id: string,
  wait_s: number,
): Promise<void> {
  const deadline = performance.now() + wait_s * 1000;
  let was_called = false;
  let interrupt = new AbortController();
  const unlisten = wake.listen(settled_topic, () => {
    was_called = true;
    interrupt.abort();
  });
  try {
    while (!scope.signal.aborted) {
      was_called = false;
      const status = await findMessageStatus(scope, message_id);
      const left_ms = deadline - performance.now();
      if ((status !== 'queued' && status !== 'sending') || left_ms <= 0) return;
      if (was_called) continue;
      interrupt = new AbortController();
      const signal = AbortSignal.any([interrupt.signal, scope.signal]);
      await delay(Math.min(poll_ms, left_ms), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    unlisten();
  }
}
