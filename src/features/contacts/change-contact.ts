import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { contact_not_found } from '../references.ts';
import { type ContactColumns, lockContact, replaceUserPhone, updateContact } from './change.repository.ts';
import { type ContactWithIdentities, findContact, findContactByPhone, toContact } from './contacts.repository.ts';
import type { ContactChangeBody, ContactView } from './contacts.schema.ts';
import { contact_exists } from './create-contact.ts';
import { type Phone, phoneSearchText, readPhone } from './phone-number.ts';
import { tellContact } from './tell-contact.ts';

/**
 * Changes what is given, and tells of it when that changed something; open attendances keep the address they use. Throws
 * `contact_not_found`, `contact_exists` (with `contact_id`), `phone_invalid`, `phone_area_code_missing`.
 */
export async function changeContact(scope: Scope, id: string, body: ContactChangeBody): Promise<ContactView> {
  const phone = body.phone == null ? null : readPhone(body.phone, scope.default_country, '/phone');
  try {
    return await inTransaction(scope, (trx) => keepChange(trx, id, columnsOf(body, phone)));
  } catch (error) {
    if (!phone || violatedConstraint(error) !== 'contacts_phone_key') throw error;
    const owner = await findContactByPhone(scope, phone.key);
    // Gone since: the number is free again.
    if (!owner) return changeContact(scope, id, body);
    throw contact_exists({ pointer: '/phone', params: { phone: phone.e164 }, extra: { contact_id: owner.id } });
  }
}

function columnsOf({ phone: given, ...body }: ContactChangeBody, phone: Phone | null): Partial<ContactColumns> {
  const number = {
    phone: phone?.e164 ?? null,
    phone_key: phone?.key ?? null,
    phone_digits: phone ? phoneSearchText(phone.key) : '',
  };
  return {
    ...body,
    ...(body.metadata === null ? { metadata: {} } : {}),
    ...(given === undefined ? {} : number),
  };
}

async function keepChange(trx: Scope, id: string, columns: Partial<ContactColumns>): Promise<ContactView> {
  const missing = () => contact_not_found({ pointer: ':contact_id', params: { id } });
  const before = await lockContact(trx, id);
  if (!before) throw missing();
  const change = differing(before, columns);
  if (Object.keys(change).length === 0) return toContact(before);
  await updateContact(trx, before.id, change);
  if (change.phone !== undefined) await replaceUserPhone(trx, before.id, change.phone);
  const after = await findContact(trx, before.id);
  if (!after) throw missing();
  return tellContact(trx, 'contact.updated', after);
}

function differing(before: ContactWithIdentities, columns: Partial<ContactColumns>): Partial<ContactColumns> {
  const changed = Object.entries(columns).filter(
    ([name, value]) => !isDeepStrictEqual(value, before[name as keyof ContactColumns]),
  );
  return Object.fromEntries(changed);
}
