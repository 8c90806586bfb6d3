import { isDeepStrictEqual } from 'node:util';
import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundStatus } from '../../providers/inbound.ts';
import type { Address } from '../../providers/provider.ts';
import { lockAttendanceRows } from '../attendances/attendances.repository.ts';
import { readCorrelator } from '../messages/correlator.ts';
import {
  type Evidence,
  type EvidenceRun,
  joinEvidence,
  listReported,
  type ReportedAt,
} from '../messages/evidence.repository.ts';
import { setApart } from './apart.ts';
import { followReports, type Proven, typesOf } from './follow-reports.ts';
import type { Applied } from './receive-message.ts';
import { lookUp, type Named, resolvePeople } from './resolve-person.ts';

/** Messages of ours that reports are of, and their recipients, by the place of the report. */
export interface FoundReports {
  found: (Reported['message'] & { place: number })[];
  /** As `found`. */
  named: Named[];
}

export async function findReported(trx: Scope, channel: ChannelsRow, events: InboundStatus[]): Promise<FoundReports> {
  const found = await listReported(trx, channel.id, toReported(trx, events));
  const named = await lookUp(
    trx,
    channel,
    found.map(({ place, contact_id }) => ({ identities: events[place]?.identities ?? [], known_id: contact_id })),
  );
  return { found, named };
}

/**
 * T5: what a provider reports of messages of ours, found by the correlator first, then by the provider's id. `not_found` may
 * be a report that came before the send's own answer: it is worth asking again. Reports of different attendances take as
 * many statements as one, and so do different facts of one message; others that share an attendance go one by one. `known`:
 * looked up in this transaction, and nothing applied since.
 */
export async function applyStatuses(
  trx: Scope,
  channel: ChannelsRow,
  events: InboundStatus[],
  known?: FoundReports,
): Promise<(Applied | 'not_found')[]> {
  const outcomes: (Applied | 'not_found')[] = events.map(() => 'not_found');
  const runs = toRuns(events, known ?? (await findReported(trx, channel, events)));
  const joined = await joinFacts(
    trx,
    channel,
    runs.map(({ reported }) => reported),
    runs.map(({ named }) => named),
  );
  for (const [index, { places }] of runs.entries())
    for (const [nth, place] of places.entries()) outcomes[place] = joined[index]?.[nth] ?? 'dropped';
  return outcomes;
}

/** What reports call the messages that they are of. */
function toReported({ vault }: Pick<Scope, 'vault'>, events: InboundStatus[]): ReportedAt[] {
  return events.map(({ correlator, provider_message_id }, place) => {
    const message_id = correlator === null ? null : (readCorrelator(vault, correlator)?.message_id ?? null);
    return { place, message_id, provider_message_id };
  });
}

/** Facts of a message of ours, and what its recipient is called. */
export interface Reported {
  message: { id: string; attendance_id: string; contact_id: string };
  /** A failure is alone. */
  evidence: EvidenceRun;
  identities: InboundStatus['identities'];
}

/** Reports that are joined at once, and their places. */
interface Run {
  reported: Reported;
  named: Named;
  places: number[];
}

/** Facts of one message that follow each other are one run, as long as all of them call message and recipient alike. */
function toRuns(events: InboundStatus[], { found, named }: FoundReports): Run[] {
  const runs: Run[] = [];
  const last_of = new Map<string, Run>();
  for (const [index, { place, ...message }] of found.entries()) {
    const { fact, at, error, provider_message_id, identities } = events[place] as InboundStatus;
    const evidence = { fact, at, error, provider_message_id };
    const last = last_of.get(message.id);
    if (last && goesOn(last, evidence, identities)) {
      last.reported.evidence.push(evidence);
      last.places.push(place);
      continue;
    }
    const reported: Reported = { message, evidence: [evidence], identities };
    const run = { reported, named: named[index] as Named, places: [place] };
    runs.push(run);
    last_of.set(message.id, run);
  }
  return runs;
}

function goesOn({ reported, named }: Run, { fact, provider_message_id }: Evidence, identities: Address[]): boolean {
  const facts = reported.evidence.map((one) => one.fact);
  if (fact === 'failed' || facts.includes('failed') || facts.includes(fact)) return false;
  // Two contacts that turn out to be one are of concern to whatever follows.
  if (named.known.size > 1 || reported.evidence[0].provider_message_id !== provider_message_id) return false;
  return isDeepStrictEqual(reported.identities, identities);
}

/**
 * Joins facts to messages, lets their attendances follow, tells of it, and learns what the recipients are called; what became of
 * each fact.
 */
export async function joinFacts(
  trx: Scope,
  channel: ChannelsRow,
  reported: Reported[],
  known?: Named[],
): Promise<Applied[][]> {
  if (reported.length === 0) return [];
  const people = reported.map(({ message, identities }) => ({ identities, known_id: message.contact_id }));
  const named = known ?? (await lookUp(trx, channel, people));
  const { together, alone } = setApart(
    reported.map(({ message }, place) => {
      const known = [...(named[place]?.known.keys() ?? [])];
      return { ids: [message.attendance_id, message.contact_id, ...known], is_wide: known.length > 1 };
    }),
  );
  const outcomes: Applied[][] = reported.map(() => []);
  const joined = await joinApart(
    trx,
    channel,
    together.map((place) => ({ ...(reported[place] as Reported), named: named[place] as Named })),
  );
  for (const [index, place] of together.entries()) outcomes[place] = joined[index] ?? [];
  for (const place of alone) {
    const [outcome] = await joinFacts(trx, channel, [reported[place] as Reported]);
    outcomes[place] = outcome ?? [];
  }
  return outcomes;
}

/** No attendance, message or contact is here twice. */
async function joinApart(
  trx: Scope,
  channel: ChannelsRow,
  reported: (Reported & { named: Named })[],
): Promise<Applied[][]> {
  const rows = await lockAttendanceRows(
    trx,
    reported.map(({ message }) => message.attendance_id),
  );
  let row_of = new Map(rows.map((row) => [row.id, row]));
  const there = reported.filter(({ message }) => row_of.has(message.attendance_id));
  const messages = await joinEvidence(
    trx,
    there.map(({ message: { id }, evidence }) => ({ id, evidence })),
    channel,
  );
  const message_of = new Map(messages.map((message) => [message.id, message]));
  const called = there.filter(
    ({ message, identities }) => identities.length > 0 && message_of.get(message.id)?.erased_at === null,
  );
  const people = await resolvePeople(
    trx,
    channel,
    called.map(({ named, evidence }) => ({ named, profile_name: null, ...timesOf(evidence) })),
    called.map(({ message }) => message_of.get(message.id)?.contact_id ?? message.contact_id),
  );
  // A merge may have closed one of them or given it to another contact.
  if (called.some(({ named }) => named.known.size > 1))
    row_of = new Map((await lockAttendanceRows(trx, [...row_of.keys()])).map((row) => [row.id, row]));
  const proven = there.flatMap(({ message: { id, attendance_id }, evidence }): Proven[] => {
    const message = message_of.get(id);
    const attendance = row_of.get(attendance_id);
    return message && attendance ? [{ evidence, attendance, message }] : [];
  });
  const told = people.flatMap((one) => one.told);
  await followReports(trx, proven, told);
  const proven_of = new Map(proven.map((one) => [one.message.id, one]));
  return reported.map(({ message: { id }, evidence }) => {
    const known = proven_of.get(id);
    return evidence.map((_, nth): Applied => {
      if (known) return typesOf(known, nth).length > 0 ? 'applied' : 'repeated';
      return message_of.has(id) ? 'repeated' : 'dropped';
    });
  });
}

/** When a recipient's names were told first, and last. */
function timesOf([first, ...later]: EvidenceRun): { at: Date; last_at: Date } {
  const times = [first, ...later].map(({ at }) => at.getTime());
  return { at: first.at, last_at: new Date(Math.max(...times)) };
}
