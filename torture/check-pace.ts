import type { ReceivedEntry } from '../src/simulator/received.ts';
import { type Finding, finding } from './torture.ts';

export type Arrival = Pick<ReceivedEntry, 'id' | 'channel' | 'to' | 'received_at'>;

export interface Paces {
  /** Messages a second, by the sender's name in the log. */
  limits: ReadonlyMap<string, number>;
  recipient_pace_ms: number;
}

/** Times in the log are whole milliseconds: what is a second apart may be written as 1 ms less. */
const grain_ms = 1;
const second_ms = 1_000;

/** Reads the provider's log and nothing else: was any sender's limit, or any recipient's pace, ever exceeded? */
export function checkPace(arrivals: Arrival[], { limits, recipient_pace_ms }: Paces): Finding[] {
  const bySender = grouped(arrivals, ({ channel }) => channel);
  // Who got one alone has no pace that could be broken.
  const byRecipient = grouped(arrivals, ({ channel, to }) => `${channel} → ${to}`);
  const twice = [...byRecipient].filter(([, times]) => times.length > 1);
  return [
    finding('no second of a sender sees more than its limit', bySender, ([name, times]) => {
      const [most, limit] = [busiestSecond(times), limits.get(name) ?? 0];
      return most > limit ? `${name}: ${most} in a second, and ${limit} may be` : null;
    }),
    finding(`two messages to one recipient are ${recipient_pace_ms} ms apart`, twice, ([name, times]) => {
      const closest = Math.min(...times.slice(1).map((at, place) => at - (times[place] ?? 0)));
      return closest < recipient_pace_ms - grain_ms ? `${name}: ${closest} ms` : null;
    }),
  ];
}

function grouped(arrivals: Arrival[], nameOf: (one: Arrival) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const one of arrivals) {
    const times = groups.get(nameOf(one)) ?? [];
    groups.set(nameOf(one), times);
    times.push(Date.parse(one.received_at));
  }
  for (const times of groups.values()) times.sort((one, other) => one - other);
  return groups;
}

/** The most that any second saw, wherever it begins. */
export function busiestSecond(times: number[]): number {
  let [first, most] = [0, 0];
  for (const [place, at] of times.entries()) {
    while (at - (times[first] ?? 0) >= second_ms - grain_ms) first += 1;
    most = Math.max(most, place - first + 1);
  }
  return most;
}
