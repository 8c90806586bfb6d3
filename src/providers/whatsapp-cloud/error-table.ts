import type { ChannelStatus, ProviderErrorCode } from '../provider.ts';

/** What one of Meta's error codes means for us. `retry_after_ms` null: the caller's own growing delay. `most_tries`: as in `SendOutcome`. */
export type Verdict =
  | { kind: 'refused'; code: ProviderErrorCode; channel?: ChannelStatus }
  | {
      kind: 'unavailable';
      code: ProviderErrorCode;
      retry_after_ms: number | null;
      most_tries?: number;
      channel?: ChannelStatus;
    };

export interface GraphFault {
  code: number | null;
  subcode: number | null;
  is_transient: boolean;
  /** Null for an error that came in a status webhook. */
  http_status: number | null;
}

const minute_ms = 60_000;
const hour_ms = 3_600_000;

const table = new Map<number, Verdict>([
  // Credentials, permissions, the number itself.
  [0, refused('channel_credentials_invalid', 'disconnected')],
  [190, refused('channel_credentials_invalid', 'disconnected')],
  // 3 comes with HTTP 500, yet never heals by itself.
  [3, refused('channel_permission_missing')],
  [10, refused('channel_permission_missing')],
  [131005, refused('channel_permission_missing')],
  [33, refused('channel_not_found_at_provider', 'disconnected')],
  [803, refused('channel_not_found_at_provider', 'disconnected')],
  [131045, refused('channel_not_registered', 'disconnected')],
  [133000, refused('channel_not_registered', 'disconnected')],
  [133005, refused('channel_not_registered', 'disconnected')],
  [133006, refused('channel_not_registered', 'disconnected')],
  [133008, refused('channel_not_registered', 'disconnected')],
  [133009, refused('channel_not_registered', 'disconnected')],
  [133010, refused('channel_not_registered', 'disconnected')],
  [133015, unavailable('channel_not_registered', 5 * minute_ms, 'disconnected')],
  [133016, refused('channel_not_registered', 'disconnected')],
  [131037, refused('channel_name_not_approved')],
  [368, refused('channel_blocked', 'restricted')],
  [131031, refused('channel_blocked', 'restricted')],
  [131042, refused('payment_required')],
  [131044, refused('payment_required')],
  [134011, refused('payment_required')],
  // Pace. 131048 asks for hours and for someone to look.
  [4, unavailable('provider_rate_limited', minute_ms)],
  [613, unavailable('provider_rate_limited', minute_ms)],
  [80007, unavailable('provider_rate_limited', minute_ms)],
  [130429, unavailable('provider_rate_limited', 1_000)],
  [131056, unavailable('recipient_rate_limited', 6_000)],
  [131048, unavailable('channel_spam_limited', hour_ms, 'restricted')],
  [131064, refused('channel_messaging_limit_reached')],
  [132069, unavailable('provider_rate_limited', hour_ms)],
  // Meta's own faults; 1 and 131000 are also said of what it will never take: so often, and over some minutes.
  [1, { ...unavailable('provider_unavailable', 30_000), most_tries: 2 }],
  [2, unavailable('provider_unavailable', null)],
  [131000, { ...unavailable('provider_unavailable', 30_000), most_tries: 5 }],
  [131016, unavailable('provider_unavailable', null)],
  [131057, unavailable('provider_unavailable', 10_000)],
  [133004, unavailable('provider_unavailable', null)],
  [134102, unavailable('provider_unavailable', null)],
  [2494100, unavailable('provider_unavailable', minute_ms)],
  // The recipient.
  [130403, refused('recipient_blocked')],
  [130472, refused('recipient_in_experiment')],
  [130497, refused('recipient_country_restricted')],
  [131021, refused('recipient_is_sender')],
  [131026, refused('recipient_undeliverable')],
  [131030, refused('recipient_not_on_test_list')],
  [131047, refused('service_window_closed')],
  [131049, refused('marketing_limit_reached')],
  [131050, refused('recipient_opted_out')],
  [131062, refused('recipient_phone_required')],
  [137000, refused('recipient_identity_changed')],
  // The message.
  [100, refused('message_invalid')],
  [131008, refused('message_invalid')],
  [131009, refused('message_invalid')],
  [131020, refused('message_invalid')],
  [131036, refused('message_invalid')],
  [131051, refused('message_invalid')],
  [135000, refused('message_invalid')],
  [131052, refused('media_unusable')],
  [131053, refused('media_unusable')],
  // The template.
  [132000, refused('template_parameters_rejected')],
  [132005, refused('template_parameters_rejected')],
  [132008, refused('template_parameters_rejected')],
  [132012, refused('template_parameters_rejected')],
  [132018, refused('template_parameters_rejected')],
  [132001, refused('template_not_found')],
  [132007, refused('content_not_allowed')],
  [132015, refused('template_paused')],
  [132016, refused('template_disabled')],
  [132068, refused('template_disabled')],
  [131055, refused('template_wrong_route')],
  [131061, refused('template_wrong_route')],
  [131063, refused('template_wrong_route')],
  [134100, refused('template_wrong_route')],
  [134101, unavailable('template_syncing', minute_ms)],
]);

/**
 * Judges an error of Meta's, whether it came in an answer or in a status webhook.
 * A code that is not in the table is retried a few times when Meta calls it transient or answered 5xx, and is final otherwise.
 */
export function judgeGraphFault({ code, subcode, is_transient, http_status }: GraphFault): Verdict {
  // 100 with subcode 33: the object is gone, not the parameter wrong.
  if (code === 100 && subcode === 33) return refused('channel_not_found_at_provider', 'disconnected');
  const known = code === null ? undefined : table.get(code);
  if (known) return known;
  if (code !== null && code >= 200 && code <= 299) return refused('channel_permission_missing');
  if (is_transient || (http_status !== null && http_status >= 500))
    return { ...unavailable('provider_unavailable', 30_000), most_tries: 5 };
  return refused('provider_refused');
}

function refused(code: ProviderErrorCode, channel?: ChannelStatus): Verdict {
  return { kind: 'refused', code, ...(channel ? { channel } : {}) };
}

function unavailable(
  code: ProviderErrorCode,
  retry_after_ms: number | null,
  channel?: ChannelStatus,
): Extract<Verdict, { kind: 'unavailable' }> {
  return { kind: 'unavailable', code, retry_after_ms, ...(channel ? { channel } : {}) };
}
