import type { Scope } from '../context.ts';

/**
 * A sender is the pace of one channel. Its limit is one of seats: `max_per_second` of them, each taken at a claim and free
 * again a second after its attempt ended. The provider counts what arrives, which is somewhere between the two: so it never
 * sees more in a second, however late a message is on its way. A token bucket in the sender's row spreads them over the
 * second: it holds a tenth of a second's worth and refills with the rest.
 */
const capacity = `greatest(1, floor(s.max_per_second / 10.0))`;
const refill_per_second = `(s.max_per_second - ${capacity} + 1)`;

/** Milliseconds between two messages to one recipient (Meta's pair rate; a good manner elsewhere). */
export const recipient_pace_ms = 6_000;

/**
 * Common table expressions for a claim that has `due (account_id, channel_id)`: `taken` are the senders whose turn it is,
 * locked, with their `available` tokens, free `seats` and a `share` of `:free`. `ends` selects, for a sender `s`, the
 * `ends_at` of its attempts that are open (`infinity`) or ended in the last second. Accounts take turns, whoever waited
 * longest first, so that one with many channels has no more turns than another. A sender that another claim has taken since
 * this statement began is left out (`version`): its lock is free again, but what that claim wrote cannot be seen here, and a
 * recipient would get two.
 */
export const takenSenders = (ends: string) => `
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
           least(${capacity}, s.tokens + greatest(0, extract(epoch from now() - s.refilled_at)) * ${refill_per_second}) as available,
           s.max_per_second - b.busy as seats, b.first_end
      from senders s join turns t on t.account_id = s.account_id and t.channel_id = s.channel_id and t.version = s.xmin
     cross join lateral (
       select count(*) as busy, min(ends_at) as first_end from (${ends} order by ends_at limit s.max_per_second) ends) b
       for update of s skip locked
  )`;

/**
 * The write that belongs to it, after `picked (account_id, channel_id, place)`: each of place 1 takes a token and a seat. A
 * sender of which as many were picked as its share may have more that is due now (`is_short`), one with no token or seat left
 * has it at its `next_at`; of any other, all that was due is picked.
 */
export const paid_senders = `
  picked_of as materialized (
    select account_id, channel_id, count(*) as picked, count(*) filter (where place = 1) as claimed from picked group by 1, 2
  ),
  spent as (
    select t.*, t.available - coalesce(p.claimed, 0) as tokens_left, t.seats - coalesce(p.claimed, 0) as seats_left,
           coalesce(p.picked, 0) as picked
      from taken t
      left join picked_of p on p.account_id = t.account_id and p.channel_id = t.channel_id
  ),
  paid as (
    update senders s
       set tokens = t.tokens_left,
           -- A statement that began earlier may come later: time given once is not given again.
           refilled_at = greatest(s.refilled_at, now()),
           taken_at = case when t.seats > 0 then now() else s.taken_at end,
           next_at = greatest(
             case when t.tokens_left < 1
                  then greatest(s.refilled_at, now()) + make_interval(secs => (1 - t.tokens_left) / t.refill_per_second)
                  else '-infinity' end,
             -- What is in the air frees its seat no earlier than in a second.
             case when t.seats_left < 1 then least(t.first_end, now()) + interval '1 second' else '-infinity' end)
      from spent t
     where s.account_id = t.account_id and s.channel_id = t.channel_id
    returning s.next_at, t.picked, t.picked >= t.share as is_short, t.picked >= least(floor(t.available), t.seats) as is_spent
  )`;

/**
 * Milliseconds until more may be due, 0 where it may be already; null when no sender with due work waits for its turn. A claim
 * that picked nothing is not followed at once, whoever else may be due: they all may wait for their recipients.
 */
export const next_turn_ms = `
  (select case when bool_or(is_short) or (max(picked) > 0 and (select count(*) from turns) >= :free) then 0
               else ceil(extract(epoch from least(
                 min(greatest(next_at, now())) filter (where is_spent),
                 (select min(s.next_at) from senders s join due d on d.account_id = s.account_id and d.channel_id = s.channel_id
                   where s.next_at > now())) - now()) * 1000) end
     from paid)`;

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
