import type { Scope } from '../../context.ts';
import { dropSealed, listSealed, type Sealed } from './quarantine.repository.ts';
import { bodyBinding, itemBinding } from './sealed.ts';

/** A body may have megabytes. */
const sealed_at_once = 20;

/** Drops what providers said of a person and is not expanded yet or kept aside: `names` are what it would call them. */
export async function forgetPerson(trx: Scope, names: string[]): Promise<void> {
  const wanted = names.filter((name) => name !== '');
  if (wanted.length === 0) return;
  let after: Sealed | null = null;
  for (;;) {
    const found: Sealed[] = await listSealed(trx, trx.account_id, after, sealed_at_once);
    for (const kept of found) {
      const binding = kept.place === null ? bodyBinding(kept.body_id) : itemBinding(kept.body_id, kept.place);
      const text = trx.vault.unseal(kept.sealed, binding).toString('utf8');
      if (wanted.some((name) => text.includes(name))) await dropSealed(trx, trx.account_id, kept);
    }
    after = found.at(-1) ?? null;
    if (found.length < sealed_at_once) return;
  }
}
