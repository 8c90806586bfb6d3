import type { QueryConfig } from 'pg';
import { v7 as uuid } from 'uuid';
import { bare_insert, bare_update, type FloorRows, rows_insert, rows_update } from './start-sql.ts';

/** A start as the floor knows it. */
export interface Started {
  account_id: string;
  contact_id: string;
  attendance_id: string;
  message_id: string;
  phone: string;
  name: string;
  channel_id: string;
  team_id: string;
  template: { name: string; language: string; parameters: Record<string, string> };
  key: string;
  fingerprint: Buffer;
}

/** The first statement of a start, for a plan that is kept under its name. */
export function toInsert(rows: FloorRows, started: Started): QueryConfig {
  const { contact_id, phone, name, attendance_id, channel_id, team_id, message_id, template } = started;
  const payload = JSON.stringify({ type: 'template', ...template });
  const values = [contact_id, phone, name, attendance_id, channel_id, team_id, message_id, payload];
  if (rows === 'bare') return { name: 'insert', text: bare_insert, values };
  const { account_id, key, fingerprint } = started;
  const attendance = JSON.stringify(tellAttendance(started, 'starting'));
  const answer = Buffer.from(attendance);
  const contact = JSON.stringify(tellContact(started));
  const more = [account_id, key, fingerprint, answer, phone.slice(1), uuid(), uuid(), contact, attendance, text];
  return { name: 'insert', text: rows_insert, values: [...values, ...more] };
}

/** The second, once the provider has taken it. */
export function toUpdate(rows: FloorRows, started: Started, provider_message_id: string): QueryConfig {
  const { message_id, account_id, attendance_id, contact_id, channel_id, phone } = started;
  const values = [message_id, provider_message_id];
  if (rows === 'bare') return { name: 'update', text: bare_update, values };
  const names = [account_id, attendance_id, contact_id, channel_id, `channel:${channel_id}`, phone.slice(1)];
  const message = JSON.stringify(tellMessage(started, provider_message_id));
  const attendance = JSON.stringify(tellAttendance(started, 'open'));
  return { name: 'update', text: rows_update, values: [...values, ...names, uuid(), uuid(), message, attendance] };
}

const text = 'Olá Ana, podemos retomar o seu atendimento sobre a troca? Estamos à disposição.\n\nLoja Exemplo';

/** What events and the kept answer tell, of the size of ours. */
function tellAttendance(started: Started, status: 'starting' | 'open') {
  const { attendance_id, contact_id, phone, name, channel_id, team_id, message_id } = started;
  const at = new Date().toISOString();
  return {
    id: attendance_id,
    status,
    origin: 'active',
    contact: { id: contact_id, name, phone },
    channel: { id: channel_id, name: 'Oficial', type: 'official' },
    team: { id: team_id, name: 'Comercial' },
    first_message: {
      id: message_id,
      type: 'template',
      status: status === 'open' ? 'accepted' : 'queued',
      text,
      error: null,
    },
    service_window: { status: 'not_started', expires_at: null },
    external_ref: null,
    metadata: {},
    started_by: { api_key_id: team_id, actor: null },
    created_at: at,
    updated_at: at,
    closed_at: null,
    close_reason: null,
  };
}

function tellContact({ contact_id, name, phone }: Started) {
  const at = new Date().toISOString();
  const identity = {
    kind: 'phone',
    scope: 'account',
    value: phone,
    source: 'user',
    first_seen_at: at,
    last_seen_at: at,
  };
  return { id: contact_id, name, profile_name: null, phone, email: null, metadata: {}, identities: [identity] };
}

function tellMessage(
  { message_id, attendance_id, contact_id, channel_id, phone }: Started,
  provider_message_id: string,
) {
  const at = new Date().toISOString();
  const attempt = { number: 1, started_at: at, finished_at: at, outcome: 'accepted', error: null };
  return {
    ...{ id: message_id, attendance_id, contact_id, channel_id, direction: 'outbound', type: 'template', text },
    ...{
      status: 'accepted',
      provider_message_id,
      recipient: phone,
      attempts: [attempt],
      created_at: at,
      updated_at: at,
    },
  };
}
