import type { Context, Scope } from '../../context.ts';
import { lowestIdAt } from '../../db/id-bounds.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';
import { patient } from '../events/renumber.repository.ts';
import type { WebhookEndpointView } from './webhooks.schema.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export type NewEndpointRow = Pick<
  WebhookEndpointsRow,
  | 'account_id'
  | 'id'
  | 'url'
  | 'event_types'
  | 'description'
  | 'is_enabled'
  | 'disabled_reason'
  | 'secret'
  | 'reads_from'
  | 'created_at'
  | 'updated_at'
>;

/** Its place in the order of events is now. */
export async function insertEndpoint({ db }: Ctx, row: NewEndpointRow): Promise<WebhookEndpointsRow> {
  const [inserted] = await db<WebhookEndpointsRow>('webhook_endpoints').insert(row).returning('*');
  if (!inserted) throw new Error('an insert returned no row');
  return inserted;
}

export async function findEndpoint(ctx: Ctx, id: string): Promise<WebhookEndpointsRow | undefined> {
  return table(ctx, 'webhook_endpoints').where({ id }).first();
}

/** Newest first, `limit + 1` rows. */
export async function listEndpoints(
  ctx: Ctx,
  page: { limit: number; after_id: string | null },
): Promise<WebhookEndpointsRow[]> {
  const query = table(ctx, 'webhook_endpoints')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '<', page.after_id);
}

/** Held against its lane and other changes until the transaction ends. */
export async function lockEndpoint(ctx: Ctx, id: string): Promise<WebhookEndpointsRow | undefined> {
  return table(ctx, 'webhook_endpoints').where({ id }).forUpdate().first();
}

/** No endpoint of the account gets further, is called, or has what came of a call written, until the transaction ends. */
export async function holdEndpoints(ctx: Ctx): Promise<void> {
  await table(ctx, 'webhook_endpoints').orderBy('id').forUpdate().select('id');
}

export type EndpointColumns = Pick<
  WebhookEndpointsRow,
  | 'url'
  | 'event_types'
  | 'description'
  | 'is_enabled'
  | 'disabled_reason'
  | 'secret'
  | 'previous_secret'
  | 'previous_secret_until'
  | 'failures'
  | 'failing_since'
  | 'paused_until'
  | 'fence'
  | 'lease_until'
>;

export async function updateEndpoint(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  change: Partial<EndpointColumns>,
): Promise<WebhookEndpointsRow> {
  const [updated] = await table(ctx, 'webhook_endpoints')
    .where({ id })
    .update({ ...change, updated_at: ctx.now() })
    .returning('*');
  if (!updated) throw new Error('a locked endpoint is gone');
  return updated as WebhookEndpointsRow;
}

/** It hears of nothing that happened before now. */
export async function moveToNow(ctx: Ctx & Pick<Scope, 'now'>, id: string): Promise<void> {
  await table(ctx, 'webhook_endpoints')
    .where({ id })
    .update({
      read_txid: ctx.db.raw('pg_snapshot_xmin(pg_current_snapshot())'),
      read_position: 0,
      reads_from: ctx.now(),
      reads_snapshot: ctx.db.raw('pg_current_snapshot()'),
    });
}

const longest_transaction_ms = 60_000;

/**
 * Puts the endpoint in front of all events since then; what it has not heard of yet stays in front of it, whenever that was. Ids of
 * events are UUIDs v7, and a transaction lives for seconds: one that began a minute before is the earliest that can hold such an
 * event. An unfinished replay goes on with this one.
 */
export async function moveBack({ db, account_id }: Ctx, id: string, since: Date): Promise<void> {
  await db.raw(
    `update webhook_endpoints e
        set reads_from = least(e.reads_from, :since),
            reads_snapshot = case when :since < e.reads_from then null else e.reads_snapshot end,
            replays_from = case when is_replaying then least(e.replays_from, :since) else :since end,
            replayed_to_txid = case when is_replaying then e.replayed_to_txid else e.read_txid end,
            replayed_to_position = case when is_replaying then e.replayed_to_position else e.read_position end,
            read_position = 0,
            read_txid = least(e.read_txid, (
              select min(v.txid) from (
                select txid from events
                 where account_id = :account_id
                   and id >= :earliest
                 order by id limit 1000) v))
       from (select (read_txid, read_position) < (replayed_to_txid, replayed_to_position) as is_replaying
               from webhook_endpoints where account_id = :account_id and id = :id) w
      where e.account_id = :account_id and e.id = :id`,
    { account_id, id, since, earliest: lowestIdAt(since.getTime() - longest_transaction_ms) },
  );
}

/** Its deliveries go with it. */
export async function deleteEndpoint(ctx: Ctx, id: string): Promise<boolean> {
  return (await table(ctx, 'webhook_endpoints').where({ id }).delete()) === 1;
}

export function toEndpoint(row: WebhookEndpointsRow): WebhookEndpointView {
  return {
    id: row.id,
    url: row.url,
    events: row.event_types as WebhookEndpointView['events'],
    description: row.description,
    is_enabled: row.is_enabled,
    disabled_reason: row.disabled_reason as WebhookEndpointView['disabled_reason'],
    failing_since: row.failing_since?.toISOString() ?? null,
    previous_secret_until: row.previous_secret_until?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** SQL: how many events of the endpoint's account lie up to a place. */
const placeAfter = (place: string) =>
  `(select count(*) from events v where v.account_id = e.account_id and (v.txid, v.position) <= ${place})`;

/** Before the events of these accounts are numbered from 1: places in their order become how many events lie up to there. */
export async function renumberReadPlaces({ db }: Pick<Context, 'db'>, account_ids: string[]): Promise<void> {
  await db
    .raw(
      `update webhook_endpoints e
        set reads_snapshot = null, read_txid = '1', read_position = ${placeAfter('(e.read_txid, e.read_position)')},
            replayed_to_txid = '1', replayed_to_position = ${placeAfter('(e.replayed_to_txid, e.replayed_to_position)')}
      where e.account_id = any (:account_ids)`,
      { account_ids },
    )
    .options(patient);
}
