import { setTimeout as wait } from 'node:timers/promises';
import { callOnce } from './call.ts';
import { createTurns } from './turns.ts';
import type { WebhookEntry, WebhookLog } from './webhook-log.ts';
import type { Protocol, Target, Targets } from './webhook-targets.ts';
import type { Delivery, WebhookOptions } from './webhooks.ts';

const max_in_the_air = 16;
const max_retry_ms = 60_000;

interface Policy {
  max_attempts: number;
  /** Answers after which it is not tried again. */
  final: number[];
  isTaken: (status: number) => boolean;
}

/** Meta tries for 7 days whatever the answer; Evolution 10 times, unless the answer is one of the final ones. */
const policies: Record<Protocol, Policy> = {
  graph: { max_attempts: 8, final: [], isTaken: (status) => status === 200 },
  evolution: {
    max_attempts: 10,
    final: [400, 401, 403, 404, 422],
    isTaken: (status) => status >= 200 && status < 300,
  },
};

export interface Attempts {
  /** One try; true when it is over with this delivery. Rejects when `signal` is aborted while it waits for its turn. */
  first: (delivery: Delivery, entry: WebhookEntry, signal: AbortSignal) => Promise<boolean>;
  /** All the further ones, with their waits. Rejects when `signal` is aborted. */
  further: (delivery: Delivery, entry: WebhookEntry, signal: AbortSignal) => Promise<void>;
}

/** At most 16 calls at a time, to where a delivery's sender is registered at that moment. */
export function createAttempts(
  { targets, retry_ms, tries, timeout_ms }: Omit<WebhookOptions, 'delay_ms'>,
  log: WebhookLog,
): Attempts {
  const turns = createTurns(max_in_the_air);

  const first: Attempts['first'] = async (delivery, entry, signal) => {
    const target = targetOf(targets, delivery);
    if (!target) return log.giveUp(entry, 'nothing is registered any more');
    const { body, headers } = delivery.render(target, delivery.spoil);
    const url = urlFor(target, delivery);
    const is_cut = delivery.spoil === 'cut';
    const called = await turns.take(
      () => callOnce({ method: 'POST', url, headers, body, timeout_ms, signal, is_cut }),
      signal,
    );
    const policy = policies[delivery.protocol];
    const is_taken = called.status !== null && policy.isTaken(called.status);
    const is_final = called.status !== null && policy.final.includes(called.status);
    const is_last = delivery.spoil !== undefined || entry.attempts.length + 1 >= (tries ?? policy.max_attempts);
    log.attempted(entry, { url, body, called, is_taken, is_over: is_taken || is_final || is_last });
    return entry.state !== 'pending';
  };

  return {
    first,
    async further(delivery, entry, signal) {
      // As Meta: at once, then ever more rarely.
      let delay_ms = delivery.protocol === 'graph' ? 0 : retry_ms;
      do {
        await wait(delay_ms, undefined, { signal });
        delay_ms = Math.min(Math.max(delay_ms * 2, retry_ms), max_retry_ms);
      } while (!(await first(delivery, entry, signal)));
    },
  };
}

/** Where a delivery goes; undefined when nobody asked for such. */
export function targetOf(
  targets: Targets,
  { protocol, channel, event }: Pick<Delivery, 'protocol' | 'channel' | 'event'>,
) {
  const target = targets.find(protocol, channel);
  if (!target || target.events === null) return target;
  return target.events.includes(event.toUpperCase().replaceAll(/[.-]/g, '_')) ? target : undefined;
}

function urlFor(target: Target, { event }: Delivery): string {
  return target.by_events ? `${target.url.replace(/\/$/, '')}/${event.replaceAll('.', '-')}` : target.url;
}
