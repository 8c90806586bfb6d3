import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundChange, InboundChannel } from '../../providers/inbound.ts';
import { lockInvolved } from '../attendances/receptive.repository.ts';
import { applyChannelNews } from '../channels/apply-channel-news.ts';
import { findChannel } from '../channels/channels.repository.ts';
import { lockPeople } from '../contacts/people.repository.ts';
import { changeReceived, listReported } from '../messages/evidence.repository.ts';
import { applyTemplateNews } from '../templates/apply-template-news.ts';
import { applyEcho } from './apply-echo.ts';
import { applyIdentity, applyOptOut } from './apply-identity.ts';
import { applyStatuses, toReported } from './apply-status.ts';
import { type Applied, type Place, receiveMessages } from './receive-message.ts';
import { lookUp } from './resolve-person.ts';
import { type OtherEvent, type Placed, type Step, toSteps } from './to-steps.ts';

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
  const steps = placed.length === 1 ? toSteps(placed, new Map()) : await planSteps(trx, channel, placed);
  for (const { messages, statuses, other } of steps) {
    const keep = (all: Placed[], found: Outcome[]) => {
      for (const [index, { place }] of all.entries()) outcomes.set(place, found[index] ?? 'dropped');
    };
    if (messages.length > 0) keep(messages, await receiveMessages(trx, channel, messages));
    if (statuses.length > 0) {
      const events = statuses.map(({ event }) => event);
      keep(statuses, await applyStatuses(trx, channel, events));
    }
    if (other) keep([other], [await applyOther(trx, public_url, channel, other)]);
  }
  return outcomes;
}

/**
 * Who is meant is asked for all of them first: names alone do not tell that two events are of one person. Several steps
 * would lock piece by piece what others, such as the dispatch lane, lock at once and in order: so it is done here, too.
 */
async function planSteps(trx: Scope, channel: ChannelsRow, placed: Placed[]): Promise<Step[]> {
  const messages = placed.flatMap(({ event, place }) => (event.kind === 'message' ? [{ event, place }] : []));
  const statuses = placed.flatMap(({ event, place }) => (event.kind === 'status' ? [{ event, place }] : []));
  const reported = await listReported(
    trx,
    channel.id,
    toReported(
      trx,
      statuses.map(({ event }) => event),
    ),
  );
  const people = [
    ...messages.map(({ event, place }) => ({ place, identities: event.from.identities, known_id: null })),
    ...statuses.map(({ event, place }) => ({ place, identities: event.identities, known_id: null })),
  ];
  const named = await lookUp(trx, channel, people);
  const touched = new Map(people.map(({ place }, index) => [place, [...(named[index]?.known.keys() ?? [])]]));
  for (const { place, attendance_id, contact_id } of reported)
    touched.get((statuses[place] as Placed).place)?.push(attendance_id, contact_id);
  const steps = toSteps(placed, touched);
  if (steps.length > 1) {
    const attendance_ids = reported.map(({ attendance_id }) => attendance_id);
    const contact_ids = [...new Set([...touched.values()].flat())].filter((id) => !attendance_ids.includes(id));
    await lockInvolved(trx, channel.id, { attendance_ids, contact_ids });
    await lockPeople(trx, contact_ids);
  }
  return steps;
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

async function changeMessage(trx: Scope, channel: ChannelsRow, event: InboundChange): Promise<Applied> {
  const at = event.at.toISOString();
  const note: Record<string, string> = event.kind === 'edit' ? { edited_at: at } : { revoked_at: at };
  await changeReceived(trx, channel.id, event.original_id, { text: event.kind === 'edit' ? event.text : null, note });
  return 'applied';
}

/** Clocks differ. */
const news_slack_ms = 60_000;

/** A gateway that is connected again is not therefore free to open chats: only a check lifts a restriction there. */
async function changeChannel(
  trx: Scope,
  public_url: string,
  channel: ChannelsRow,
  { news, at }: InboundChannel,
): Promise<Applied> {
  const now = await findChannel(trx, channel.id);
  // News may come days late, after a check that knew better.
  if (!now || at.getTime() + news_slack_ms < now.updated_at.getTime()) return 'dropped';
  if (now.type === 'unofficial' && now.status === 'restricted' && news.status !== 'disconnected') return 'dropped';
  await applyChannelNews(trx, public_url, channel.id, news);
  return 'applied';
}
