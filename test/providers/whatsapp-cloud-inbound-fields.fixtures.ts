import type { InboundCase } from '../support/provider-fixtures.ts';
import { at, bodyOf, contact, from, identities, metadata, seconds, waba_id } from './whatsapp-cloud-inbound.bodies.ts';

type Json = Record<string, unknown>;

const ids = {
  message_template_id: 1_627_019_861_106_475,
  message_template_name: 'pedido_pronto',
  message_template_language: 'pt-BR',
};
const known = {
  kind: 'template' as const,
  provider_template_id: '1627019861106475',
  name: 'pedido_pronto',
  language: 'pt_BR',
  at,
};

function template(title: string, field: string, value: Json, expected: Json): InboundCase {
  return { title, body: bodyOf(field, { ...ids, ...value }), expected: [{ ...known, ...expected }] };
}

function statusOf(event: string, status: string | null, needs_sync = false): InboundCase {
  const value = { event, message_template_category: 'UTILITY', reason: 'NONE', other_info: { title: 'FIRST_PAUSE' } };
  const expected = { status, category: 'utility', needs_sync };
  return template(`a template ${event}`, 'message_template_status_update', value, expected);
}

function account(title: string, value: Json, news: Json): InboundCase {
  return { title, body: bodyOf('account_update', value), expected: [{ kind: 'channel', at, news }] };
}

function idle(field: string, value: Json, reason = field): InboundCase {
  return { title: `${field} is of no use here`, body: bodyOf(field, value), expected: [{ kind: 'ignored', reason }] };
}

function preference(
  value: string,
  expected: InboundCase['expected'][number],
  category = 'marketing_messages',
): InboundCase {
  const told = {
    wa_id: '553188880001',
    user_id: 'BR.1A2B3C',
    detail: '…',
    category,
    value,
    timestamp: Number(seconds),
  };
  const body = bodyOf('user_preferences', { metadata, contacts: [contact], user_preferences: [told] });
  return { title: `${category} ${value}`, body, expected: [expected] };
}

const template_cases: InboundCase[] = [
  statusOf('APPROVED', 'approved'),
  statusOf('REJECTED', 'rejected'),
  statusOf('PAUSED', 'paused'),
  statusOf('DISABLED', 'disabled'),
  statusOf('PENDING_DELETION', 'deleted'),
  statusOf('FLAGGED', 'approved'),
  statusOf('REINSTATED', 'approved'),
  statusOf('SLEEPING', null, true),
  {
    title: 'a template LOCKED against changes',
    body: bodyOf('message_template_status_update', { ...ids, event: 'LOCKED' }),
    expected: [{ kind: 'ignored', reason: 'template_locked' }],
  },
  template(
    'a category to be changed: the present one counts',
    'template_category_update',
    { correct_category: 'MARKETING', new_category: 'UTILITY', category_update_timestamp: seconds },
    { status: null, category: 'utility', needs_sync: false },
  ),
  template(
    'a category that was changed',
    'template_category_update',
    { previous_category: 'UTILITY', new_category: 'MARKETING' },
    { status: null, category: 'marketing', needs_sync: false },
  ),
  template(
    'components that were changed',
    'message_template_components_update',
    { message_template_element: 'Olá {{1}}', message_template_title: 'Oi', message_template_buttons: [] },
    { status: null, category: null, needs_sync: true },
  ),
  ...['message_template_quality_update', 'message_template_status_update'].map((field) =>
    template(
      `a quality, in the field ${field}`,
      field,
      { previous_quality_score: 'GREEN', new_quality_score: 'YELLOW' },
      { status: null, category: null, quality: 'yellow', needs_sync: false },
    ),
  ),
  template(
    'a quality that is not known',
    'message_template_quality_update',
    { previous_quality_score: 'GREEN', new_quality_score: 'UNKNOWN' },
    { status: null, category: null, quality: 'unknown', needs_sync: false },
  ),
  template(
    'an id that a number cannot hold: name and language tell',
    'message_template_status_update',
    { event: 'APPROVED', message_template_id: 2 ** 60 },
    { provider_template_id: null, status: 'approved' },
  ),
];

const account_cases: InboundCase[] = [
  account('deleted', { event: 'ACCOUNT_DELETED' }, { status: 'disconnected', detail: 'ACCOUNT_DELETED' }),
  account('offboarded', { event: 'ACCOUNT_OFFBOARDED' }, { status: 'disconnected' }),
  account('reconnected', { event: 'ACCOUNT_RECONNECTED' }, { status: 'connected', detail: null }),
  account(
    'restricted in starting conversations',
    {
      event: 'ACCOUNT_RESTRICTION',
      restriction_info: [{ restriction_type: 'RESTRICTED_BIZ_INITIATED_MESSAGING', expiration: 1_790_086_400 }],
    },
    {
      status: 'restricted',
      detail: 'ACCOUNT_RESTRICTION: RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-09-22T14:13:20.000Z',
    },
  ),
  account(
    'banned',
    { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE', waba_ban_date: 'November 22, 2026' } },
    { status: 'restricted', detail: 'DISABLED_UPDATE: DISABLE' },
  ),
  account(
    'reinstated',
    { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'REINSTATE' } },
    { status: 'connected', detail: null },
  ),
  {
    title: 'the partner was removed: the entry is a business, the account stands in waba_info',
    body: {
      object: 'whatsapp_business_account',
      entry: [
        {
          id: '300000000000003',
          time: 1_790_000_000,
          changes: [
            {
              field: 'account_update',
              value: {
                event: 'PARTNER_REMOVED',
                waba_info: { waba_id, owner_business_id: '300000000000003' },
                disconnection_info: { reason: 'PRIMARY_INACTIVITY', initiated_by: 'SYSTEM' },
              },
            },
          ],
        },
      ],
    },
    expected: [
      { kind: 'channel', at, news: { status: 'disconnected', detail: 'PARTNER_REMOVED: PRIMARY_INACTIVITY' } },
    ],
  },
  ...[
    { event: 'ACCOUNT_RESTRICTION', restriction_info: [{ restriction_type: 'RESTRICTED_ADD_PHONE_NUMBER_ACTION' }] },
    { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'SCHEDULE_FOR_DISABLE' } },
    { event: 'ACCOUNT_VIOLATION', violation_info: { violation_type: 'ADULT' } },
    { event: 'VOLUME_BASED_PRICING_TIER_UPDATE' },
  ].map(
    (value): InboundCase => ({
      title: `${value.event} that changes nothing for sending`,
      body: bodyOf('account_update', value),
      expected: [{ kind: 'ignored', reason: 'account_notice' }],
    }),
  ),
  {
    title: 'the account of somebody else',
    body: {
      object: 'whatsapp_business_account',
      entry: [{ id: '8', changes: [{ field: 'account_update', value: { event: 'ACCOUNT_DELETED' } }] }],
    },
    expected: [{ kind: 'ignored', reason: 'other_number' }],
  },
];

const past_message = {
  from: '553188880001',
  id: 'wamid.H1',
  timestamp: seconds,
  type: 'text',
  text: { body: 'antes' },
};

export const field_cases: InboundCase[] = [
  preference('stop', { kind: 'opt_out', at, person: from, opted_out: true }),
  preference('resume', { kind: 'opt_out', at, person: { ...from, identities }, opted_out: false }),
  preference('signup', { kind: 'ignored', reason: 'marketing_signup' }),
  preference('stop', { kind: 'ignored', reason: 'unknown_category' }, 'tax_messages'),
  ...template_cases,
  ...account_cases,
  idle('history', {
    metadata,
    history: [
      {
        metadata: { phase: 0, chunk_order: 1, progress: 55 },
        threads: [{ id: '553188880001', messages: [past_message] }],
      },
    ],
  }),
  idle('calls', { metadata, calls: [{ id: 'wacid.1', from: '553188880001', event: 'connect', timestamp: seconds }] }),
  idle('smb_app_state_sync', {
    metadata,
    state_sync: [{ type: 'contact', contact: { full_name: 'Ana', phone_number: '5531988880001' }, action: 'add' }],
  }),
  idle('standby', { metadata, messages: [past_message] }),
  idle('phone_number_quality_update', {
    display_phone_number: '5531988880000',
    event: 'FLAGGED',
    current_limit: 'TIER_250',
  }),
  idle('phone_number_name_update', { display_phone_number: '5531988880000', decision: 'APPROVED' }),
  idle('business_capability_update', { max_daily_conversations_per_business: 2_000 }),
  idle('account_alerts', { alert_type: 'OBA_APPROVED' }),
  idle('account_review_update', { decision: 'APPROVED' }),
  idle('security', { event: 'PIN_CHANGED' }),
  idle('payment_configuration_update', { configuration_name: 'x' }),
  idle('partner_solutions', { event: 'SOLUTION_CREATED' }),
  idle('business_username_update', { username: 'loja' }),
  idle('flows', { event: 'FLOW_STATUS_CHANGE' }),
  idle('group_lifecycle_update', { metadata, groups: [{ group_id: 'g' }] }),
  idle('automatic_events', { metadata, automatic_events: [{ id: '1' }] }),
  idle('tracking_events', { metadata, events: [] }),
  idle('a_field_of_tomorrow', { x: 1 }, 'unknown_field'),
];
