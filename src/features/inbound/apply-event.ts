import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundChange, InboundChannel } from '../../providers/inbound.ts';
import { lockInvolved } from '../attendances/receptive.repository.ts';
import { applyChannelNews } from '../channels/apply-channel-news.ts';
import { findChannel } from '../channels/channels.repository.ts';
import { lockPeople } from '../contacts/people.repository.ts';
import { listByProviderIds } from '../messages/evidence.repository.ts';
import { changeReceived } from '../messages/received.repository.ts';
import { applyTemplateNews } from '../templates/apply-template-news.ts';
import { applyEcho } from './apply-echo.ts';
import { applyIdentity, applyOptOut } from './apply-identity.ts';
import { applyStatuses, type FoundReports, findReported } from './apply-status.ts';
import { type Applied, findSenders, type Place, receiveMessages } from './receive-message.ts';
import type { Named } from './resolve-person.ts';
import { type OtherEvent, type PersonEvent, type Placed, type Step, toParts, toSteps } from './to-steps.ts';

export type Outcome = Applied | 'not_found';

/**
 * Applies events in the transaction it is given, those that have nothing to do with each other by the same statements; what
 * is done twice ends alike. An outcome for each that is not `ignored`. `not_found`: ask again later.
 */
export async function applyEvents(
  trx: Scope,
  public_url: string,
  channel: ChannelsRow,
  placed: Placed[],
): Promise<Map<Place, Outcome>> {
  const outcomes = new Map<Place, Outcome>();
  for (const part of toParts(placed)) {
    if (Array.isArray(part)) await applyPart(trx, channel, part, outcomes);
    else outcomes.set(part.place, await applyOther(trx, public_url, channel, part));
  }
  return outcomes;
}

async function applyPart(
  trx: Scope,
  channel: ChannelsRow,
  part: Placed<PersonEvent>[],
  outcomes: Map<Place, Outcome>,
): Promise<void> {
  const known = await lookUpPart(trx, channel, part);
  const steps = toSteps(part, known.touched);
  const is_one = isOneStatement(steps, known);
  if (!is_one) await lockPart(trx, channel, known);
  const keep = (all: Placed[], found: Outcome[]) => {
    for (const [index, { place }] of all.entries()) outcomes.set(place, found[index] ?? 'dropped');
  };
  for (const { messages, statuses } of steps) {
    // What was looked up is known for as long as nothing was applied.
    const still = is_one ? known : undefined;
    keep(messages, await receiveMessages(trx, channel, messages, still?.senders));
    const events = statuses.map(({ event }) => event);
    keep(statuses, await applyStatuses(trx, channel, events, still?.reports));
  }
}

/** Whether all rows are locked at once: events of one kind, none of which shares a row with another or proves two people to be one. */
function isOneStatement(steps: Step[], { senders, reports }: KnownPart): boolean {
  const are_alike =
    steps.every(({ messages }) => messages.length === 0) || steps.every(({ statuses }) => statuses.length === 0);
  return steps.length === 1 && are_alike && [...senders, ...reports.named].every(({ known }) => known.size <= 1);
}

/** Whom the events of a part are of: names alone do not tell that two are of one person. */
interface KnownPart {
  /** Those of messages, in their order. */
  senders: Named[];
  /** Those of reports, in their order. */
  reports: FoundReports;
  /** Ids of contacts and attendances that each event may change. */
  touched: Map<Place, string[]>;
}

async function lookUpPart(trx: Scope, channel: ChannelsRow, part: Placed<PersonEvent>[]): Promise<KnownPart> {
  const messages = part.flatMap(({ event, place }) => (event.kind === 'message' ? [{ event, place }] : []));
  const statuses = part.flatMap(({ event, place }) => (event.kind === 'status' ? [{ event, place }] : []));
  const senders = await findSenders(trx, channel, messages);
  const reports = await findReported(
    trx,
    channel,
    statuses.map(({ event }) => event),
  );
  const touched = new Map<Place, string[]>();
  for (const [index, { place }] of messages.entries()) touched.set(place, [...(senders[index]?.known.keys() ?? [])]);
  for (const [index, { place, attendance_id, contact_id }] of reports.found.entries()) {
    const status = statuses[place];
    const named = reports.named[index]?.known.keys() ?? [];
    if (status) touched.set(status.place, [attendance_id, contact_id, ...named]);
  }
  return { senders, reports, touched };
}

/** Several statements would lock piece by piece what others, such as the dispatch lane, lock at once and in order: so it is done here, too. */
async function lockPart(trx: Scope, channel: ChannelsRow, { senders, reports }: KnownPart): Promise<void> {
  const attendance_ids = reports.found.map(({ attendance_id }) => attendance_id);
  const named = [...senders, ...reports.named].flatMap(({ known }) => [...known.keys()]);
  const contact_ids = [...named, ...reports.found.map(({ contact_id }) => contact_id)];
  await lockInvolved(trx, channel.id, { attendance_ids, contact_ids });
  await lockPeople(trx, contact_ids);
}

async function applyOther(
  trx: Scope,
  public_url: string,
  channel: ChannelsRow,
  { event, place }: Placed<OtherEvent>,
): Promise<Outcome> {
  switch (event.kind) {
    case 'edit':
    case 'revoke':
      return changeMessage(trx, channel, event);
    case 'echo':
      return applyEcho(trx, channel, event, place);
    case 'identity':
      return applyIdentity(trx, channel, event);
    case 'opt_out':
      return applyOptOut(trx, channel, event);
    case 'template':
      return (await applyTemplateNews(trx, channel.id, event)) ? 'applied' : 'repeated';
    case 'channel':
      return changeChannel(trx, public_url, channel, event);
  }
}

/** A change that came before its message is worth trying again. */
async function changeMessage(trx: Scope, channel: ChannelsRow, event: InboundChange): Promise<Outcome> {
  if (await changeReceived(trx, channel.id, event.original_id, event)) return 'applied';
  const known = await listByProviderIds(trx, channel.id, [event.original_id]);
  return known.length > 0 ? 'dropped' : 'not_found';
}

/** Clocks differ. */
const news_slack_ms = 60_000;

async function changeChannel(
  trx: Scope,
  public_url: string,
  channel: ChannelsRow,
  { news, at }: InboundChannel,
): Promise<Applied> {
  const now = await findChannel(trx, channel.id);
  // News may come days late, after a check that knew better.
  if (!now || at.getTime() + news_slack_ms < now.updated_at.getTime()) return 'dropped';
  await applyChannelNews(trx, public_url, channel.id, news);
  return 'applied';
}
