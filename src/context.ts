import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Language } from './problem.ts';

/** What every function may be handed, first argument everywhere; each takes the narrowest part that serves it. */
export interface Context {
  /** The pool, or the transaction that shadows it. */
  db: Knex;
  log: Logger;
  now: () => Date;
  /** Aborted when the process stops or the caller went away. */
  signal: AbortSignal;
}

/** Seals under one account's data key; `binding` names the row and column a blob belongs to. */
export interface Vault {
  seal: (plaintext: Buffer, binding: string) => Buffer;
  /** Throws when the blob was sealed for another binding or changed since. */
  unseal: (sealed: Buffer, binding: string) => Buffer;
  /** HMAC-SHA-256 under a key derived for `purpose`. */
  mac: (purpose: string, text: string) => Buffer;
}

/** A context that speaks for one account. */
export interface Scope extends Context {
  account_id: string;
  default_country: string;
  vault: Vault;
  /** The API key behind the request; null for the command line and the lanes. */
  api_key_id: string | null;
}

/** An answer as it is kept for a repeat of its request. */
export interface KeptAnswer {
  status: number;
  location: string | null;
  /** The body's bytes, as sent. */
  body: string;
  /** Of a refusal; null for what has no language. */
  language: Language | null;
}

/** What a verb needs to write its answer in the transaction of its work: one per request with an `Idempotency-Key`. */
export interface AnswerRecord {
  key: string;
  /** SHA-256 of method, path with query, and body bytes. */
  fingerprint: Buffer;
  /** Serialises and seals the answer; what it returns goes into `idempotency_keys.answer`. */
  seal: (answer: { status: number; location: string | null; body: unknown }) => Buffer;
}

/** Runs `work` with a context whose `db` is the transaction; commits when it returns, rolls back when it throws. */
export function inTransaction<C extends Pick<Context, 'db'>, T>(ctx: C, work: (ctx: C) => Promise<T>): Promise<T> {
  return ctx.db.transaction((db) => work({ ...ctx, db }));
}
