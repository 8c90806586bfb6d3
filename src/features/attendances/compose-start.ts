import type { Scope } from '../../context.ts';
import type { Address } from '../../providers/provider.ts';
import { uuid } from '../../random.ts';
import { toContact } from '../contacts/contacts.repository.ts';
import { phoneSearchText } from '../contacts/phone-number.ts';
import type { NewEvent } from '../events/events.schema.ts';
import type { AttendanceView, StartedAttendanceView } from './attendances.schema.ts';
import type { CheckedStart } from './check-start.ts';
import type { NewAttendance, NewContact, NewMessage, StartWrite } from './start.repository.ts';
import type { StartedAnswer, StartPlan } from './start-attendance.ts';

/**
 * Everything a start writes and answers, composed before the one statement that writes it: ids and times are ours, so the
 * answer can be sealed and the events can be told in the same breath. `reused` is the open attendance with
 * the address it goes to, null for a new one.
 */
export function composeStart(
  scope: Scope,
  plan: StartPlan,
  reused: { view: AttendanceView; address: Address | null } | null,
): { write: StartWrite; answer: StartedAnswer } {
  const now = scope.now();
  const { checked, record } = plan;
  const contact = checked.contact ? null : newContact(plan);
  const contact_id = checked.contact?.id ?? contact?.id ?? uuid();
  const message = newMessage(plan, reused?.address ?? null);
  const attendance = reused ? null : newAttendance(scope, plan, contact_id, message);
  const attendance_id = reused?.view.id ?? attendance?.id ?? uuid();
  const view = reused?.view ?? viewOf({ attendance, attendance_id, contact, contact_id, checked, message, now });
  const body: StartedAttendanceView = {
    ...view,
    outcome: {
      contact: contact ? 'created' : 'found',
      attendance: reused ? 'reused' : 'created',
      message_id: message?.id ?? null,
      not_applied: notApplied(plan, reused?.view ?? null),
    },
  };
  const answer: StartedAnswer = { status: reused ? 200 : 201, location: `/v1/attendances/${attendance_id}`, body };
  const events = reused ? [] : eventsOf(scope, contact, view, now);
  const sealed = record ? record.seal(answer) : null;
  const ids = { attendance_id, contact_id, channel_id: checked.channel.id };
  const { account_id } = scope;
  return { write: { account_id, record, answer: sealed, contact, attendance, ...ids, message, events, now }, answer };
}

function newContact({ phone, body }: StartPlan): NewContact | null {
  if (!phone) return null;
  const name = 'name' in body.contact ? (body.contact.name ?? null) : null;
  return { id: uuid(), name, phone: phone.e164, phone_key: phone.key, phone_digits: phoneSearchText(phone.key) };
}

function newMessage({ body, checked: { message, address, channel } }: StartPlan, reused: Address | null) {
  const recipient = reused ?? address;
  if (!message || !recipient) return null;
  const { rendered: _, ...content } = message;
  return {
    id: uuid(),
    ...content,
    recipient_kind: recipient.kind,
    recipient: recipient.value,
    send_within_s: body.send_within_s ?? channel.send_within_s,
  };
}

/** Without a message there is nothing to wait for: the attendance is open at once. */
function newAttendance(
  scope: Scope,
  { body, checked }: StartPlan,
  contact_id: string,
  message: NewMessage | null,
): NewAttendance {
  return {
    id: uuid(),
    contact_id,
    channel_id: checked.channel.id,
    team_id: checked.team.id,
    status: message ? 'starting' : 'open',
    external_ref: body.external_ref ?? null,
    metadata: body.metadata ?? {},
    api_key_id: scope.api_key_id,
    actor: body.actor ?? null,
    address_kind: checked.address?.kind ?? null,
    address: checked.address?.value ?? null,
  };
}

interface Composed {
  attendance: NewAttendance | null;
  attendance_id: string;
  contact: NewContact | null;
  contact_id: string;
  checked: CheckedStart;
  message: NewMessage | null;
  now: Date;
}

/** The same shape as attendance-view renders from the rows; a test holds the two together. */
function viewOf({ attendance, attendance_id, contact, contact_id, checked, message, now }: Composed): AttendanceView {
  const known = checked.contact;
  const at = now.toISOString();
  return {
    id: attendance_id,
    status: attendance?.status ?? 'starting',
    origin: 'active',
    contact: {
      id: contact_id,
      name: contact?.name ?? known?.name ?? known?.profile_name ?? null,
      phone: contact?.phone ?? known?.phone ?? null,
    },
    channel: { id: checked.channel.id, name: checked.channel.name, type: checked.provider.type },
    team: { id: checked.team.id, name: checked.team.name },
    first_message: message && { id: message.id, type: message.type, status: 'queued', text: message.text, error: null },
    service_window: { status: 'not_started', expires_at: null },
    external_ref: attendance?.external_ref ?? null,
    metadata: attendance?.metadata ?? {},
    started_by: attendance?.api_key_id
      ? { api_key_id: attendance.api_key_id, actor: attendance.actor as { id?: string; name?: string } | null }
      : null,
    created_at: at,
    updated_at: at,
    closed_at: null,
    close_reason: null,
  };
}

/** What the caller asked for and something existing overruled. */
function notApplied({ body, checked }: StartPlan, reused: AttendanceView | null): string[] {
  const asked_name = 'name' in body.contact ? body.contact.name : undefined;
  const overruled =
    checked.contact && asked_name !== undefined && asked_name !== checked.contact.name ? ['contact.name'] : [];
  if (!reused) return overruled;
  return [
    ...overruled,
    ...(reused.team?.id === checked.team.id ? [] : ['team_id']),
    ...(body.external_ref === undefined || body.external_ref === reused.external_ref ? [] : ['external_ref']),
    ...(body.metadata === undefined ? [] : ['metadata']),
    ...(body.actor === undefined ? [] : ['actor']),
  ];
}

function eventsOf(scope: Scope, contact: NewContact | null, view: AttendanceView, now: Date): NewEvent[] {
  const common = { account_id: scope.account_id, contact_id: view.contact.id, created_at: now };
  const started: NewEvent = {
    ...common,
    id: uuid(),
    type: 'attendance.started',
    attendance_id: view.id,
    attendance_sequence: 1,
    data: view,
  };
  if (!contact) return [started];
  const data = contactView(scope, contact, now);
  return [
    { ...common, id: uuid(), type: 'contact.created', attendance_id: null, attendance_sequence: null, data },
    started,
  ];
}

function contactView(scope: Scope, contact: NewContact, now: Date) {
  const at = now.toISOString();
  const identity = {
    kind: 'phone',
    scope: 'account',
    value: contact.phone,
    source: 'user',
    first_seen_at: at,
    last_seen_at: at,
  };
  return toContact({
    account_id: scope.account_id,
    ...contact,
    profile_name: null,
    email: null,
    external_ref: null,
    metadata: {},
    marketing_opted_out_at: null,
    name_key: null,
    created_at: now,
    updated_at: now,
    identities: [identity],
  });
}
