import type { Scope } from '../../context.ts';
import { uuid } from '../../random.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';
import { type ContactWithIdentities, toContact } from './contacts.repository.ts';
import type { ContactView } from './contacts.schema.ts';

/** One event about a contact, with the contact as REST shows it. */
export function contactEvent(
  { account_id, now }: Pick<Scope, 'account_id' | 'now'>,
  type: EventType,
  { id: contact_id }: { id: string },
  data: unknown,
): NewEvent {
  const about = { attendance_id: null, attendance_sequence: null, contact_id };
  return { account_id, id: uuid(), type, ...about, data, created_at: now() };
}

/** Writes one event about a contact, with the contact as REST shows it and what `more` there is to say of it; returns the contact. */
export async function tellContact(
  trx: Scope,
  type: EventType,
  contact: ContactWithIdentities,
  more: Record<string, string> = {},
): Promise<ContactView> {
  const data = toContact(contact);
  await insertEvents(trx, [contactEvent(trx, type, contact, { ...data, ...more })]);
  return data;
}
