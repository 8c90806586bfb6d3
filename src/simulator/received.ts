import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { digitsOf, waIdOf } from './whatsapp-number.ts';

export interface ReceivedEntry {
  /** From 1, in order of arrival. */
  id: number;
  protocol: 'graph' | 'evolution' | 'waha' | 'zapi' | 'wppconnect';
  /** The sender: phone number id, or instance. */
  channel: string;
  /** As the request wrote it. */
  to: string;
  /** What WhatsApp calls that number; null for a user id. */
  wa_id: string | null;
  type: string;
  text?: string;
  template?: { name: string; language: string; components: unknown };
  body: unknown;
  /** `biz_opaque_callback_data`; gateways have none, of WAHA it is the id that the caller chose. */
  correlator: string | null;
  /** Name of the scripted outcome, `accepted`, or `invalid` for a request that was refused as malformed. */
  outcome: string;
  /** Whether the real world would have delivered it, answered or not. */
  accepted: boolean;
  /** HTTP status of the answer; null when the connection was cut or stayed silent. */
  status: number | null;
  error_code: string | null;
  /** The id that was given to it, also when the answer that carried it was lost. */
  provider_message_id: string | null;
  received_at: string;
}

export interface ReceivedFilter {
  to?: string | undefined;
  channel?: string | undefined;
  protocol?: string | undefined;
  correlator?: string | undefined;
  accepted?: boolean | undefined;
  /** Only entries with a greater id. */
  after?: number | undefined;
}

export interface Received {
  add: (entry: Omit<ReceivedEntry, 'id' | 'received_at'>) => ReceivedEntry;
  /** Oldest first. */
  list: (filter: ReceivedFilter) => ReceivedEntry[];
  clear: () => void;
  /** How many of the oldest were dropped since the start or the last clear, to stay within the limit. */
  dropped: () => number;
  close: () => void;
}

/**
 * What arrived, at most `limit` entries, the oldest dropped first. With a file every entry is also a line in it, written
 * before the answer leaves, so that a killed simulator starts again with what it had. Throws when the file cannot be opened.
 */
export function openReceived(limit: number, state_file?: string): Received {
  const entries = new Map<number, ReceivedEntry>();
  const journal = state_file === undefined ? undefined : openJournal(state_file, limit);
  for (const entry of journal?.restored ?? []) entries.set(entry.id, entry);
  let first_id = [...entries.keys()].at(0) ?? 1;
  let last_id = [...entries.keys()].at(-1) ?? 0;
  let dropped = 0;

  return {
    add(draft) {
      last_id += 1;
      const entry = { id: last_id, ...draft, received_at: new Date().toISOString() };
      entries.set(entry.id, entry);
      // Counting ids up finds the oldest; asking the map for its first key would walk over all the holes deletions leave.
      for (; entries.size > limit; first_id += 1) dropped += entries.delete(first_id) ? 1 : 0;
      journal?.append(entry, entries);
      return entry;
    },
    list: (filter) => {
      const matches = matcherOf(filter);
      return [...entries.values()].filter(matches);
    },
    clear() {
      entries.clear();
      first_id = last_id + 1;
      dropped = 0;
      journal?.empty();
    },
    dropped: () => dropped,
    close: () => journal?.close(),
  };
}

function matcherOf(filter: ReceivedFilter): (entry: ReceivedEntry) => boolean {
  const wa_id = filter.to === undefined ? undefined : waIdOf(digitsOf(filter.to));
  return (entry) =>
    (filter.to === undefined || entry.to === filter.to || (entry.wa_id !== null && entry.wa_id === wa_id)) &&
    (filter.channel === undefined || entry.channel === filter.channel) &&
    (filter.protocol === undefined || entry.protocol === filter.protocol) &&
    (filter.correlator === undefined || entry.correlator === filter.correlator) &&
    (filter.accepted === undefined || entry.accepted === filter.accepted) &&
    (filter.after === undefined || entry.id > filter.after);
}

function openJournal(path: string, limit: number) {
  const restored = existsSync(path) ? readEntries(path).slice(-limit) : [];
  const rewrite = (entries: Iterable<ReceivedEntry>) =>
    writeFileSync(path, [...entries].map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 });
  rewrite(restored);
  let lines = restored.length;
  // Synchronous on purpose: bytes handed to the kernel outlive a kill of this process, buffered ones do not.
  const file = openSync(path, 'a');
  return {
    restored,
    append(entry: ReceivedEntry, kept: Map<number, ReceivedEntry>) {
      if (lines >= limit * 2) {
        rewrite(kept.values());
        lines = kept.size;
        return;
      }
      writeSync(file, `${JSON.stringify(entry)}\n`);
      lines += 1;
    },
    empty() {
      ftruncateSync(file, 0);
      lines = 0;
    },
    close: () => closeSync(file),
  };
}

/** A line torn by a kill is left out: its request was never answered. */
function readEntries(path: string): ReceivedEntry[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as ReceivedEntry];
    } catch {
      return [];
    }
  });
}
