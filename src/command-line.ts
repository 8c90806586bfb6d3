import type { Ground } from './app.ts';
import { ConfigError } from './config.ts';
import type { Context } from './context.ts';
import { findApiKey, listAccounts, toAccount, updateAccount } from './features/accounts/accounts.repository.ts';
import { scopes as all_scopes } from './features/accounts/accounts.schema.ts';
import { createAccount } from './features/accounts/create-account.ts';
import { createKeyForAccount, revokeApiKey } from './features/accounts/create-api-key.ts';
import { resealAccounts } from './features/accounts/reseal-accounts.ts';
import { listQuarantined, retryQuarantined } from './features/inbound/quarantine.repository.ts';
import { resealOperatorAnswers } from './http/idempotency.repository.ts';
import { Problem } from './problem.ts';
import { operatorBinding } from './seal.ts';

type Values = Partial<
  Record<
    'name' | 'country' | 'account' | 'key' | 'scopes' | 'expires-at' | 'starts-per-second' | 'starts-burst' | 'body',
    string
  >
>;
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

/** The limits that are given, within the bounds of the API. */
function readLimits(values: Values, least_per_second: number): { starts_per_second?: number; starts_burst?: number } {
  const read = (name: 'starts-per-second' | 'starts-burst', least: number, most: number) => {
    const value = values[name];
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most)
      throw new ConfigError(`--${name} must be a whole number from ${least} to ${most}, and "${value}" is none.`);
    return number;
  };
  const starts_per_second = read('starts-per-second', least_per_second, 100_000);
  const starts_burst = read('starts-burst', 1, 1_000_000);
  return {
    ...(starts_per_second === undefined ? {} : { starts_per_second }),
    ...(starts_burst === undefined ? {} : { starts_burst }),
  };
}

/** `conversar accounts create|update|list`. */
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
      const given = { name: required(values, 'name'), default_country, ...readLimits(values, 0) };
      return show(print, await said(createAccount(ctx, ground.key_ring, given)));
    }
    case 'update': {
      const account_id = required(values, 'account', uuid);
      const name = values.name === undefined ? {} : { name: required(values, 'name') };
      const change = { ...name, ...readLimits(values, 0) };
      if (Object.keys(change).length === 0)
        throw new ConfigError('Say what is to change: --name, --starts-per-second or --starts-burst.');
      const row = await updateAccount(ctx, account_id, { ...change, updated_at: ctx.now() });
      if (!row) throw new ConfigError(`There is no account ${account_id}.`);
      return show(print, toAccount(row));
    }
    case 'list':
      return show(print, (await listAccounts(ctx, { limit: 999, after_id: null })).map(toAccount));
    default:
      throw new ConfigError(
        'Say: conversar accounts create --name NAME, accounts update --account ID …, or accounts list',
      );
  }
}

/** `conversar master-keys reseal`: everything under the first key of CONVERSAR_MASTER_KEYS, while the service runs. */
export async function masterKeysCommand(ground: Ground, verb: string | undefined, print: Print): Promise<void> {
  if (verb !== 'reseal') throw new ConfigError('Say: conversar master-keys reseal');
  const ctx = contextOf(ground);
  const done = await resealAccounts(ctx, ground.key_ring);
  show(print, done);
  const [first] = done.failed;
  if (first) throw new ConfigError(`${done.failed.length} account(s) could not be resealed: ${first.reason}`);
  await resealOperatorAnswers(ctx, (sealed, binding) => ground.key_ring.rewrap(sealed, operatorBinding(binding)));
}

/** `conversar inbound list|retry`: what was quarantined. */
export async function inboundCommand(
  ground: Ground,
  verb: string | undefined,
  values: Values,
  print: Print,
): Promise<void> {
  const ctx = contextOf(ground);
  switch (verb) {
    case 'list':
      return show(print, await listQuarantined(ctx, 1_000));
    case 'retry': {
      const body_id = values.body === undefined ? null : required(values, 'body', uuid);
      return show(print, { retried: await retryQuarantined(ctx, body_id) });
    }
    default:
      throw new ConfigError('Say: conversar inbound list, or inbound retry [--body ID]');
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
      const given = {
        name: required(values, 'name'),
        expires_at: readTime(values),
        ...(scopes ? { scopes } : {}),
        ...readLimits(values, 1),
      };
      return show(print, await said(createKeyForAccount(ctx, account_id, given)));
    }
    case 'rotate': {
      const old = await findApiKey(ctx, account_id, required(values, 'key', uuid));
      if (!old) throw new ConfigError(`This account has no API key ${values.key}.`);
      const given = {
        name: old.name,
        scopes: old.scopes,
        starts_per_second: old.starts_per_second,
        starts_burst: old.starts_burst,
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
