import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import { next_turn_ms, paid_senders, recipient_pace_ms, takenSenders } from '../../lanes/pace.ts';
import type { Address, OutboundContent } from '../../providers/provider.ts';

type Ctx = Pick<Context, 'db'>;

/** A message that this process may send until its lease ends. */
export interface ClaimedMessage {
  account_id: string;
  id: string;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  recipient_kind: Address['kind'];
  recipient: string;
  payload: OutboundContent;
  attempt: number;
  fence: number;
}

/** One that nobody ended, by death or accident, takes no seat for longer than twice the lease. */
const attempt_ends = `
  select coalesce(a.finished_at, 'infinity') as ends_at from attempts a
   where a.account_id = s.account_id and a.channel_id = s.channel_id
     and coalesce(a.finished_at, 'infinity') > now() - interval '1 second'
     and (a.finished_at is not null or a.started_at > now() - 2 * cast(:lease as interval))`;

/**
 * T2 in one statement. `waiting` hops over the queue's index from sender to sender, to each one's oldest message (no scan of a
 * long queue), `taken` locks the senders whose turn it is, `picked` takes their oldest due messages whose contact got none in
 * the last 6 s, and no two for one contact. The 6 s count from the end of an attempt, as one that hangs may still arrive.
 */
const claim = prepare<
  { free: number; lease: string; recipient_pace: string },
  { claimed: ClaimedMessage[] | null; again_in_ms: string | null }
>(
  'claim_messages',
  `
  with recursive waiting as (
    (select account_id, channel_id, run_at from messages where state = 'queued'
      order by account_id, channel_id, run_at limit 1)
    union all
    select n.account_id, n.channel_id, n.run_at
      from waiting w
     cross join lateral (
       select m.account_id, m.channel_id, m.run_at from messages m
        where m.state = 'queued' and (m.account_id, m.channel_id) > (w.account_id, w.channel_id)
        order by m.account_id, m.channel_id, m.run_at limit 1) n
  ),
  due as (select account_id, channel_id from waiting where run_at <= now()),
  ${takenSenders(attempt_ends)},
  picked as (
    select m.account_id, m.id, m.channel_id,
           row_number() over (partition by m.account_id, m.channel_id, m.contact_id order by m.run_at, m.id) as place
      from taken t
     cross join lateral (
       select q.account_id, q.id, q.channel_id, q.contact_id, q.run_at from messages q
        where q.account_id = t.account_id and q.channel_id = t.channel_id and q.state = 'queued'
          and q.run_at <= now() and q.send_before > now()
          and not exists (
            select 1 from attempts a
             where a.account_id = q.account_id and a.channel_id = q.channel_id and a.contact_id = q.contact_id
               and a.started_at > now() - 2 * cast(:lease as interval) - cast(:recipient_pace as interval)
               and (a.outcome is null or (a.outcome not in ('unavailable', 'given_back')
                                          and a.finished_at > now() - cast(:recipient_pace as interval))))
        order by q.run_at, q.id
        limit greatest(0, least(floor(t.available), t.seats, t.share))
          for update skip locked) m
  ),
  claimed as (
    update messages m
       set state = 'sending', attempt = m.attempt + 1, fence = nextval('fences'),
           lease_until = now() + cast(:lease as interval), updated_at = now()
      from picked p
     -- Its lock was taken while it was queued. To ask for that again would lead PostgreSQL over the whole queue for each.
     where p.place = 1 and m.account_id = p.account_id and m.id = p.id
    returning m.account_id, m.id, m.attendance_id, m.contact_id, m.channel_id, m.recipient_kind, m.recipient,
              m.payload, m.attempt, m.fence
  ),
  tried as (
    insert into attempts (account_id, message_id, number, fence, channel_id, contact_id, started_at)
    select account_id, id, attempt, fence, channel_id, contact_id, now() from claimed
  ),
  ${paid_senders}
  select (select jsonb_agg(to_jsonb(claimed)) from claimed) as claimed, ${next_turn_ms} as again_in_ms`,
);

/** Takes at most `free` due messages, fairly between accounts and within each sender's pace. */
export async function claimMessages(
  { db }: Ctx,
  free: number,
  lease_ms: number,
): Promise<{ claimed: ClaimedMessage[]; again_in_ms: number | null }> {
  const [row] = await claim(db, {
    free,
    lease: `${lease_ms} milliseconds`,
    recipient_pace: `${recipient_pace_ms} milliseconds`,
  });
  return { claimed: row?.claimed ?? [], again_in_ms: row?.again_in_ms == null ? null : Number(row.again_in_ms) };
}
