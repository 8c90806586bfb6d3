import type { Scope } from '../../context.ts';
import { findContactByPhone, toContact } from './contacts.repository.ts';
import type { ContactLookupView } from './contacts.schema.ts';
import { readPhone } from './phone-number.ts';

/** How a typed number is understood and who has it; writes nothing. Throws `phone_invalid`, `phone_area_code_missing`. */
export async function lookupContact(
  scope: Pick<Scope, 'db' | 'account_id' | 'default_country'>,
  typed: string,
): Promise<ContactLookupView> {
  const { key, ...phone } = readPhone(typed, scope.default_country, '?phone');
  const row = await findContactByPhone(scope, key);
  return { phone, contacts: row ? [toContact(row)] : [] };
}
