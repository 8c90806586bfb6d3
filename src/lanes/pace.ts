import type { Scope } from '../context.ts';

/** Between a claim and the provider one message takes longer than another: what is a second apart here may meet there. */
const jitter_s = 0.1;

/**
 * A sender is the pace of one channel: a token bucket in a row of its own. The bucket holds a tenth of a second's worth
 * and refills with the rest, so that no second, and a jitter's length more, sees more than `max_per_second` claimed
 * (bucket + refill × 1.1 − 1): the provider counts what arrives.
 */
const capacity = `greatest(1, floor(s.max_per_second / 10.0))`;
const refill_per_second = `((s.max_per_second - ${capacity} + 1) / ${1 + jitter_s})`;

/** Milliseconds between two messages to one recipient (Meta's pair rate; a good manner elsewhere). */
export const recipient_pace_ms = 6_000;

/**
 * Common table expressions for a claim that has `due (account_id, channel_id)`: `taken` are the senders whose turn it is,
 * locked, with their `available` tokens and a `share` of `:free`; accounts take turns, whoever waited longest first, so that
 * one with many channels has no more turns than another. A sender that another claim has taken since this statement began is
 * left out (`version`): its lock is free again, but what that claim wrote cannot be seen here, and a recipient would get two.
 */
export const taken_senders = `
  last_turns as (
    select account_id, max(taken_at) as taken_at from senders
     where account_id in (select account_id from due) group by account_id
  ),
  turns as (
    select s.account_id, s.channel_id, s.xmin as version, count(*) over () as senders
      from senders s
      join due d on d.account_id = s.account_id and d.channel_id = s.channel_id
      join last_turns l on l.account_id = s.account_id
     where s.next_at <= now()
     order by row_number() over (partition by s.account_id order by s.taken_at, s.channel_id), l.taken_at, s.taken_at
     limit :free
  ),
  taken as (
    select s.account_id, s.channel_id, ${refill_per_second} as refill_per_second,
           greatest(1, cast(:free as integer) / t.senders) as share,
           least(${capacity}, s.tokens + greatest(0, extract(epoch from now() - s.refilled_at)) * ${refill_per_second}) as available
      from senders s join turns t on t.account_id = s.account_id and t.channel_id = s.channel_id and t.version = s.xmin
       for update of s skip locked
  )`;

/** The write that belongs to it: takes one token for each row of `claimed (account_id, channel_id)`. */
export const paid_senders = `
  paid as (
    update senders s
       set tokens = t.available - coalesce(c.messages, 0),
           -- A statement that began earlier may come later: time given once is not given again.
           refilled_at = greatest(s.refilled_at, now()),
           taken_at = now(),
           next_at = case when t.available - coalesce(c.messages, 0) >= 1 then '-infinity'
                          else greatest(s.refilled_at, now())
                               + make_interval(secs => (1 - (t.available - coalesce(c.messages, 0))) / t.refill_per_second) end
      from taken t
      left join (select account_id, channel_id, count(*) as messages from claimed group by 1, 2) c
        on c.account_id = t.account_id and c.channel_id = t.channel_id
     where s.account_id = t.account_id and s.channel_id = t.channel_id
  )`;

/** Milliseconds until the next sender with due work has a token again; null when none waits for one. */
export const next_turn_ms = `
  (select ceil(extract(epoch from min(s.next_at) - now()) * 1000)
     from senders s join due d on d.account_id = s.account_id and d.channel_id = s.channel_id
    where s.next_at > now())`;

/** Gives a new channel its sender, with a full bucket. */
export async function insertSender(
  scope: Pick<Scope, 'db' | 'account_id'>,
  channel: { id: string; max_per_second: number },
): Promise<void> {
  await scope.db('senders').insert({
    account_id: scope.account_id,
    channel_id: channel.id,
    max_per_second: channel.max_per_second,
    tokens: Math.max(1, Math.floor(channel.max_per_second / 10)),
    refilled_at: scope.db.fn.now(),
  });
}
