import { isIP } from 'node:net';
import type { MasterKey } from './seal.ts';

/** How single settings are read from the environment; a reader throws what is wrong with the value, and config.ts says of which. */

export type Environment = Record<string, string | undefined>;

type Read<T> = (value: string | undefined, env: Environment) => T;

/** One setting; the default as shown in docs/configuration.md. */
export const setting = <T>(name: string, shown_default: string, description: string, read: Read<T>) => ({
  name,
  shown_default,
  description,
  read,
});

/** One that is a whole number, with its least, default and greatest value. */
export const integer = (name: string, [least, fallback, most]: [number, number, number], description: string) =>
  setting(name, String(fallback), `${description} From ${least} to ${most}.`, (value) => {
    if (value === undefined) return fallback;
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most)
      throw new Error(`must be a whole number from ${least} to ${most}`);
    return number;
  });

export const oneOf =
  <T extends string>(values: readonly T[], fallback: T) =>
  (value: string | undefined) => {
    if (value === undefined) return fallback;
    const found = values.find((one) => one === value);
    if (!found) throw new Error(`must be one of ${values.join(', ')}`);
    return found;
  };

const list = (value: string) => value.split(',').flatMap((part) => part.trim() || []);

export function readUrl(value: string | undefined, protocols: string[]): string | null {
  if (value === undefined) return null;
  // libpq's `postgres://user@/database?host=/folder` names its host in the query.
  const whole = value.replace('@/', '@localhost/');
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (!url || !protocols.includes(url.protocol))
    throw new Error(`must be a URL starting with ${protocols.join(' or ')}`);
  return value.replace(/\/$/, '');
}

export const readHttpUrl = (value: string | undefined) => readUrl(value, ['http:', 'https:']);

export function readMasterKeys(value: string | undefined, env: Environment): MasterKey[] | null {
  if (value === undefined) {
    if (env.DATABASE_URL !== undefined) {
      throw new Error('is required with DATABASE_URL; make one with: echo "k1:$(openssl rand -base64 32)"');
    }
    return null;
  }
  const keys = list(value).map((entry) => {
    const [, kid, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry) ?? [];
    const key = Buffer.from(encoded ?? '', 'base64');
    if (!kid || key.length !== 32) throw new Error('must be kid:base64 entries of 32 bytes each, separated by commas');
    return { kid, key };
  });
  if (keys.length === 0) throw new Error('must hold at least one kid:base64 entry');
  if (new Set(keys.map((key) => key.kid)).size !== keys.length) throw new Error('names one kid twice');
  return keys;
}

export function readRanges(value: string | undefined, env: Environment): string[] {
  if (value === undefined) return env.DATABASE_URL === undefined ? ['127.0.0.0/8', '::1/128'] : [];
  return list(value).map((range) => {
    if (!isRange(range)) throw new Error(`holds "${range}", which is no CIDR range such as 10.0.0.0/8`);
    return range;
  });
}

function isRange(range: string): boolean {
  const [address = '', bits = '', ...rest] = range.split('/');
  const family = isIP(address);
  return family !== 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128) && rest.length === 0;
}

export function readTrustProxy(value: string | undefined): boolean | number | string[] {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  if (/^\d+$/.test(value)) return Number(value);
  return list(value).map((range) => {
    if (isIP(range) === 0 && !isRange(range)) throw new Error('must be true, false, a number of hops, or CIDR ranges');
    return range;
  });
}

const failpoint_names = ['after_accept', 'after_claim', 'answer_read'] as const;
export type FailpointName = (typeof failpoint_names)[number];

export function readFailpoint(value: string | undefined): { name: FailpointName; action: 'kill' | 'stop' } | null {
  if (value === undefined) return null;
  const [name, action = 'kill'] = value.split(':');
  const found = failpoint_names.find((one) => one === name);
  if (!found || (action !== 'kill' && action !== 'stop')) {
    throw new Error(`must be one of ${failpoint_names.join(', ')}, with :kill or :stop behind it`);
  }
  return { name: found, action };
}

export const corsOrigins = (value: string | undefined) =>
  list(value ?? '').map((origin) => {
    if (origin === '*') return origin;
    if (origin.includes('*') || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error(`holds "${origin}", which is no origin such as https://crm.example`);
    }
    return origin;
  });

/** A bearer token of ours. */
export const token = (name: string, shown_default: string, of: string) =>
  setting(name, shown_default, `Bearer token of ${of}, at least 16 characters.`, (value) => {
    if (value !== undefined && value.length < 16) throw new Error('must be at least 16 characters long');
    return value ?? null;
  });

export const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
