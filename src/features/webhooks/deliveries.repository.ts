import type { Context, Scope } from '../../context.ts';
import { lowestIdAt } from '../../db/id-bounds.ts';
import type { WebhookDeliveriesRow } from '../../db/rows.ts';
import { columnsOf, table } from '../../db/table.ts';
import type { DeliveryStatus, WebhookAttemptView, WebhookDeliveryView } from './webhooks.schema.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** As JSON has it. */
type ShownAttempt = Omit<WebhookAttemptView, 'at'> & { started_at: string };
export type DeliveryWithAttempts = WebhookDeliveriesRow & { shown: ShownAttempt[] };

const most_attempts_shown = 20;
const day_ms = 86_400_000;

interface DeliveriesFilter {
  endpoint_id: string;
  status: DeliveryStatus | null;
}

/** A delivery with its attempts as they stand together: two statements could see two moments. */
const with_attempts = `
  select ${columnsOf('webhook_deliveries', 'd')}, (
           select coalesce(jsonb_agg(to_jsonb(a) order by a.number), '[]') from (
             select number, started_at, duration_ms, status_code, error, response from webhook_attempts a
              where a.account_id = d.account_id and a.delivery_id = d.id
              order by a.number desc limit ${most_attempts_shown}) a) as shown
    from webhook_deliveries d
   where d.account_id = :account_id`;

/** Newest first, `limit + 1` rows. */
export async function listDeliveries(
  { db, account_id }: Ctx,
  { endpoint_id, status }: DeliveriesFilter,
  { limit, after_id }: { limit: number; after_id: string | null },
): Promise<DeliveryWithAttempts[]> {
  const { rows } = await db.raw<{ rows: DeliveryWithAttempts[] }>(
    `${with_attempts} and d.endpoint_id = :endpoint_id
        and (cast(:status as text) is null or d.state = :status) and (cast(:after_id as uuid) is null or d.id < :after_id)
      order by d.id desc limit :limit`,
    { account_id, endpoint_id, status, after_id, limit: limit + 1 },
  );
  return rows;
}

export async function findDelivery({ db, account_id }: Ctx, id: string): Promise<DeliveryWithAttempts | undefined> {
  const { rows } = await db.raw<{ rows: DeliveryWithAttempts[] }>(`${with_attempts} and d.id = :id`, {
    account_id,
    id,
  });
  return rows[0];
}

function toAttempt({ started_at, ...attempt }: ShownAttempt): WebhookAttemptView {
  return { ...attempt, at: new Date(started_at).toISOString() };
}

/** Due now, with the schedule of repeats from its beginning, whatever came of it before. */
export async function makeDue(ctx: Ctx, id: string): Promise<void> {
  await table(ctx, 'webhook_deliveries')
    .where({ id })
    .update({ state: 'pending', tries: 0, run_at: ctx.db.fn.now(), delivered_at: null, failed_at: null });
}

export function toDelivery(row: DeliveryWithAttempts): WebhookDeliveryView {
  return {
    id: row.id,
    endpoint_id: row.endpoint_id,
    event_id: row.event_id,
    event_type: row.event_type,
    status: row.state as DeliveryStatus,
    next_attempt_at: row.state === 'pending' ? row.run_at.toISOString() : null,
    attempts: row.shown.map(toAttempt),
    created_at: row.created_at.toISOString(),
    delivered_at: row.delivered_at?.toISOString() ?? null,
    failed_at: row.failed_at?.toISOString() ?? null,
  };
}

/** What endpoints answered to these events, or will to a call that is in the air: it may repeat what they said of a person. */
export async function blankResponses({ db, account_id }: Ctx, event_ids: string[]): Promise<void> {
  if (event_ids.length === 0) return;
  await db.raw(
    `with told as (
       select d.account_id, d.id from webhook_endpoints e
         join webhook_deliveries d on d.account_id = e.account_id and d.endpoint_id = e.id
        where e.account_id = :account_id and d.event_id = any (cast(:event_ids as uuid[]))
        order by d.id for update of d
     ),
     hidden as (
       update webhook_deliveries d set hides_answers = true from told t
        where d.account_id = t.account_id and d.id = t.id
       returning d.account_id, d.id
     )
     update webhook_attempts a set response = null
       from hidden h
      where a.account_id = h.account_id and a.delivery_id = h.id and a.response is not null`,
    { account_id, event_ids },
  );
}

const dropped_at_once = 1_000;

/**
 * Drops deliveries of all accounts with their attempts once they are so old, at most 1,000; returns how many. What an enabled endpoint
 * is still to hear stays.
 */
export async function dropOldDeliveries({ db, now }: Pick<Context, 'db' | 'now'>, days: number): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `delete from webhook_deliveries where (account_id, id) in (
       select d.account_id, d.id
         from (select distinct account_id from webhook_endpoints) e
        cross join lateral (
          select account_id, id from webhook_deliveries d
           where d.account_id = e.account_id and d.id < :before
             and not (d.state = 'pending' and exists (
               select from webhook_endpoints w where w.account_id = d.account_id and w.id = d.endpoint_id and w.is_enabled))
           order by d.id limit ${dropped_at_once}) d
        limit ${dropped_at_once})`,
    { before: lowestIdAt(now().getTime() - days * day_ms) },
  );
  return rowCount;
}
