import type { ReceivedEntry } from '../src/simulator/received.ts';
import { isWorthTrying, type Try } from './clients.ts';
import { type Finding, finding } from './torture.ts';

/** What `GET /v1/messages/{message_id}` says of a message in the end; null: it is not there. */
export interface Final {
  attendance_id: string;
  status: string;
  error: { code: string } | null;
  attempts: { number: number; started_at: string; finished_at: string | null; outcome: string | null }[];
  resolutions: unknown[];
  timeline: { type: string; at: string }[];
}

export interface Evidence {
  /** The clients' log. */
  tries: Try[];
  /** The simulator's log. */
  arrivals: Pick<ReceivedEntry, 'wa_id' | 'accepted' | 'status' | 'outcome'>[];
  /** By id of the message. */
  finals: Map<string, Final | null>;
  /** How many attendances the account has. */
  attendances: number;
  lease_ms: number;
  /** What a message may be in the end that the provider took. */
  settled: string[];
}

/** One start, as its client saw it. */
interface Start {
  key: string;
  phone: string;
  tries: Try[];
  /** Ids of messages it was told, normally one. */
  message_ids: string[];
  attendance_ids: string[];
}

/** One start beside what became of it. */
interface Case extends Start {
  final: Final | null | undefined;
  /** Times that it reached the provider, and that the provider took it. */
  arrived: number;
  accepted: number;
}

/** Beyond the lease: one sweep, and what a busy machine needs for it. */
const sweep_slack_ms = 2_000;
export const promise_of_leases = 'none is sending longer than its lease + 2 s';
const answers_meant = [200, 201, 429, 503];

/** Judges by the two logs and the final states alone, knowing nothing of how the service works. */
export function checkLogs(evidence: Evidence): Finding[] {
  const cases = joinLogs(evidence);
  const acknowledged = cases.filter(({ message_ids }) => message_ids.length > 0);
  const found = acknowledged.flatMap((one) => (one.final ? [{ ...one, final: one.final }] : []));
  const phones = new Set(cases.map(({ phone }) => waIdOf(phone)));
  return [
    finding('every start is acknowledged in the end', cases, ({ key, tries, message_ids }) =>
      message_ids.length > 0 ? null : `${key}: ${tries.map(({ status, code }) => status ?? code).join(', ')}`,
    ),
    finding('what was acknowledged is there', acknowledged, ({ key, final, message_ids }) =>
      final ? null : `${key}: ${message_ids[0]} is not found`,
    ),
    finding('one start, one attendance, one message', cases, ({ key, attendance_ids, message_ids }) =>
      attendance_ids.length > 1 || message_ids.length > 1 ? `${key}: ${attendance_ids} with ${message_ids}` : null,
    ),
    finding('no more attendances than starts', [evidence.attendances], (count) =>
      count === acknowledged.length ? null : `${count} attendances of ${acknowledged.length} starts`,
    ),
    finding('sent at most once without a recorded decision', found, ({ key, arrived, final }) =>
      arrived > 1 + final.resolutions.length ? `${key}: ${arrived} times, ${describe(final)}` : null,
    ),
    finding('nothing is sent that nobody started', evidence.arrivals, ({ wa_id }) =>
      phones.has(wa_id ?? '') ? null : `to ${wa_id}`,
    ),
    finding('the state shown is the true one', found, (one) => {
      const meant = statesMeant(one, evidence.settled);
      return meant.includes(one.final.status)
        ? null
        : `${one.key}: arrived ${one.arrived}, accepted ${one.accepted}, so ${meant.join(' or ')}, but is ${describe(one.final)}`;
    }),
    finding('every doubt is visible', found.filter(isDoubtful), ({ key, final }) =>
      final.error?.code === 'provider_answer_lost' && final.timeline.some(({ type }) => type === 'message.unknown')
        ? null
        : `${key}: ${describe(final)}`,
    ),
    finding(promise_of_leases, found, ({ key, final }) => {
      const late = final.attempts.find((attempt) => heldFor(attempt, final) > evidence.lease_ms + sweep_slack_ms);
      return late ? `${key}: attempt ${JSON.stringify(late)}` : null;
    }),
    finding('every answer is 2xx, 429, 503 or "in progress"', evidence.tries, ({ key, status, code }) =>
      status === null || answers_meant.includes(status) || (status === 409 && isWorthTrying({ status, code }))
        ? null
        : `${key}: ${status} ${code}`,
    ),
  ];
}

function joinLogs({ tries, arrivals, finals }: Evidence): Case[] {
  const byPhone = groupBy(arrivals, ({ wa_id }) => wa_id ?? '');
  return [...groupBy(tries, ({ key }) => key)].map(([key, own]) => {
    const ids = (name: 'message_id' | 'attendance_id') => [...new Set(own.flatMap((one) => one[name] ?? []))];
    const phone = own[0]?.phone ?? '';
    const message_ids = ids('message_id');
    const seen = byPhone.get(waIdOf(phone)) ?? [];
    return {
      ...{ key, phone, tries: own, message_ids, attendance_ids: ids('attendance_id') },
      final: finals.get(message_ids[0] ?? ''),
      arrived: seen.length,
      accepted: seen.filter(({ accepted }) => accepted).length,
    };
  });
}

function groupBy<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** A mobile of area code 31 has no ninth digit on the network. */
export const waIdOf = (phone: string) => phone.replace(/^\+55(\d\d)9(\d{8})$/, '55$1$2');

/** What reached the provider and was not taken stays a doubt: nobody here can know. */
function statesMeant({ accepted }: Case, settled: string[]): string[] {
  return accepted > 0 ? settled : ['unknown'];
}

const isDoubtful = ({ final }: { final: Final }) => final.status === 'unknown';

/** An answer that comes after the sweep ends the attempt once more; it is a doubt since the sweep. One without an end is held for ever. */
function heldFor({ started_at, finished_at }: Final['attempts'][number], { timeline }: Final): number {
  if (finished_at === null) return Number.POSITIVE_INFINITY;
  const doubts = timeline.flatMap(({ type, at }) => (type === 'message.unknown' && at >= started_at ? at : []));
  const ends = [finished_at, ...doubts].map((at) => Date.parse(at));
  return Math.min(...ends) - Date.parse(started_at);
}

function describe({ status, attempts, error }: Final): string {
  return `${status} (${attempts.map(({ outcome }) => outcome).join(', ')}${error ? `; ${error.code}` : ''})`;
}
