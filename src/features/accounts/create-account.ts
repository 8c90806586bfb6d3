import { isSupportedCountry } from 'libphonenumber-js/max';
import type { Context } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import { uuid } from '../../random.ts';
import { createDataKey, type KeyRing } from '../../seal.ts';
import { insertAccount, toAccount } from './accounts.repository.ts';
import type { AccountView } from './accounts.schema.ts';

export const country_unknown = defineProblem({
  code: 'country_unknown',
  status: 422,
  title: { en: 'No such country', pt: 'País inexistente' },
  detail: {
    en: '{country} is no country with a telephone plan; send two letters such as BR.',
    pt: '{country} não é um país com plano telefônico; envie duas letras, como BR.',
  },
  example: { pointer: '/default_country', params: { country: 'XX' } },
});

/** Numbers could not be read with any other. Throws `country_unknown`. */
export function checkCountry(country: string): string {
  if (!isSupportedCountry(country)) throw country_unknown({ pointer: '/default_country', params: { country } });
  return country;
}

/** What may be started at once where nothing else is said: two seconds' worth. */
export const burstOf = (starts_per_second: number) => Math.max(1, 2 * starts_per_second);

/** A new account with a data key of its own, wrapped by the first master key. */
export async function createAccount(
  ctx: Pick<Context, 'db' | 'now'>,
  key_ring: KeyRing,
  given: { name: string; default_country?: string; starts_per_second?: number; starts_burst?: number },
): Promise<AccountView> {
  const id = uuid();
  const now = ctx.now();
  const starts_per_second = given.starts_per_second ?? 500;
  const row = {
    id,
    name: given.name,
    default_country: checkCountry(given.default_country ?? 'BR'),
    starts_per_second,
    starts_burst: given.starts_burst ?? burstOf(starts_per_second),
    data_key: key_ring.wrap(createDataKey(), id),
    created_at: now,
    updated_at: now,
  };
  await insertAccount(ctx, row);
  return toAccount(row);
}
