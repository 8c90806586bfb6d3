import type { InboundEvent, InboundStatus } from '../inbound.ts';
import { isObject, type Json, listAt, providerError, scrub, stringOf, timeOf } from '../wire.ts';
import { judgeGraphFault, type Verdict } from './error-table.ts';
import { describe, integerOf, provider_name } from './graph.ts';
import { type Change, ignored, isGroup } from './inbound-messages.ts';
import { personOf } from './inbound-people.ts';

/** One of `statuses`; a failure may tell of the channel, too. */
export function readStatus(status: unknown, change: Change): InboundEvent[] {
  if (!isObject(status)) return [ignored('no_content')];
  if (isGroup(status) || status.recipient_type === 'group') return [ignored('group')];
  const fact = factOf(status.status);
  if (fact === null) return [ignored(isForwarded(status.status) ? `status_${status.status}` : 'unknown_status')];
  const provider_message_id = stringOf(status.id);
  const correlator = stringOf(status.biz_opaque_callback_data);
  if (provider_message_id === null && correlator === null) return [ignored('incomplete')];
  const { recipient_id: phone, recipient_user_id: user_id } = status;
  const parent_user_id = status.recipient_parent_user_id || status.parent_recipient_user_id;
  const { identities } = personOf({ phone, user_id, parent_user_id }, change, 'statuses');
  const at = timeOf(status.timestamp) ?? change.at;
  const told = { kind: 'status', provider_message_id, correlator, fact, at, identities } as const;
  if (fact !== 'failed') return [{ ...told, error: null }];
  const { error, channel } = readFault(status, change, [stringOf(phone) ?? '']);
  return [{ ...told, error }, ...channelNews(channel, error.provider, at)];
}

/** `errors` beside the messages: Meta's word on the channel as a whole. */
export function readChannelFault(change: Change): InboundEvent[] {
  const { error, channel } = readFault(change.value, change, []);
  const news = channelNews(channel, error.provider, change.at);
  return news.length > 0 ? news : [ignored('provider_error')];
}

function factOf(status: unknown): InboundStatus['fact'] | null {
  switch (status) {
    case 'sent':
    case 'delivered':
    case 'read':
    case 'failed':
      return status;
    case 'played':
      return 'read';
    default:
      return null;
  }
}

/** What gateways in front of Cloud API add. */
function isForwarded(status: unknown): status is string {
  return status === 'deleted' || status === 'warning';
}

function readFault({ errors }: Json, { credentials }: Change, secrets: string[]) {
  const [fault = {}] = listAt({ errors }, 'errors').filter(isObject);
  const code = integerOf(fault.code);
  const verdict = judgeGraphFault({ code, subcode: null, is_transient: false, http_status: null });
  const message = scrub(describe(fault), [...Object.values(credentials), ...secrets]);
  const said = { code: code === null ? null : String(code), message: message || null };
  return { error: providerError(provider_name, verdict.code, said), channel: verdict.channel };
}

function channelNews(
  status: Verdict['channel'],
  { code, message }: { code: string | null; message: string | null },
  at: Date,
): InboundEvent[] {
  return status ? [{ kind: 'channel', at, news: { status, detail: `${code}: ${message ?? ''}` } }] : [];
}
