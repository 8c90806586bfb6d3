import type { Scope } from '../../context.ts';
import { inTransaction } from '../../context.ts';
import { isDatabaseUnavailable, isTooMuchAtOnce, messageOf } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundEvent } from '../../providers/inbound.ts';
import { applyEvents, type Outcome } from './apply-event.ts';
import type { KeptItem } from './inbound.repository.ts';
import { messageIdOf } from './message-id.ts';
import type { ReadBody } from './read-body.ts';
import { itemBinding } from './sealed.ts';
import type { Placed } from './to-steps.ts';

/** Why a report is tried again that may have come before what it reports on. */
export const not_known_yet = 'no message of ours is known by this id yet';

/** Until an event that could not be applied is tried again; then it doubles. */
export const first_retry_ms = 1_000;

/** What became of an event. */
export interface Result {
  outcome: string;
  /** Why it is to be tried again. */
  retry: string | null;
  /** It waited in vain for somebody's lock, or took too long: that says nothing against it. */
  has_waited?: boolean;
}

export function toResult(event: InboundEvent, outcome: Outcome | undefined): Result {
  if (event.kind === 'ignored') return { outcome: `ignored_${event.reason}`, retry: null };
  const is_missing = outcome === 'not_found';
  return { outcome: outcome ?? 'dropped', retry: is_missing ? not_known_yet : null };
}

/** In a transaction of its own. The database being away is thrown. */
export async function applyOne(
  scope: Scope,
  { public_url }: { public_url: string },
  channel: ChannelsRow,
  placed: Placed,
): Promise<Result> {
  const { event, place } = placed;
  if (event.kind === 'ignored') return toResult(event, undefined);
  try {
    const outcomes = await inTransaction(scope, (trx) => applyEvents(trx, public_url, channel, [placed]));
    return toResult(event, outcomes.get(place));
  } catch (error) {
    // Who waited for a lock, or took too long, waits alone.
    if (isDatabaseUnavailable(error) && !isTooMuchAtOnce(error)) throw error;
    scope.log.warn(
      { err: error, account_id: scope.account_id, channel_id: channel.id, kind: event.kind },
      'inbound.not_applied',
    );
    return { outcome: 'failed', retry: messageOf(error), has_waited: isTooMuchAtOnce(error) };
  }
}

/** Ids of what a body makes: the same however often it is expanded. */
export function toPlaced(body: { id: string; received_at: Date }, place: number, event: InboundEvent): Placed {
  const at = 'at' in event ? event.at : body.received_at;
  return { event, place: { message_id: messageIdOf(body.id, place, at), received_at: body.received_at } };
}

/** Of a body's events, with a result for each, those that are to be tried again, sealed. */
export function keptOf(scope: Scope, { body, events }: ReadBody, results: Result[]): KeptItem[] {
  return events.flatMap((event, place) => {
    const reason = results[place]?.retry ?? null;
    if (reason === null) return [];
    return {
      account_id: body.account_id,
      body_id: body.id,
      place,
      channel_id: body.channel_id,
      event: scope.vault.seal(Buffer.from(JSON.stringify(event)), itemBinding(body.id, place)),
      kind: event.kind,
      reason: reason.slice(0, 500),
      run_in_ms: first_retry_ms,
      received_at: body.received_at,
    };
  });
}
