import type { Context, Scope } from '../../context.ts';
import { gather } from '../../db/gather.ts';
import type { AccountsRow, ApiKeysRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import type { AccountView, ApiKeyView } from './accounts.schema.ts';

/** The one feature whose rows are not reached through an account: it is where accounts come from. */
type Ctx = Pick<Context, 'db'>;

export interface PresentedKey extends Omit<ApiKeysRow, 'name' | 'created_at'> {
  default_country: string;
  data_key: Buffer;
  account_starts_per_second: number;
  account_starts_burst: number;
}

const findKeys = prepare<{ ids: string[] }, PresentedKey>(
  'find_presented_keys',
  // Named columns: a prepared `k.*` would fail in running processes when a migration adds one.
  `select k.account_id, k.id, k.secret_hash, k.scopes, k.expires_at, k.revoked_at, k.last_used_at,
          k.starts_per_second, k.starts_burst, a.default_country, a.data_key,
          a.starts_per_second as account_starts_per_second, a.starts_burst as account_starts_burst
     from api_keys k join accounts a on a.id = k.account_id
    where k.id = any(cast(:ids as uuid[]))`,
);

/** Finds the key row with what a request needs of its account, by the key's id alone. */
export type FindKey = (id: string) => Promise<PresentedKey | undefined>;

/**
 * Keys that are presented together are read together, each once. Nothing is kept: every request is judged by a row that was
 * read after it came in, so a key that is revoked ends with the next request.
 */
export function gatherKeys({ db }: Ctx): FindKey {
  return gather(
    async (ids: string[]) => {
      const by_id = new Map((await findKeys(db, { ids: [...new Set(ids)] })).map((row) => [row.id, row]));
      return ids.map((id) => by_id.get(id));
    },
    { most: 500, at_once: 2 },
  );
}

/** One key by itself. */
export async function findPresentedKey({ db }: Ctx, id: string): Promise<PresentedKey | undefined> {
  const [row] = await findKeys(db, { ids: [id] });
  return row;
}

/** Moves `last_used_at` on, for this key alone. Who comes while another request does the same waits for nobody. */
export async function touchApiKey({ db }: Ctx, account_id: string, id: string, at: Date): Promise<void> {
  const free = db('api_keys').select('id').where({ account_id, id }).forUpdate().skipLocked();
  await db('api_keys').where({ account_id }).whereIn('id', free).update({ last_used_at: at });
}

export async function insertAccount({ db }: Ctx, row: AccountsRow): Promise<void> {
  await db('accounts').insert(row);
}

export async function hasAccounts({ db }: Ctx): Promise<boolean> {
  return (await db('accounts').first('id')) !== undefined;
}

export async function findAccount({ db }: Ctx, id: string): Promise<AccountsRow | undefined> {
  return db<AccountsRow>('accounts').where({ id }).first();
}

/** Held until the transaction ends, against others who count what the account has: who writes rows of it goes on. */
export async function lockAccount({ db, account_id }: Pick<Scope, 'db' | 'account_id'>): Promise<void> {
  await db('accounts').where({ id: account_id }).forNoKeyUpdate().first('id');
}

/** The data keys, wrapped, of these accounts. */
export async function listDataKeys(
  { db }: Ctx,
  ids: string[],
): Promise<Pick<AccountsRow, 'id' | 'data_key' | 'default_country'>[]> {
  return db<AccountsRow>('accounts').whereIn('id', ids).select('id', 'data_key', 'default_country');
}

/** The data keys of all accounts, wrapped, in pages by id. */
export async function listDataKeysAfter(
  { db }: Ctx,
  after: string | null,
  limit: number,
): Promise<Pick<AccountsRow, 'id' | 'data_key'>[]> {
  const query = db<AccountsRow>('accounts').orderBy('id').limit(limit).select('id', 'data_key');
  return after === null ? query : query.where('id', '>', after);
}

/** Changes how a data key is wrapped, unless somebody else did so meanwhile. */
export async function replaceDataKey(
  { db }: Ctx,
  id: string,
  { from, to }: { from: Buffer; to: Buffer },
): Promise<void> {
  await db<AccountsRow>('accounts').where({ id, data_key: from }).update({ data_key: to });
}

/** Newest first, `limit + 1` rows. */
export async function listAccounts(
  { db }: Ctx,
  page: { limit: number; after_id: string | null },
): Promise<AccountsRow[]> {
  const query = db<AccountsRow>('accounts')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '<', page.after_id);
}

export async function updateAccount(
  { db }: Ctx,
  id: string,
  change: Partial<Omit<AccountsRow, 'id' | 'data_key' | 'created_at'>>,
): Promise<AccountsRow | undefined> {
  const [row] = await db<AccountsRow>('accounts').where({ id }).update(change).returning('*');
  return row;
}

export async function insertApiKey({ db }: Ctx, row: ApiKeysRow): Promise<void> {
  await db('api_keys').insert(row);
}

/** Newest first, `limit + 1` rows. */
export async function listApiKeys(
  { db }: Ctx,
  account_id: string,
  page: { limit: number; after_id: string | null },
): Promise<ApiKeysRow[]> {
  const query = db<ApiKeysRow>('api_keys')
    .where({ account_id })
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '<', page.after_id);
}

export async function findApiKey({ db }: Ctx, account_id: string, id: string): Promise<ApiKeysRow | undefined> {
  return db<ApiKeysRow>('api_keys').where({ account_id, id }).first();
}

export async function updateApiKey(
  { db }: Ctx,
  account_id: string,
  id: string,
  change: Partial<Pick<ApiKeysRow, 'name' | 'expires_at' | 'revoked_at' | 'starts_per_second' | 'starts_burst'>>,
): Promise<ApiKeysRow | undefined> {
  const [row] = await db<ApiKeysRow>('api_keys').where({ account_id, id }).update(change).returning('*');
  return row;
}

export function toAccount(row: AccountsRow): AccountView {
  return {
    id: row.id,
    name: row.name,
    default_country: row.default_country,
    starts_per_second: row.starts_per_second,
    starts_burst: row.starts_burst,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

export function toApiKey(row: ApiKeysRow): ApiKeyView {
  return {
    id: row.id,
    account_id: row.account_id,
    name: row.name,
    scopes: row.scopes as ApiKeyView['scopes'],
    starts_per_second: row.starts_per_second,
    starts_burst: row.starts_burst,
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}
