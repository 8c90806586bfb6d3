import type { Context, Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf, table } from '../../db/table.ts';
import type { ChannelNews } from '../../providers/provider.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export async function insertChannel(
  { db }: Ctx,
  row: Omit<
    ChannelsRow,
    'status' | 'status_detail' | 'templates_synced_at' | 'sync_due_at' | 'archived_at' | 'is_live'
  >,
): Promise<ChannelsRow> {
  const [inserted] = await db<ChannelsRow>('channels').insert(row).returning('*');
  if (!inserted) throw new Error('an insert returned no row');
  return inserted;
}

export async function findChannel(ctx: Ctx, id: string): Promise<ChannelsRow | undefined> {
  return table(ctx, 'channels').where({ id }).whereNull('archived_at').first();
}

const findOne = prepare<{ id: string }, ChannelsRow>(
  'find_inbound_channel',
  `select ${columnsOf('channels', 'c')} from channels c where c.id = :id and c.archived_at is null`,
);

/** The channel of a provider's call, which names it and no account. */
export async function findInboundChannel({ db }: Pick<Context, 'db'>, id: string): Promise<ChannelsRow | undefined> {
  const [row] = await findOne(db, { id });
  return row;
}

/** What a provider's call is judged by. */
export type InboundFacts = Pick<ChannelsRow, 'account_id' | 'id' | 'provider' | 'credentials' | 'verify_token'>;

/**
 * A common table expression `unchanged (account_id, id)`: of `:channels` those that still are what `:credentials` and `:tokens`
 * say, held against their removal. One that somebody is removing right now is left out, for it would hold up all others.
 */
export const unchanged_channels = `
  unchanged as (
    select c.account_id, c.id
      from unnest(cast(:channels as uuid[]), cast(:credentials as bytea[]), cast(:tokens as text[])) as k (id, credentials, verify_token)
      join channels c on c.id = k.id
     where c.archived_at is null and c.credentials = k.credentials and c.verify_token = k.verify_token
       for key share of c skip locked
  )`;

/** Its templates are to be read again; asked twice it stays the first time. */
export async function askForSync(ctx: Ctx & Pick<Scope, 'now'>, id: string): Promise<void> {
  await table(ctx, 'channels').where({ id }).whereNull('sync_due_at').update({ sync_due_at: ctx.now() });
}

/** Whose turn it is to have templates read again: accounts that had one, each time anew, and those who are not to have one now. */
export interface SyncTurns {
  had: string[];
  busy: string[];
}

/**
 * Takes one channel whose templates are to be read again and were not within `every_ms`, of the account that had the fewest turns;
 * the mark goes with it.
 */
export async function takeDueSync(
  { db }: Pick<Context, 'db'>,
  every_ms: number,
  { had, busy }: SyncTurns,
): Promise<Pick<ChannelsRow, 'account_id' | 'id'> | undefined> {
  const { rows } = await db.raw<{ rows: Pick<ChannelsRow, 'account_id' | 'id'>[] }>(
    `update channels set sync_due_at = null
      where (account_id, id) = (
        select account_id, id from channels
         where sync_due_at is not null and (templates_synced_at is null or templates_synced_at < now() - cast(:every as interval))
           and account_id <> all (cast(:busy as uuid[]))
         order by cardinality(array_positions(cast(:had as uuid[]), account_id)), sync_due_at limit 1 for update skip locked)
     returning account_id, id`,
    { every: `${every_ms} milliseconds`, had, busy },
  );
  return rows[0];
}

/** Newest first, `limit + 1` rows. */
export async function listChannels(ctx: Ctx, page: { limit: number; after_id: string | null }): Promise<ChannelsRow[]> {
  const query = table(ctx, 'channels')
    .whereNull('archived_at')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '<', page.after_id);
}

/** Holds the channel until the transaction ends, against other holders and changes; starts over it go on. */
export async function lockChannel(ctx: Ctx, id: string): Promise<ChannelsRow | undefined> {
  return table(ctx, 'channels').where({ id }).whereNull('archived_at').forNoKeyUpdate().first();
}

export async function setBaseUrl(ctx: Ctx, id: string, base_url: string): Promise<void> {
  await table(ctx, 'channels').where({ id }).update({ base_url });
}

export async function setTemplatesSyncedAt(ctx: Ctx, id: string, at: Date): Promise<void> {
  await table(ctx, 'channels').where({ id }).update({ templates_synced_at: at });
}

const findChannels = prepare<{ accounts: string[]; channels: string[] }, ChannelsRow>(
  'list_channels_of',
  `select ${columnsOf('channels', 'c')} from channels c
     join (select distinct * from unnest(cast(:accounts as uuid[]), cast(:channels as uuid[])) as u (account_id, channel_id)) k
       on c.account_id = k.account_id and c.id = k.channel_id`,
);

/** Of several accounts at once, for the lanes. */
export async function listChannelsOf(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; channel_id: string }[],
): Promise<ChannelsRow[]> {
  return findChannels(db, {
    accounts: keys.map((key) => key.account_id),
    channels: keys.map((key) => key.channel_id),
  });
}

type ChannelName = Pick<ChannelsRow, 'id' | 'name' | 'provider'>;

const findNames = prepare<{ accounts: string[]; ids: string[] }, ChannelName>(
  'list_channel_names',
  `select id, name, provider from channels
    where (account_id, id) in (select * from unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])))`,
);

/** What these channels, of several accounts, are called; archived ones too. */
export async function listChannelNames(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; id: string }[],
): Promise<ChannelName[]> {
  return findNames(db, { accounts: keys.map((key) => key.account_id), ids: keys.map((key) => key.id) });
}

/** What a call to a provider was made with. */
export type AskedWith = Pick<ChannelsRow, 'credentials' | 'base_url'>;

export interface NewsOptions {
  lifts_lock?: boolean;
  /** Absent: the news came by itself. */
  asked_with?: AskedWith;
}

/**
 * Sets the status; the row when that changed something, else undefined: one event per change. WhatsApp's lock on opening chats
 * outlives any connection of a gateway: a check lifts it, and other credentials, which are another number's (`lifts_lock`). What was
 * learned by a call (`asked_with`) says nothing of a channel that has other credentials, or another address, by now.
 */
export async function changeChannelStatus(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  news: ChannelNews,
  { lifts_lock = false, asked_with }: NewsOptions,
): Promise<ChannelsRow | undefined> {
  const query = table(ctx, 'channels').where({ id }).whereNull('archived_at').whereNot({ status: news.status });
  if (asked_with) query.where({ credentials: asked_with.credentials, base_url: asked_with.base_url });
  if (!lifts_lock) query.whereRaw(`not (type = 'unofficial' and status = 'restricted')`);
  const [row] = await query
    .update({ status: news.status, status_detail: news.detail?.slice(0, 500) ?? null, updated_at: ctx.now() })
    .returning('*');
  return row;
}

export type ChannelColumns = Pick<
  ChannelsRow,
  | 'identity_scope'
  | 'name'
  | 'phone'
  | 'credentials'
  | 'base_url'
  | 'default_team_id'
  | 'verify_token'
  | 'send_within_s'
  | 'on_unknown'
  | 'max_per_second'
  | 'stuck_after_s'
  | 'reopen_within_s'
>;

/** Breaks `channels_name`, or `channels_account_id_default_team_id_fkey` when there is no such team. */
export async function updateChannel(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  change: Partial<ChannelColumns>,
): Promise<void> {
  await table(ctx, 'channels')
    .where({ id })
    .update({ ...change, updated_at: ctx.now() });
}

/** Holds the channel until the transaction ends, against changes and against starts. */
export async function lockChannelAlone(ctx: Ctx, id: string): Promise<ChannelsRow | undefined> {
  return table(ctx, 'channels').where({ id }).whereNull('archived_at').forUpdate().first();
}

/** With its sender and its templates. */
export async function removeChannel(ctx: Ctx, id: string): Promise<void> {
  await table(ctx, 'channels').where({ id }).delete();
}

/** It keeps its name and number for old attendances; another channel may take them, and its credentials are gone. */
export async function archiveChannel(ctx: Ctx & Pick<Scope, 'now'>, id: string): Promise<void> {
  await table(ctx, 'channels')
    .where({ id })
    .update({ archived_at: ctx.now(), credentials: Buffer.alloc(0), default_team_id: null });
}

/** Archived ones aside. */
export async function listChannelsOfDefaultTeam(ctx: Ctx, team_id: string): Promise<Pick<ChannelsRow, 'id'>[]> {
  return table(ctx, 'channels').where({ default_team_id: team_id }).whereNull('archived_at').orderBy('id').select('id');
}
