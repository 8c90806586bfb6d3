import type { Context, Scope } from '../../context.ts';
import { lowestIdAt } from '../../db/id-bounds.ts';
import type { WebhookAttemptsRow, WebhookDeliveriesRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';
import type { DeliveryStatus, WebhookAttemptView, WebhookDeliveryView } from './webhooks.schema.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export type DeliveryWithAttempts = WebhookDeliveriesRow & { shown: WebhookAttemptView[] };

const most_attempts_shown = 20;
const day_ms = 86_400_000;

interface DeliveriesFilter {
  endpoint_id: string;
  status: DeliveryStatus | null;
}

/** Newest first, `limit + 1` rows. */
export async function listDeliveries(
  ctx: Ctx,
  { endpoint_id, status }: DeliveriesFilter,
  page: { limit: number; after_id: string | null },
): Promise<DeliveryWithAttempts[]> {
  const query = table(ctx, 'webhook_deliveries')
    .where({ endpoint_id })
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (status !== null) query.where({ state: status });
  if (page.after_id !== null) query.where('id', '<', page.after_id);
  return withAttempts(ctx, (await query) as WebhookDeliveriesRow[]);
}

export async function findDelivery(ctx: Ctx, id: string): Promise<DeliveryWithAttempts | undefined> {
  const row = (await table(ctx, 'webhook_deliveries').where({ id }).first()) as WebhookDeliveriesRow | undefined;
  return row && (await withAttempts(ctx, [row]))[0];
}

async function withAttempts(ctx: Ctx, rows: WebhookDeliveriesRow[]): Promise<DeliveryWithAttempts[]> {
  if (rows.length === 0) return [];
  const { rows: attempts } = await ctx.db.raw<{ rows: WebhookAttemptsRow[] }>(
    `select a.* from unnest(cast(:ids as uuid[])) as d (id)
      cross join lateral (
        select * from webhook_attempts a where a.account_id = :account_id and a.delivery_id = d.id
         order by a.number desc limit ${most_attempts_shown}) a
      order by a.number`,
    { ids: rows.map(({ id }) => id), account_id: ctx.account_id },
  );
  return rows.map((row) => ({ ...row, shown: attempts.filter((one) => one.delivery_id === row.id).map(toAttempt) }));
}

function toAttempt(row: WebhookAttemptsRow): WebhookAttemptView {
  const { number, started_at, duration_ms, status_code, error, response } = row;
  return { number, at: started_at.toISOString(), duration_ms, status_code, error, response };
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
    attempts: row.shown,
    created_at: row.created_at.toISOString(),
    delivered_at: row.delivered_at?.toISOString() ?? null,
    failed_at: row.failed_at?.toISOString() ?? null,
  };
}

/** What endpoints answered to these events: it may repeat what they said of a person. */
export async function blankResponses({ db, account_id }: Ctx, event_ids: string[]): Promise<void> {
  if (event_ids.length === 0) return;
  await db.raw(
    `update webhook_attempts a set response = null
       from webhook_endpoints e
       join webhook_deliveries d on d.account_id = e.account_id and d.endpoint_id = e.id
      where e.account_id = :account_id and d.event_id = any (cast(:event_ids as uuid[]))
        and a.account_id = d.account_id and a.delivery_id = d.id and a.response is not null`,
    { account_id, event_ids },
  );
}

const dropped_at_once = 1_000;

/** Drops deliveries of all accounts with their attempts once they are so old, at most 1,000; returns how many. */
export async function dropOldDeliveries({ db }: Pick<Context, 'db'>, days: number): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `delete from webhook_deliveries where (account_id, id) in (
       select d.account_id, d.id
         from (select distinct account_id from webhook_endpoints) e
        cross join lateral (
          select account_id, id from webhook_deliveries d
           where d.account_id = e.account_id and d.id < :before order by d.id limit ${dropped_at_once}) d
        limit ${dropped_at_once})`,
    { before: lowestIdAt(Date.now() - days * day_ms) },
  );
  return rowCount;
}
