import { v7 as uuid } from 'uuid';
import type { Scope } from '../../context.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType } from '../events/events.schema.ts';
import { type ContactWithIdentities, toContact } from './contacts.repository.ts';
import type { ContactView } from './contacts.schema.ts';

/** Writes one event about a contact, with the contact as REST shows it and what `more` there is to say of it; returns the contact. */
export async function tellContact(
  trx: Scope,
  type: EventType,
  contact: ContactWithIdentities,
  more: Record<string, string> = {},
): Promise<ContactView> {
  const data = toContact(contact);
  await insertEvents(trx, [
    {
      account_id: trx.account_id,
      id: uuid(),
      type,
      attendance_id: null,
      attendance_sequence: null,
      contact_id: contact.id,
      data: { ...data, ...more },
      created_at: trx.now(),
    },
  ]);
  return data;
}
