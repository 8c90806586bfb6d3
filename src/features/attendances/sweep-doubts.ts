import type { Context } from '../../context.ts';
import { findProvider } from '../../providers/registry.ts';
import { listChannelsOf } from '../channels/channels.repository.ts';
import { type DoubtDecision, decideDoubt } from '../messages/decide-doubt.ts';
import type { WrittenOutcome } from '../messages/dispatch.repository.ts';
import { type Doubt, listDueDoubts, listSilentDoubts, postponeDoubts } from '../messages/doubts.repository.ts';
import { recordApart } from './record-apart.ts';

const sweep_batch = 200;

/**
 * T6 and T7: asks each doubt's channel what is to be done, and does it: send again with its reason recorded, give up, or
 * look again later. Returns how many messages changed.
 */
export async function sweepDoubts(ctx: Context, public_url: string): Promise<number> {
  const doubts = await listDueDoubts(ctx, sweep_batch);
  if (doubts.length === 0) return 0;
  const channels = new Map((await listChannelsOf(ctx, doubts)).map((channel) => [channel.id, channel]));
  const silent = await listSilentDoubts(
    ctx,
    doubts.filter((doubt) => channels.get(doubt.channel_id)?.on_unknown === 'resend'),
  );
  const now = ctx.now();
  const decided = doubts.flatMap(
    (doubt): { doubt: Doubt; decision: DoubtDecision; policy: string; within_s: number }[] => {
      const channel = channels.get(doubt.channel_id);
      if (!channel) return [];
      const { chooses_message_id } = findProvider(channel.provider).capabilities;
      const known = { now, is_silent: silent.has(doubt.id), chooses_message_id };
      const decision = decideDoubt(doubt, channel.on_unknown, known);
      return [{ doubt, decision, policy: channel.on_unknown, within_s: channel.send_within_s }];
    },
  );
  await postponeDoubts(
    ctx,
    decided.flatMap(({ doubt, decision }) => (decision.kind === 'wait' ? [{ ...doubt, until: decision.until }] : [])),
  );
  const written = decided.flatMap(({ doubt, decision, policy, within_s }) =>
    decision.kind === 'wait' ? [] : [toOutcome(ctx, doubt, decision.kind, policy, within_s)],
  );
  if (written.length === 0) return 0;
  const changed = await recordApart(ctx, public_url, written);
  // One that may not be resent any more (its attendance was closed) must not come up every second.
  const until = new Date(now.getTime() + 60_000);
  await postponeDoubts(
    ctx,
    written.map((one) => ({ account_id: one.account_id, id: one.message_id, until })),
  );
  ctx.log.info({ decided: written.length, changed }, 'doubts.decided');
  return changed;
}

function toOutcome(
  ctx: Context,
  doubt: Doubt,
  kind: 'resend' | 'presumed_lost',
  policy: string,
  send_within_s: number,
): WrittenOutcome {
  return {
    account_id: doubt.account_id,
    attendance_id: doubt.attendance_id,
    message_id: doubt.id,
    fence: null,
    attempt: doubt.attempt,
    kind,
    provider_message_id: null,
    is_held: false,
    error: kind === 'resend' ? null : { code: 'presumed_lost', provider: null },
    recipient: null,
    run_in_ms: null,
    send_within_s,
    resolution: {
      action: kind === 'resend' ? 'resend' : 'mark_failed',
      reason: null,
      decided_by: { policy, api_key_id: null, actor: null },
      at: ctx.now().toISOString(),
    },
  };
}
