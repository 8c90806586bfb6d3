import type { Scope } from '../../context.ts';
import { dropSealed, listSealed } from './quarantine.repository.ts';
import { bodyBinding, itemBinding } from './sealed.ts';

/** Drops what providers said of a person and is not expanded yet or kept aside: `names` are what it would call them. */
export async function forgetPerson(trx: Scope, names: string[]): Promise<void> {
  const wanted = names.filter((name) => name !== '');
  if (wanted.length === 0) return;
  for (const kept of await listSealed(trx, trx.account_id)) {
    const binding = kept.place === null ? bodyBinding(kept.body_id) : itemBinding(kept.body_id, kept.place);
    const text = trx.vault.unseal(kept.sealed, binding).toString('utf8');
    if (wanted.some((name) => text.includes(name))) await dropSealed(trx, trx.account_id, kept);
  }
}
