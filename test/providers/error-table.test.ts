import t from 'tap';
import { type ProviderErrorCode, provider_errors } from '../../src/providers/provider.ts';
import { type GraphFault, judgeGraphFault } from '../../src/providers/whatsapp-cloud/error-table.ts';

const judge = (code: number | null, more: Partial<GraphFault> = {}) =>
  judgeGraphFault({ code, subcode: null, is_transient: false, http_status: 400, ...more });

/** Final refusals, by our code. */
const refused: Partial<Record<ProviderErrorCode, number[]>> = {
  channel_credentials_invalid: [0, 190],
  channel_permission_missing: [3, 10, 200, 250, 299, 131005],
  channel_not_found_at_provider: [33, 803],
  channel_not_registered: [131045, 133000, 133005, 133006, 133008, 133009, 133010, 133016],
  channel_name_not_approved: [131037],
  channel_blocked: [368, 131031],
  channel_messaging_limit_reached: [131064],
  payment_required: [131042, 131044, 134011],
  recipient_blocked: [130403],
  recipient_in_experiment: [130472],
  recipient_country_restricted: [130497],
  recipient_is_sender: [131021],
  recipient_undeliverable: [131026],
  recipient_not_on_test_list: [131030],
  service_window_closed: [131047],
  marketing_limit_reached: [131049],
  recipient_opted_out: [131050],
  recipient_phone_required: [131062],
  recipient_identity_changed: [137000],
  message_invalid: [100, 131008, 131009, 131020, 131036, 131051, 135000],
  media_unusable: [131052, 131053],
  template_parameters_rejected: [132000, 132005, 132008, 132012, 132018],
  template_not_found: [132001],
  content_not_allowed: [132007],
  template_paused: [132015],
  template_disabled: [132016, 132068],
  template_wrong_route: [131055, 131061, 131063, 134100],
};

/** Refused for now: our code and the least delay in ms, null where the caller's own growing delay is right. */
const unavailable: [number, ProviderErrorCode, number | null][] = [
  [1, 'provider_unavailable', 30_000],
  [2, 'provider_unavailable', null],
  [131000, 'provider_unavailable', 30_000],
  [131016, 'provider_unavailable', null],
  [133004, 'provider_unavailable', null],
  [134102, 'provider_unavailable', null],
  [131057, 'provider_unavailable', 10_000],
  [2494100, 'provider_unavailable', 60_000],
  [4, 'provider_rate_limited', 60_000],
  [613, 'provider_rate_limited', 60_000],
  [80007, 'provider_rate_limited', 60_000],
  [130429, 'provider_rate_limited', 1_000],
  [132069, 'provider_rate_limited', 3_600_000],
  [131056, 'recipient_rate_limited', 6_000],
  [131048, 'channel_spam_limited', 3_600_000],
  [133015, 'channel_not_registered', 300_000],
  [134101, 'template_syncing', 60_000],
];

t.test('codes that are also said of what is never taken: so many tries', async (t) => {
  t.match(judge(1), { kind: 'unavailable', most_tries: 2 });
  t.match(judge(131000), { kind: 'unavailable', most_tries: 5, retry_after_ms: 30_000 });
  t.notOk('most_tries' in judge(131016));
});

t.test('known codes › refused for good', async (t) => {
  for (const [code, numbers] of Object.entries(refused)) {
    for (const number of numbers) t.match(judge(number), { kind: 'refused', code }, `${number}: ${code}`);
  }
});

t.test('known codes › stay final with a 5xx and with is_transient', async (t) => {
  t.match(judge(3, { http_status: 500 }), { kind: 'refused' });
  t.match(judge(131045, { http_status: 500, is_transient: true }), { kind: 'refused' });
});

t.test('known codes › refused for now, with the advised delay', async (t) => {
  for (const [number, code, retry_after_ms] of unavailable) {
    t.match(judge(number), { kind: 'unavailable', code, retry_after_ms }, `${number}: ${code}`);
  }
});

t.test('known codes › what they tell of the channel', async (t) => {
  for (const number of [0, 190, 33, 803, 131045, 133010]) t.equal(judge(number).channel, 'disconnected', `${number}`);
  for (const number of [368, 131031, 131048]) t.equal(judge(number).channel, 'restricted', `${number}`);
  for (const number of [100, 130429, 131026, 131042, 131056, 132001])
    t.equal(judge(number).channel, undefined, `${number}`);
});

t.test('100 › with subcode 33 the object is gone', async (t) => {
  t.match(judge(100, { subcode: 33 }), {
    kind: 'refused',
    code: 'channel_not_found_at_provider',
    channel: 'disconnected',
  });
  t.match(judge(100, { subcode: 2494073 }), { kind: 'refused', code: 'message_invalid' });
});

t.test('unknown codes › retried when transient or 5xx, final otherwise', async (t) => {
  t.match(judge(999_999), { kind: 'refused', code: 'provider_refused' });
  t.match(judge(300), { kind: 'refused', code: 'provider_refused' }, 'right after the permissions');
  t.match(judge(999_999, { is_transient: true }), {
    kind: 'unavailable',
    code: 'provider_unavailable',
    retry_after_ms: 30_000,
    most_tries: 5,
  });
  t.match(judge(999_999, { http_status: 503 }), { kind: 'unavailable', code: 'provider_unavailable' });
  t.match(judge(999_999, { http_status: null }), { kind: 'refused' }, 'from a webhook');
  t.match(judge(null, { http_status: null }), { kind: 'refused', code: 'provider_refused' });
});

t.test('every code › speaks English and Portuguese, differently', async (t) => {
  for (const [code, { detail }] of Object.entries(provider_errors)) {
    t.ok(detail.en.endsWith('.') && detail.pt.endsWith('.') && detail.en !== detail.pt, code);
  }
});
