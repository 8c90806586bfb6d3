/** Generated from migrations/ by `npm run generate`: do not edit. What a row of each table looks like. */

export interface AccountsRow {
  id: string;
  name: string;
  default_country: string;
  data_key: Buffer;
  created_at: Date;
  updated_at: Date;
  starts_per_second: number;
  starts_burst: number;
}

export interface ApiKeysRow {
  account_id: string;
  id: string;
  name: string;
  secret_hash: Buffer;
  scopes: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  created_at: Date;
  starts_per_second: number | null;
  starts_burst: number | null;
}

export interface AttemptsRow {
  account_id: string;
  message_id: string;
  number: number;
  fence: number;
  channel_id: string;
  contact_id: string;
  started_at: Date;
  finished_at: Date | null;
  outcome: string | null;
  error: unknown;
}

export interface AttendancesRow {
  account_id: string;
  id: string;
  contact_id: string;
  channel_id: string;
  team_id: string | null;
  origin: string;
  status: string;
  first_message_id: string | null;
  external_ref: string | null;
  metadata: unknown;
  started_by_api_key_id: string | null;
  actor: unknown;
  window_expires_at: Date | null;
  event_sequence: number;
  close_reason: string | null;
  closed_at: Date | null;
  created_at: Date;
  updated_at: Date;
  is_live: boolean | null;
  address_kind: string | null;
  address: string | null;
}

export interface ChannelsRow {
  account_id: string;
  id: string;
  name: string;
  type: string;
  provider: string;
  phone: string | null;
  base_url: string;
  credentials: Buffer;
  status: string;
  status_detail: string | null;
  default_team_id: string | null;
  verify_token: string;
  send_within_s: number;
  on_unknown: string;
  max_per_second: number;
  stuck_after_s: number;
  reopen_within_s: number;
  templates_synced_at: Date | null;
  created_at: Date;
  updated_at: Date;
  archived_at: Date | null;
  is_live: boolean | null;
  sync_due_at: Date | null;
  identity_scope: string | null;
}

export interface ContactIdentitiesRow {
  account_id: string;
  contact_id: string;
  kind: string;
  scope: string;
  value: string;
  source: string;
  first_seen_at: Date;
  last_seen_at: Date;
}

export interface ContactsRow {
  account_id: string;
  id: string;
  name: string | null;
  profile_name: string | null;
  phone: string | null;
  phone_key: string | null;
  phone_digits: string;
  email: string | null;
  external_ref: string | null;
  metadata: unknown;
  marketing_opted_out_at: Date | null;
  name_key: string | null;
  created_at: Date;
  updated_at: Date;
  erased_at: Date | null;
  is_live: boolean | null;
  merged_into: string | null;
  marketing_preference_at: Date | null;
}

export interface EventsRow {
  account_id: string;
  id: string;
  txid: string;
  position: number;
  type: string;
  attendance_id: string | null;
  attendance_sequence: number | null;
  contact_id: string | null;
  data: unknown;
  created_at: Date;
  message_id: string | null;
}

export interface IdempotencyKeysRow {
  account_id: string;
  key: string;
  fingerprint: Buffer;
  answer: Buffer | null;
  contact_id: string | null;
  created_at: Date;
}

export interface InboundBodiesRow {
  account_id: string;
  id: string;
  channel_id: string;
  body: Buffer;
  state: string;
  attempt: number;
  fence: number | null;
  run_at: Date;
  lease_until: Date | null;
  reason: string | null;
  received_at: Date;
}

export interface InboundItemsRow {
  account_id: string;
  body_id: string;
  place: number;
  channel_id: string;
  event: Buffer;
  kind: string;
  state: string;
  tries: number;
  fence: number | null;
  run_at: Date;
  lease_until: Date | null;
  reason: string;
  received_at: Date;
}

export interface MessagesRow {
  account_id: string;
  id: string;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  direction: string;
  type: string;
  text: string | null;
  template: unknown;
  media: unknown;
  payload: unknown;
  recipient_kind: string | null;
  recipient: string | null;
  state: string;
  attempt: number;
  fence: number | null;
  run_at: Date | null;
  lease_until: Date | null;
  send_before: Date | null;
  provider_message_id: string | null;
  error: unknown;
  accepted_at: Date | null;
  held_at: Date | null;
  sent_at: Date | null;
  delivered_at: Date | null;
  read_at: Date | null;
  failed_at: Date | null;
  created_at: Date;
  updated_at: Date;
  status: string;
  erased_at: Date | null;
  unknown_at: Date | null;
  resolutions: unknown;
  stuck_at: Date | null;
  also_sent_as: string[];
  forgotten_id: Buffer | null;
}

export interface RateBucketsRow {
  account_id: string;
  bucket: string;
  tokens: number;
  refilled_at: Date;
  lent: number;
  lent_before: number;
  lent_since: Date;
}

export interface SendersRow {
  account_id: string;
  channel_id: string;
  max_per_second: number;
  tokens: number;
  refilled_at: Date;
  next_at: Date;
  taken_at: Date;
}

export interface TeamChannelsRow {
  account_id: string;
  team_id: string;
  channel_id: string;
  is_live: boolean | null;
}

export interface TeamsRow {
  account_id: string;
  id: string;
  name: string;
  is_default: boolean;
  channel_scope: string;
  created_at: Date;
  updated_at: Date;
  archived_at: Date | null;
  is_live: boolean | null;
}

export interface TemplatesRow {
  account_id: string;
  id: string;
  channel_id: string;
  provider_template_id: string;
  name: string;
  language: string;
  category: string;
  status: string;
  parameter_format: string;
  components: unknown;
  synced_at: Date;
  created_at: Date;
  quality: string;
}

export interface WebhookAttemptsRow {
  account_id: string;
  delivery_id: string;
  number: number;
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  error: string | null;
  response: string | null;
}

export interface WebhookDeliveriesRow {
  account_id: string;
  id: string;
  endpoint_id: string;
  event_id: string;
  event_type: string;
  state: string;
  tries: number;
  attempted: number;
  run_at: Date;
  delivered_at: Date | null;
  failed_at: Date | null;
  created_at: Date;
  hides_answers: boolean;
}

export interface WebhookEndpointsRow {
  account_id: string;
  id: string;
  url: string;
  event_types: string[] | null;
  description: string | null;
  is_enabled: boolean;
  disabled_reason: string | null;
  secret: Buffer;
  previous_secret: Buffer | null;
  previous_secret_until: Date | null;
  read_txid: string;
  read_position: number;
  reads_from: Date;
  failures: number;
  failing_since: Date | null;
  paused_until: Date | null;
  fence: number | null;
  lease_until: Date | null;
  claimed_at: Date;
  created_at: Date;
  updated_at: Date;
  replayed_to_txid: string;
  replayed_to_position: number;
  replays_from: Date;
  reads_snapshot: string | null;
}

export interface Tables {
  accounts: AccountsRow;
  api_keys: ApiKeysRow;
  attempts: AttemptsRow;
  attendances: AttendancesRow;
  channels: ChannelsRow;
  contact_identities: ContactIdentitiesRow;
  contacts: ContactsRow;
  events: EventsRow;
  idempotency_keys: IdempotencyKeysRow;
  inbound_bodies: InboundBodiesRow;
  inbound_items: InboundItemsRow;
  messages: MessagesRow;
  rate_buckets: RateBucketsRow;
  senders: SendersRow;
  team_channels: TeamChannelsRow;
  teams: TeamsRow;
  templates: TemplatesRow;
  webhook_attempts: WebhookAttemptsRow;
  webhook_deliveries: WebhookDeliveriesRow;
  webhook_endpoints: WebhookEndpointsRow;
}

/** The same by name, for statements that must go on to mean the same when a migration adds a column. */
export const columns: { [Name in keyof Tables]: (keyof Tables[Name])[] } = {
  accounts: [
    'id',
    'name',
    'default_country',
    'data_key',
    'created_at',
    'updated_at',
    'starts_per_second',
    'starts_burst',
  ],
  api_keys: [
    'account_id',
    'id',
    'name',
    'secret_hash',
    'scopes',
    'expires_at',
    'revoked_at',
    'last_used_at',
    'created_at',
    'starts_per_second',
    'starts_burst',
  ],
  attempts: [
    'account_id',
    'message_id',
    'number',
    'fence',
    'channel_id',
    'contact_id',
    'started_at',
    'finished_at',
    'outcome',
    'error',
  ],
  attendances: [
    'account_id',
    'id',
    'contact_id',
    'channel_id',
    'team_id',
    'origin',
    'status',
    'first_message_id',
    'external_ref',
    'metadata',
    'started_by_api_key_id',
    'actor',
    'window_expires_at',
    'event_sequence',
    'close_reason',
    'closed_at',
    'created_at',
    'updated_at',
    'is_live',
    'address_kind',
    'address',
  ],
  channels: [
    'account_id',
    'id',
    'name',
    'type',
    'provider',
    'phone',
    'base_url',
    'credentials',
    'status',
    'status_detail',
    'default_team_id',
    'verify_token',
    'send_within_s',
    'on_unknown',
    'max_per_second',
    'stuck_after_s',
    'reopen_within_s',
    'templates_synced_at',
    'created_at',
    'updated_at',
    'archived_at',
    'is_live',
    'sync_due_at',
    'identity_scope',
  ],
  contact_identities: ['account_id', 'contact_id', 'kind', 'scope', 'value', 'source', 'first_seen_at', 'last_seen_at'],
  contacts: [
    'account_id',
    'id',
    'name',
    'profile_name',
    'phone',
    'phone_key',
    'phone_digits',
    'email',
    'external_ref',
    'metadata',
    'marketing_opted_out_at',
    'name_key',
    'created_at',
    'updated_at',
    'erased_at',
    'is_live',
    'merged_into',
    'marketing_preference_at',
  ],
  events: [
    'account_id',
    'id',
    'txid',
    'position',
    'type',
    'attendance_id',
    'attendance_sequence',
    'contact_id',
    'data',
    'created_at',
    'message_id',
  ],
  idempotency_keys: ['account_id', 'key', 'fingerprint', 'answer', 'contact_id', 'created_at'],
  inbound_bodies: [
    'account_id',
    'id',
    'channel_id',
    'body',
    'state',
    'attempt',
    'fence',
    'run_at',
    'lease_until',
    'reason',
    'received_at',
  ],
  inbound_items: [
    'account_id',
    'body_id',
    'place',
    'channel_id',
    'event',
    'kind',
    'state',
    'tries',
    'fence',
    'run_at',
    'lease_until',
    'reason',
    'received_at',
  ],
  messages: [
    'account_id',
    'id',
    'attendance_id',
    'contact_id',
    'channel_id',
    'direction',
    'type',
    'text',
    'template',
    'media',
    'payload',
    'recipient_kind',
    'recipient',
    'state',
    'attempt',
    'fence',
    'run_at',
    'lease_until',
    'send_before',
    'provider_message_id',
    'error',
    'accepted_at',
    'held_at',
    'sent_at',
    'delivered_at',
    'read_at',
    'failed_at',
    'created_at',
    'updated_at',
    'status',
    'erased_at',
    'unknown_at',
    'resolutions',
    'stuck_at',
    'also_sent_as',
    'forgotten_id',
  ],
  rate_buckets: ['account_id', 'bucket', 'tokens', 'refilled_at', 'lent', 'lent_before', 'lent_since'],
  senders: ['account_id', 'channel_id', 'max_per_second', 'tokens', 'refilled_at', 'next_at', 'taken_at'],
  team_channels: ['account_id', 'team_id', 'channel_id', 'is_live'],
  teams: [
    'account_id',
    'id',
    'name',
    'is_default',
    'channel_scope',
    'created_at',
    'updated_at',
    'archived_at',
    'is_live',
  ],
  templates: [
    'account_id',
    'id',
    'channel_id',
    'provider_template_id',
    'name',
    'language',
    'category',
    'status',
    'parameter_format',
    'components',
    'synced_at',
    'created_at',
    'quality',
  ],
  webhook_attempts: [
    'account_id',
    'delivery_id',
    'number',
    'started_at',
    'duration_ms',
    'status_code',
    'error',
    'response',
  ],
  webhook_deliveries: [
    'account_id',
    'id',
    'endpoint_id',
    'event_id',
    'event_type',
    'state',
    'tries',
    'attempted',
    'run_at',
    'delivered_at',
    'failed_at',
    'created_at',
    'hides_answers',
  ],
  webhook_endpoints: [
    'account_id',
    'id',
    'url',
    'event_types',
    'description',
    'is_enabled',
    'disabled_reason',
    'secret',
    'previous_secret',
    'previous_secret_until',
    'read_txid',
    'read_position',
    'reads_from',
    'failures',
    'failing_since',
    'paused_until',
    'fence',
    'lease_until',
    'claimed_at',
    'created_at',
    'updated_at',
    'replayed_to_txid',
    'replayed_to_position',
    'replays_from',
    'reads_snapshot',
  ],
};
