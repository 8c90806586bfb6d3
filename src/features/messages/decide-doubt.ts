import type { Doubt } from './doubts.repository.ts';

const minute_ms = 60_000;
/** How long a doubt is silent before `resend` may act. */
const resend_after_ms = 15 * minute_ms;
/** T7: a doubt this old is given up. */
const give_up_after_ms = 7 * 24 * 60 * minute_ms;
/** A policy that was changed meanwhile is noticed within this time. */
const look_again_ms = 5 * minute_ms;

export type DoubtDecision = { kind: 'resend' } | { kind: 'presumed_lost' } | { kind: 'wait'; until: Date };

/**
 * What a channel's `on_unknown` says of a doubt now. `is_silent`: status webhooks came since for later messages, and none
 * for this one. `resend` and `resend_same_id` act once; after that a person decides.
 */
export function decideDoubt(
  doubt: Pick<Doubt, 'unknown_at' | 'resolutions'>,
  on_unknown: string,
  { now, is_silent, chooses_message_id }: { now: Date; is_silent: boolean; chooses_message_id: boolean },
): DoubtDecision {
  const age_ms = now.getTime() - doubt.unknown_at.getTime();
  if (age_ms >= give_up_after_ms || on_unknown === 'fail') return { kind: 'presumed_lost' };
  const wait = (ms: number): DoubtDecision => ({ kind: 'wait', until: new Date(now.getTime() + ms) });
  const was_resent = doubt.resolutions.some((one) => one.action === 'resend' && one.decided_by.policy !== null);
  if (was_resent) return wait(look_again_ms);
  if (on_unknown === 'resend_same_id' && chooses_message_id) return { kind: 'resend' };
  if (on_unknown !== 'resend') return wait(look_again_ms);
  if (age_ms < resend_after_ms) return wait(Math.min(look_again_ms, resend_after_ms - age_ms));
  return is_silent ? { kind: 'resend' } : wait(minute_ms);
}
