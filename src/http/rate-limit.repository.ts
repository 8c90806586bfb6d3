import type { Context } from '../context.ts';
import { prepare } from '../db/statement.ts';

/** One limit: a bucket of at most `burst` tokens that gains `per_second`; what is limited takes one from each. */
export interface Limit {
  /** The account's id, or that of a key with a limit of its own. */
  bucket: string;
  /** As the headers call it. */
  name: string;
  per_second: number;
  burst: number;
}

export interface TokensAsked {
  account_id: string;
  /** One or two. */
  limits: readonly Limit[];
  /** Requests that wait for this answer: a token for each is spent the moment it is taken. */
  waiting: number;
  /** Tokens that the caller would hold for requests yet to come, `usable_ms` at most. */
  ahead: number;
}

export interface TokensTaken {
  /** First for those that wait, the rest is held. */
  granted: number;
  /** What is left in each bucket, in the order of the limits. */
  left: number[];
}

/** Tokens held ahead are void this long after they were asked for. */
export const usable_ms = 100;
const usable = `interval '${usable_ms} milliseconds'`;
/** `lent` counts for at least this long after each grant, as two spans that take turns. */
const lent_until = `lent_since + 2 * ${usable}`;
const seconds = (from: string, to: string) => `extract(epoch from ${to} - ${from})`;
/** At most this part of a burst is held ahead, so that the rest is always here for whoever asks. */
const lent_share = 0.5;

/**
 * Refills, then takes from each bucket one token per waiting request and some ahead: as many as the emptier one has. One
 * statement, so one short transaction; buckets are locked in one order. `filled` ends below the burst by what may be held
 * somewhere, until that has lapsed, so tokens here and tokens held are never more than the burst.
 */
const take = prepare<
  {
    account_id: string;
    waiting: number;
    ahead: number;
    at: Date | null;
    buckets: string[];
    rates: number[];
    bursts: number[];
  },
  { bucket: string; left: number; granted: number }
>(
  'take_tokens',
  `with asked as (
    select * from unnest(cast(:buckets as uuid[]), cast(:rates as float8[]), cast(:bursts as float8[])) as a (bucket, rate, burst)
  ),
  locked as materialized (
    -- A statement that began earlier may come later: time given once is not given again.
    select b.*, a.rate, a.burst, greatest(b.refilled_at, coalesce(cast(:at as timestamptz), now())) as moment
      from rate_buckets b join asked a on a.bucket = b.bucket
     where b.account_id = :account_id
     order by b.bucket
       for update of b
  ),
  refilled as (
    select l.*, moment >= lent_since + ${usable} as is_next_span,
           case when moment >= ${lent_until} then 0
                when moment >= lent_since + ${usable} then lent
                else lent + lent_before end as still_lent,
           least(burst,
                 -- Below zero only where the burst was lowered: what is held under the old limit is not used any more.
                 least(greatest(0, burst - lent - lent_before), tokens + rate * ${seconds('refilled_at', `least(moment, ${lent_until})`)})
                 + rate * ${seconds(`least(moment, ${lent_until})`, 'moment')}) as filled
      from locked l
  ),
  given as (
    select case when count(*) = cardinality(cast(:buckets as uuid[])) then
             least(greatest(0, floor(min(filled))),
                   :waiting + least(:ahead, greatest(0, floor(min(burst * ${lent_share} - still_lent)))))
           else 0 end as granted
      from refilled
  ),
  paid as (
    update rate_buckets b
       set tokens = r.filled - g.granted,
           refilled_at = r.moment,
           lent = greatest(0, g.granted - :waiting) + case when r.is_next_span then 0 else r.lent end,
           lent_before = case when r.is_next_span then r.still_lent else r.lent_before end,
           lent_since = case when r.is_next_span then r.moment else r.lent_since end
      from refilled r cross join given g
     where b.account_id = r.account_id and b.bucket = r.bucket and g.granted > 0
  )
  select r.bucket, r.filled - g.granted as left, g.granted from refilled r cross join given g`,
);

/**
 * Takes up to `waiting + ahead` tokens from all buckets at once; a bucket asked for the first time is made, full. `at` is
 * the database's own time unless a test drives the clock.
 */
export async function takeTokens(
  { db }: Pick<Context, 'db'>,
  asked: TokensAsked,
  at: Date | null = null,
): Promise<TokensTaken> {
  const { account_id, limits, waiting, ahead } = asked;
  const values = {
    account_id,
    waiting,
    ahead,
    at,
    buckets: limits.map(({ bucket }) => bucket),
    rates: limits.map(({ per_second }) => per_second),
    bursts: limits.map(({ burst }) => burst),
  };
  let rows = await take(db, values);
  if (rows.length < limits.length) {
    await insertBuckets({ db }, asked, at);
    rows = await take(db, values);
  }
  const left = new Map(rows.map((row) => [row.bucket, Number(row.left)]));
  return { granted: Number(rows[0]?.granted ?? 0), left: limits.map(({ bucket }) => left.get(bucket) ?? 0) };
}

async function insertBuckets(
  { db }: Pick<Context, 'db'>,
  { account_id, limits }: TokensAsked,
  at: Date | null,
): Promise<void> {
  const moment = at ?? db.fn.now();
  await db('rate_buckets')
    .insert(
      limits.map(({ bucket, burst }) => ({
        account_id,
        bucket,
        tokens: burst,
        refilled_at: moment,
        lent_since: moment,
      })),
    )
    .onConflict()
    .ignore();
}
