import type { Called } from './call.ts';
import type { Protocol } from './webhook-targets.ts';
import type { Delivery, Spoil } from './webhooks.ts';

/** One body that went out, or is going out, to a registered webhook. */
export interface WebhookEntry {
  /** From 1, in the order in which their first attempts began. */
  id: number;
  protocol: Protocol;
  channel: string;
  event: string;
  about: string;
  spoil: Spoil | null;
  state: 'pending' | 'delivered' | 'given_up';
  /** Byte for byte, as of the last attempt; null when longer than 16,384 characters, or not yet sent. */
  body: string | null;
  /** `status` null: no answer came. */
  attempts: { at: string; url: string; status: number | null; error: string | null }[];
}

export interface WebhookLog {
  add: (delivery: Delivery) => WebhookEntry;
  attempted: (
    entry: WebhookEntry,
    outcome: { url: string; body: string; called: Called; is_taken: boolean; is_over: boolean },
  ) => void;
  /** Always true: it is over. */
  giveUp: (entry: WebhookEntry, reason: string) => true;
  /** So many were never queued: the queue was full. */
  drop: (count: number) => void;
  dropped: () => number;
  /** So many were told in vain, those of the list and those before it. */
  givenUp: () => number;
  /** Oldest first. */
  list: () => WebhookEntry[];
  clear: () => void;
}

const max_entries = 1_000;
const max_body_length = 16_384;

/** The newest 1,000 deliveries and what became of them. */
export function openWebhookLog(): WebhookLog {
  let entries: WebhookEntry[] = [];
  let last_id = 0;
  let dropped = 0;
  let given_up = 0;
  const end = (entry: WebhookEntry) => {
    entry.state = 'given_up';
    given_up += 1;
  };
  return {
    add({ protocol, channel, event, about, spoil }) {
      last_id += 1;
      const about_it = { id: last_id, protocol, channel, event, about, spoil: spoil ?? null };
      const entry: WebhookEntry = { ...about_it, state: 'pending', body: null, attempts: [] };
      entries.push(entry);
      if (entries.length >= max_entries * 2) entries = entries.slice(-max_entries);
      return entry;
    },
    attempted(entry, { url, body, called: { status, error }, is_taken, is_over }) {
      entry.attempts.push({ at: new Date().toISOString(), url, status, error });
      entry.body = body.length > max_body_length ? null : body;
      if (is_taken) entry.state = 'delivered';
      else if (is_over) end(entry);
    },
    giveUp(entry, reason) {
      entry.attempts.push({ at: new Date().toISOString(), url: '', status: null, error: reason });
      end(entry);
      return true;
    },
    drop(count) {
      dropped += count;
    },
    dropped: () => dropped,
    givenUp: () => given_up,
    list: () => entries.slice(-max_entries),
    clear() {
      entries = [];
      dropped = 0;
      given_up = 0;
    },
  };
}
