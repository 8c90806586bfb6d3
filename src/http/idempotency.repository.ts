import type { AnswerRecord, Context, Scope } from '../context.ts';
import { gather } from '../db/gather.ts';
import { prepare } from '../db/statement.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export interface StoredAnswer {
  fingerprint: Buffer;
  /** Null once the person it tells of was erased. */
  answer: Buffer | null;
}

interface KeyRow extends StoredAnswer {
  account_id: string;
  key: string;
  contact_id: string | null;
  created_at: Date;
}

interface AskedKey {
  account_id: string;
  key: string;
}

const findAnswers = prepare<{ accounts: string[]; keys: string[] }, StoredAnswer & AskedKey>(
  'find_stored_answers',
  // Behind a subquery the length of the arrays is unknown to the planner: one plan is kept instead of one made each time.
  `select k.account_id, k.key, k.fingerprint, k.answer
     from unnest((select cast(:accounts as uuid[])), (select cast(:keys as text[]))) as a (account_id, key)
     join idempotency_keys k on k.account_id = a.account_id and k.key = a.key`,
);

async function findStoredAnswers(
  { db }: Pick<Context, 'db'>,
  asked: AskedKey[],
): Promise<(StoredAnswer | undefined)[]> {
  const accounts = asked.map(({ account_id }) => account_id);
  const found = await findAnswers(db, { accounts, keys: asked.map(({ key }) => key) });
  const nameOf = ({ account_id, key }: AskedKey) => `${account_id} ${key}`;
  const by_name = new Map(found.map((row) => [nameOf(row), row]));
  return asked.map((one) => by_name.get(nameOf(one)));
}

/** The answer kept under a key of this account, if any. */
export async function findStoredAnswer({ db, account_id }: Ctx, key: string): Promise<StoredAnswer | undefined> {
  const [stored] = await findStoredAnswers({ db }, [{ account_id, key }]);
  return stored;
}

/** The same for a crowd: those that are asked for together are read together, over the pool of `own`. */
export function gatherStoredAnswers(own: Pick<Context, 'db'>): typeof findStoredAnswer {
  const find = gather((asked: AskedKey[]) => findStoredAnswers(own, asked), { most: 100, at_once: 1 });
  return ({ account_id }, key) => find({ account_id, key });
}

/** Keeps the answer of a request that did no work (a refusal). False when the key is taken by now. */
export async function insertStoredAnswer(
  { db, account_id, now }: Ctx & Pick<Scope, 'now'>,
  key: string,
  stored: StoredAnswer & { contact_id: string | null },
): Promise<boolean> {
  const rows = await db<KeyRow>('idempotency_keys')
    .insert({ account_id, key, ...stored, created_at: now() })
    .onConflict()
    .ignore()
    .returning('key');
  return rows.length === 1;
}

/** Takes the key in the transaction of its work; a twin waits here, and breaks `idempotency_keys_key` when this one commits. */
export async function claimKey(
  { db, account_id, now }: Ctx & Pick<Scope, 'now'>,
  { key, fingerprint }: AnswerRecord,
): Promise<void> {
  const row = { account_id, key, fingerprint, answer: Buffer.alloc(0), contact_id: null, created_at: now() };
  await db<KeyRow>('idempotency_keys').insert(row);
}

/** The second half: the answer, before the transaction that took the key commits. */
export async function keepAnswer(
  { db, account_id }: Ctx,
  key: string,
  kept: Pick<KeyRow, 'answer' | 'contact_id'>,
): Promise<void> {
  await db<KeyRow>('idempotency_keys').where({ account_id, key }).update(kept);
}

/** Forgets the answers that tell of this contact; their keys stay used. */
export async function eraseAnswers({ db, account_id }: Ctx, contact_id: string): Promise<void> {
  await db<KeyRow>('idempotency_keys').where({ account_id, contact_id }).update({ answer: null });
}

/** What the answer under a key is sealed for. */
export const answerBinding = (key: string) => `idempotency_keys.answer:${key}`;

/** What is kept for the operator stands under the account that nobody has. */
export const operator_account_id = '00000000-0000-0000-0000-000000000000';

/** Passes the operator's kept answers, which master keys seal directly, through `reseal`; null leaves one as it is. */
export async function resealOperatorAnswers(
  { db }: Pick<Context, 'db'>,
  reseal: (sealed: Buffer, binding: string) => Buffer | null,
): Promise<void> {
  const of_operator = { account_id: operator_account_id };
  for (const { key, answer } of await db<KeyRow>('idempotency_keys').where(of_operator).select('key', 'answer')) {
    const fresh = answer && answer.length > 0 ? reseal(answer, answerBinding(key)) : null;
    if (fresh)
      await db<KeyRow>('idempotency_keys')
        .where({ ...of_operator, key, answer })
        .update({ answer: fresh });
  }
}

const kept_for = '7 days';
const swept_at_once = 1_000;

/** Deletes keys of all accounts that are older than 7 days, at most 1,000; returns how many. */
export async function sweepAnswers({ db }: Pick<Context, 'db'>): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `delete from idempotency_keys where ctid = any (array(
       select ctid from idempotency_keys where created_at < now() - cast(? as interval)
        order by created_at limit ? for update skip locked))`,
    [kept_for, swept_at_once],
  );
  return rowCount;
}
