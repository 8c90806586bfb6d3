import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { isDatabaseUnavailable } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { Finished, LaneWork } from '../../lanes/lane.ts';
import type { Wake } from '../../lanes/wake.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { askForSync, listChannelsOf } from '../channels/channels.repository.ts';
import { identityScopeOf } from '../channels/identity-scope.ts';
import type { Outside } from '../channels/provider-call.ts';
import { type ClaimedMessage, claimMessages } from '../messages/claim.repository.ts';
import { type DispatchItem, type DispatchOutcome, dispatchMessage } from '../messages/dispatch-message.ts';
import { listFirstOut } from '../messages/unanswered.repository.ts';
import { settled_topic } from '../messages/wait-for-message.ts';
import { listUnanswered } from './attendances.repository.ts';
import { recordOutcomes } from './record-outcomes.ts';
import { sweepDoubts } from './sweep-doubts.ts';
import { sweepMessages } from './sweep-messages.ts';

/** Calls the lane: after a start queued a message. */
export const dispatch_topic = 'dispatch';

const reload_ms = 200;

export interface DispatchDependencies {
  outside: Outside;
  vaults: Vaults;
  wake: Wake;
  lease_ms: number;
  public_url: string;
  /** Told how many messages the sweep found, after they are written. */
  onSwept?: (found: { lost: number; too_late: number }) => void;
}

/** The lane that sends queued messages: T2 claims, the provider is called, T3 is written; T4 and T8 are its sweep. */
export function dispatchWork(deps: DispatchDependencies): LaneWork<DispatchItem, DispatchOutcome> {
  return {
    name: dispatch_topic,
    claim: (ctx, free) => claimItems(ctx, deps, free),
    run: async (ctx, item, isStopping) => {
      const outcome = await dispatchMessage(ctx, deps.outside, item, isStopping);
      logDispatch(ctx, item, outcome);
      return outcome;
    },
    finish: async (ctx, finished) => {
      await recordOutcomes(ctx, deps.public_url, toOutcomes(ctx, finished));
      for (const { item, outcome } of finished)
        if (outcome.wants_sync)
          await askForSync({ ...ctx, account_id: item.message.account_id }, item.message.channel_id);
      deps.wake.call(settled_topic);
    },
    accountOf: ({ message }) => message.account_id,
    sweep: async (ctx) => {
      const { lost, too_late, changed } = await sweepMessages(ctx, deps.public_url);
      if (changed > 0) deps.onSwept?.({ lost, too_late });
      if (changed > 0) deps.wake.call(settled_topic);
      // T6, T7.
      if ((await sweepDoubts(ctx, deps.public_url)) === 0) return;
      deps.wake.call(dispatch_topic);
      deps.wake.call(settled_topic);
    },
  };
}

async function claimItems(
  ctx: Context,
  { vaults, lease_ms }: DispatchDependencies,
  free: number,
): Promise<{ items: DispatchItem[]; again_in_ms: number | null }> {
  // Before the statement: the database's lease can only be longer than ours.
  const lease_ends_at = performance.now() + lease_ms;
  const { claimed, again_in_ms } = await claimMessages(ctx, free, lease_ms);
  if (claimed.length === 0) return { items: [], again_in_ms };
  const account_ids = claimed.map((message) => message.account_id);
  const load = () => Promise.all([listChannelsOf(ctx, claimed), vaults.openAll(ctx, account_ids)]);
  const [channels, opened] = await loadWhileLeased(ctx, load, lease_ends_at);
  const by_id = new Map(channels.map((channel) => [channel.id, channel]));
  const barred = await loadWhileLeased(ctx, () => listBarred(ctx, claimed, by_id), lease_ends_at);
  const items = claimed.flatMap((message): DispatchItem[] => {
    const channel = by_id.get(message.channel_id);
    const vault = opened.get(message.account_id);
    // An account deleted this instant, its messages gone with it; or a vault that does not open: left to its lease.
    return channel && vault ? [{ message, channel, vault, lease_ends_at, is_barred: barred.has(message.id) }] : [];
  });
  return { items, again_in_ms };
}

/**
 * Of these messages those that would open a chat over gateways that WhatsApp lets open none: the contact has not written, nor did a
 * message go out before.
 */
async function listBarred(
  ctx: Context,
  claimed: ClaimedMessage[],
  channels: Map<string, Pick<ChannelsRow, 'type' | 'status'>>,
): Promise<Set<string>> {
  const locked = claimed.filter(({ channel_id }) => {
    const channel = channels.get(channel_id);
    return channel?.type === 'unofficial' && channel.status === 'restricted';
  });
  const unanswered = await listUnanswered(ctx, locked);
  return listFirstOut(
    ctx,
    locked.filter(({ id }) => unanswered.has(id)),
  );
}

/** What was claimed and cannot be loaded ends as a doubt, so a database that went away in between is waited for. */
async function loadWhileLeased<T>(ctx: Context, load: () => Promise<T>, lease_ends_at: number): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (!isDatabaseUnavailable(error) || performance.now() > lease_ends_at) throw error;
      await delay(reload_ms, undefined, { signal: ctx.signal });
    }
  }
}

/** One line per attempt; the recipient as its last four digits. */
function logDispatch(
  ctx: Context,
  { message, channel }: DispatchItem,
  { written, duration_ms }: DispatchOutcome,
): void {
  ctx.log.info(
    {
      account_id: message.account_id,
      message_id: message.id,
      attendance_id: message.attendance_id,
      channel_id: message.channel_id,
      provider: channel.provider,
      attempt: message.attempt,
      outcome: written.kind,
      error_code: written.error?.code,
      provider_code: written.error?.provider?.code,
      provider_trace_id: written.error?.provider?.trace_id,
      recipient: message.recipient.replace(/@.*$/, '').slice(-4),
      duration_ms,
    },
    'message.dispatched',
  );
}

function toOutcomes(ctx: Context, finished: Finished<DispatchItem, DispatchOutcome>[]) {
  const at = ctx.now();
  return {
    written: finished.map(({ item, outcome }) => ({ ...outcome.written, stuck_after_s: item.channel.stuck_after_s })),
    learned: finished.flatMap(({ item, outcome }) =>
      outcome.identities.map(({ kind, value }) => ({
        account_id: item.message.account_id,
        contact_id: item.message.contact_id,
        kind,
        scope: identityScopeOf(item.channel, kind),
        value,
        source: item.channel.provider,
        at,
      })),
    ),
    channel_news: finished.flatMap(({ item, outcome }) =>
      outcome.channel_news
        ? [
            {
              account_id: item.message.account_id,
              channel_id: item.message.channel_id,
              asked_with: { credentials: item.channel.credentials, base_url: item.channel.base_url },
              ...outcome.channel_news,
            },
          ]
        : [],
    ),
  };
}
