/** Generated from migrations/ by `npm run generate`: do not edit. What a row of each table looks like. */

export interface AccountsRow {
  id: string;
  name: string;
  default_country: string;
  data_key: Buffer;
  created_at: Date;
  updated_at: Date;
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
}

export interface IdempotencyKeysRow {
  account_id: string;
  key: string;
  fingerprint: Buffer;
  answer: Buffer;
  contact_id: string | null;
  created_at: Date;
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
}

export interface TeamsRow {
  account_id: string;
  id: string;
  name: string;
  is_default: boolean;
  channel_scope: string;
  created_at: Date;
  updated_at: Date;
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
  messages: MessagesRow;
  senders: SendersRow;
  team_channels: TeamChannelsRow;
  teams: TeamsRow;
  templates: TemplatesRow;
}
