import type { Context, Vault } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { retryDelay } from '../../lanes/retry-delay.ts';
import type {
  Address,
  ChannelNews,
  NumberCheck,
  Provider,
  ProviderCall,
  SendOutcome,
} from '../../providers/provider.ts';
import { type Outside, toProviderCall } from '../channels/provider-call.ts';
import type { ClaimedMessage } from './claim.repository.ts';
import { createCorrelator } from './correlator.ts';
import type { WrittenOutcome } from './dispatch.repository.ts';

/** The time that reading a channel's templates again is given. */
const resync_ms = 10_000;

/** A claimed message with what sending it takes. `lease_ends_at` is on this process's monotonic clock, milliseconds. */
export interface DispatchItem {
  message: ClaimedMessage;
  channel: ChannelsRow;
  vault: Vault;
  lease_ends_at: number;
  /** It would open a chat, which its channel may not do now. */
  is_barred: boolean;
}

/** What came of it: what is written on the message, and what else was learned. */
export interface DispatchOutcome {
  written: WrittenOutcome;
  /** Names the provider has for the contact. */
  identities: Address[];
  channel_news: ChannelNews | null;
  /** The provider's template is another than ours: the channel's are to be read again. */
  wants_sync: boolean;
  duration_ms: number;
}

/**
 * Sends one claimed message: checks the number once where the provider can, then hands the message over. It sends only
 * while the lease leaves more than 1.2 × the send timeout: a process that was frozen wakes up here and stops. Nor does it begin to
 * send once the process stops, which would cut it off.
 */
export async function dispatchMessage(
  ctx: Context,
  outside: Outside,
  item: DispatchItem,
  isStopping: () => boolean = () => false,
): Promise<DispatchOutcome> {
  const started_at = performance.now();
  const { message, channel, vault } = item;
  const { provider, call } = toProviderCall({ vault, signal: ctx.signal }, outside, channel);
  const hasTime = () => !isStopping() && item.lease_ends_at - performance.now() > 1.2 * outside.send_timeout_ms;
  const finish = (outcome: Pick<DispatchOutcome, 'written'> & Partial<DispatchOutcome>): DispatchOutcome => ({
    identities: [],
    channel_news: null,
    wants_sync: false,
    ...outcome,
    duration_ms: Math.round(performance.now() - started_at),
  });
  // Each such send makes WhatsApp's lock worse: it is not tried.
  if (item.is_barred) return finish({ written: written(message, 'refused', { error: barred, is_unsent: true }) });
  if (!hasTime()) return finish({ written: written(message, 'given_back') });
  const checked = await checkNumberOnce(provider, call, message);
  if (checked.kind !== 'exists') return finish(fromCheck(message, checked));
  const recipient = checked.address;
  const { identities } = checked;
  if (!hasTime()) return finish({ written: written(message, 'given_back', { recipient }), identities });
  const correlator = createCorrelator(vault, message.id, message.attempt);
  const sent = await provider.send(call, { to: recipient, content: message.payload, correlator });
  return finish({
    written: { ...fromSend(message, sent), recipient },
    identities: [...identities, ...(sent.kind === 'accepted' ? sent.identities : [])],
    channel_news: sent.channel ?? null,
    wants_sync: sent.kind === 'refused' && (sent.suspects_template === true || sent.wants_sync === true),
  });
}

const barred = { code: 'channel_restricted_for_new_chats' as const, provider: null };

/** A phone is asked about once, before its first message; an address that the provider gave is used as it is. */
async function checkNumberOnce(provider: Provider, call: ProviderCall, message: ClaimedMessage): Promise<NumberCheck> {
  const address: Address = { kind: message.recipient_kind, value: message.recipient };
  if (address.kind !== 'phone' || !provider.checkNumber) return { kind: 'exists', address, identities: [] };
  return provider.checkNumber(call, address.value);
}

function fromCheck(
  message: ClaimedMessage,
  check: Exclude<NumberCheck, { kind: 'exists' }>,
): Pick<DispatchOutcome, 'written' | 'channel_news'> {
  if (check.kind === 'absent')
    return { written: written(message, 'refused', { error: check.error }), channel_news: null };
  const run_in_ms = retryDelay(message.attempt, check.retry_after_ms);
  return {
    written: written(message, 'unavailable', { error: check.error, run_in_ms }),
    channel_news: check.channel ?? null,
  };
}

function fromSend(message: ClaimedMessage, sent: SendOutcome): WrittenOutcome {
  switch (sent.kind) {
    case 'accepted':
      return written(message, 'accepted', { provider_message_id: sent.provider_message_id, is_held: sent.held });
    case 'refused':
      // Once more, after the templates were read again: then it is known whose fault it is.
      if (sent.suspects_template && message.attempt === 1)
        return written(message, 'unavailable', { error: sent.error, run_in_ms: resync_ms });
      return written(message, 'refused', { error: sent.error });
    case 'unavailable':
      return written(message, 'unavailable', {
        error: sent.error,
        run_in_ms: retryDelay(message.attempt, sent.retry_after_ms),
        ...(sent.most_tries ? { most_tries: sent.most_tries } : {}),
      });
    case 'ambiguous':
      return written(message, 'ambiguous', {
        error: sent.error,
        provider_message_id: sent.provider_message_id ?? null,
      });
  }
}

function written(
  message: ClaimedMessage,
  kind: WrittenOutcome['kind'],
  facts: Partial<WrittenOutcome> = {},
): WrittenOutcome {
  return {
    account_id: message.account_id,
    attendance_id: message.attendance_id,
    message_id: message.id,
    fence: message.fence,
    attempt: message.attempt,
    kind,
    provider_message_id: null,
    is_held: false,
    error: null,
    recipient: null,
    run_in_ms: null,
    ...facts,
  };
}
