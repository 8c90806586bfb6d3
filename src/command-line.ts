import type { Ground } from './app.ts';
import { ConfigError } from './config.ts';
import type { Context } from './context.ts';
import { findApiKey, listAccounts, toAccount } from './features/accounts/accounts.repository.ts';
import { scopes as all_scopes } from './features/accounts/accounts.schema.ts';
import { createAccount } from './features/accounts/create-account.ts';
import { createKeyForAccount, revokeApiKey } from './features/accounts/create-api-key.ts';
import { Problem } from './problem.ts';

type Values = Partial<Record<'name' | 'country' | 'account' | 'key' | 'scopes' | 'expires-at', string>>;
type Print = (text: string) => unknown;

function contextOf({ db, log }: Ground): Context {
  return { db, log, now: () => new Date(), signal: new AbortController().signal };
}

function required(values: Values, name: keyof Values, shape = /^.{1,200}$/): string {
  const value = values[name];
  if (value === undefined || !shape.test(value))
    throw new ConfigError(`--${name} is required${value === undefined ? '' : `, and "${value}" is none`}.`);
  return value;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A refusal of the verb, as a sentence for the terminal. */
async function said<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof Problem ? new ConfigError(error.detail.en) : error;
  });
}

const show = (print: Print, value: unknown) => void print(`${JSON.stringify(value, null, 2)}\n`);

/** `conversar accounts create|list`. */
export async function accountsCommand(
  ground: Ground,
  verb: string | undefined,
  values: Values,
  print: Print,
): Promise<void> {
  const ctx = contextOf(ground);
  switch (verb) {
    case 'create': {
      const default_country = values.country === undefined ? 'BR' : required(values, 'country', /^[A-Z]{2}$/);
      return show(
        print,
        await said(createAccount(ctx, ground.key_ring, { name: required(values, 'name'), default_country })),
      );
    }
    case 'list':
      return show(print, (await listAccounts(ctx, { limit: 999, after_id: null })).map(toAccount));
    default:
      throw new ConfigError('Say: conversar accounts create --name NAME, or conversar accounts list');
  }
}

function readScopes(values: Values): string[] | undefined {
  const wanted = values.scopes?.split(',').map((one) => one.trim());
  const unknown = wanted?.find((one) => !all_scopes.some((known) => known === one));
  if (unknown !== undefined) throw new ConfigError(`"${unknown}" is no scope. Known: ${all_scopes.join(', ')}.`);
  return wanted;
}

function readTime(values: Values): string | null {
  const time = values['expires-at'];
  if (time === undefined) return null;
  if (Number.isNaN(Date.parse(time)))
    throw new ConfigError(`--expires-at must be a time such as 2027-01-31T00:00:00Z, and "${time}" is none.`);
  return new Date(time).toISOString();
}

/** `conversar keys create|rotate|revoke`. A key is printed once. */
export async function keysCommand(
  ground: Ground,
  verb: string | undefined,
  values: Values,
  print: Print,
): Promise<void> {
  const ctx = contextOf(ground);
  const account_id = required(values, 'account', uuid);
  switch (verb) {
    case 'create': {
      const scopes = readScopes(values);
      const given = { name: required(values, 'name'), expires_at: readTime(values), ...(scopes ? { scopes } : {}) };
      return show(print, await said(createKeyForAccount(ctx, account_id, given)));
    }
    case 'rotate': {
      const old = await findApiKey(ctx, account_id, required(values, 'key', uuid));
      if (!old) throw new ConfigError(`This account has no API key ${values.key}.`);
      const given = {
        name: old.name,
        scopes: old.scopes,
        expires_at: values['expires-at'] ? readTime(values) : (old.expires_at?.toISOString() ?? null),
      };
      const fresh = await said(createKeyForAccount(ctx, account_id, given));
      await said(revokeApiKey(ctx, account_id, old.id));
      return show(print, fresh);
    }
    case 'revoke':
      return show(print, await said(revokeApiKey(ctx, account_id, required(values, 'key', uuid))));
    default:
      throw new ConfigError('Say: conversar keys create|rotate|revoke --account ID …');
  }
}
