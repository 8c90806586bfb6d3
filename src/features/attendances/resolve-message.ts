import { inTransaction, type Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import { findChannel } from '../channels/channels.repository.ts';
import type { OutcomeKind } from '../messages/dispatch.repository.ts';
import { findMessage } from '../messages/messages.repository.ts';
import { message_not_found } from '../references.ts';
import { attendance_not_open, getLocked } from './attendance-state.ts';
import { recordOutcomes } from './record-outcomes.ts';
import type { ResolveBody } from './verbs.schema.ts';

const message_not_unknown = defineProblem({
  code: 'message_not_unknown',
  status: 409,
  title: { en: 'The message is in no doubt', pt: 'A mensagem não está em dúvida' },
  detail: {
    en: 'It is {status}; only an `unknown` message can be resolved.',
    pt: 'Ela está {status}; só uma mensagem `unknown` pode ser resolvida.',
  },
  example: { pointer: ':message_id', params: { status: 'delivered' } },
});

export const resolve_problems = [message_not_found, message_not_unknown, attendance_not_open];

const kinds = {
  resend: 'resend',
  mark_sent: 'marked_sent',
  mark_failed: 'marked_failed',
} satisfies Record<ResolveBody['action'], OutcomeKind>;

/**
 * A person's decision on an `unknown` message, kept on it: `resend` queues it again (T6), the others settle it and send
 * nothing. Throws `resolve_problems`.
 */
export async function resolveMessage(
  scope: Scope,
  public_url: string,
  id: string,
  body: ResolveBody,
): Promise<MessagesRow> {
  return inTransaction(scope, async (trx) => {
    const found = await findMessage(trx, id);
    if (!found) throw message_not_found({ pointer: ':message_id', params: { id } });
    const attendance = await getLocked(trx, found.attendance_id);
    const { status } = attendance;
    if (body.action === 'resend' && status !== 'starting' && status !== 'open')
      throw attendance_not_open({ pointer: ':message_id', params: { status } });
    const written = [await toOutcome(trx, found, body)];
    const changed = await recordOutcomes(trx, public_url, { written, learned: [], channel_news: [] });
    const message = (await findMessage(trx, id)) ?? found;
    if (changed === 1) return message;
    throw message_not_unknown({ pointer: ':message_id', params: { status: message.status } });
  });
}

async function toOutcome(trx: Scope, message: MessagesRow, { action, reason, actor }: ResolveBody) {
  const channel = await findChannel(trx, message.channel_id);
  return {
    account_id: message.account_id,
    attendance_id: message.attendance_id,
    message_id: message.id,
    fence: null,
    attempt: message.attempt,
    kind: kinds[action],
    provider_message_id: null,
    is_held: false,
    error: action === 'mark_failed' ? { code: 'marked_failed', provider: null } : null,
    recipient: null,
    run_in_ms: null,
    send_within_s: channel?.send_within_s ?? 3_600,
    resolution: {
      action,
      reason: reason ?? null,
      decided_by: { policy: null, api_key_id: trx.api_key_id, actor: actor ?? null },
      at: trx.now().toISOString(),
    },
  };
}
