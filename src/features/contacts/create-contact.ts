import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import { uuid } from '../../random.ts';
import { Id } from '../../schema.ts';
import { findContactByPhone, insertContact, type NewContactRow } from './contacts.repository.ts';
import type { ContactView, NewContactBody } from './contacts.schema.ts';
import { phoneSearchText, readPhone } from './phone-number.ts';
import { tellContact } from './tell-contact.ts';

export const contact_exists = defineProblem({
  code: 'contact_exists',
  status: 409,
  title: { en: 'A contact has this number', pt: 'Já existe um contato com este número' },
  detail: {
    en: 'The number {phone} belongs to the contact in contact_id; use that one.',
    pt: 'O número {phone} é do contato em contact_id; use esse contato.',
  },
  extra: { contact_id: Id('The contact that has the number.') },
  example: {
    pointer: '/phone',
    params: { phone: '+5531988880001' },
    extra: { contact_id: '019a0000-0000-7000-8000-000000000001' },
  },
});

/** A new contact with its phone as identity, and its event. Throws `contact_exists` (with `contact_id`), `phone_invalid`, `phone_area_code_missing`. */
export async function createContact(scope: Scope, body: NewContactBody): Promise<ContactView> {
  const phone = readPhone(body.phone, scope.default_country, '/phone');
  const now = scope.now();
  const row = {
    account_id: scope.account_id,
    id: uuid(),
    name: body.name ?? null,
    phone: phone.e164,
    phone_key: phone.key,
    phone_digits: phoneSearchText(phone.key),
    email: body.email ?? null,
    external_ref: body.external_ref ?? null,
    metadata: body.metadata ?? {},
    created_at: now,
    updated_at: now,
  };
  try {
    return await inTransaction(scope, (trx) => keepContact(trx, row));
  } catch (error) {
    if (violatedConstraint(error) !== 'contacts_phone_key') throw error;
    const existing = await findContactByPhone(scope, phone.key);
    // Gone since: the number is free again.
    if (!existing) return createContact(scope, body);
    throw contact_exists({ pointer: '/phone', params: { phone: phone.e164 }, extra: { contact_id: existing.id } });
  }
}

async function keepContact(trx: Scope, row: NewContactRow): Promise<ContactView> {
  return tellContact(trx, 'contact.created', await insertContact(trx, row));
}
