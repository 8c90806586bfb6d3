import type { Scope } from '../context.ts';

export interface StoredAnswer {
  fingerprint: Buffer;
  answer: Buffer;
}

/** The answer kept under a key of this account, if any. */
export async function findStoredAnswer(
  scope: Pick<Scope, 'db' | 'account_id'>,
  key: string,
): Promise<StoredAnswer | undefined> {
  return scope
    .db<StoredAnswer & { account_id: string; key: string }>('idempotency_keys')
    .where({ account_id: scope.account_id, key })
    .first('fingerprint', 'answer');
}

/** Keeps the answer of a request that did no work (a refusal). False when the key is taken by now. */
export async function insertStoredAnswer(
  scope: Pick<Scope, 'db' | 'account_id' | 'now'>,
  key: string,
  stored: StoredAnswer,
): Promise<boolean> {
  const rows = await scope
    .db('idempotency_keys')
    .insert({ account_id: scope.account_id, key, ...stored, created_at: scope.now() })
    .onConflict()
    .ignore()
    .returning('key');
  return rows.length === 1;
}
