import type { Context, Scope } from '../../context.ts';
import type { TeamsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { table } from '../../db/table.ts';
import type { TeamView } from './teams.schema.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export interface TeamWithChannels extends TeamsRow {
  channel_ids: string[];
}

const with_channels = `
  select t.*, array(select c.channel_id from team_channels c
                     where c.account_id = t.account_id and c.team_id = t.id and c.is_live
                     order by c.channel_id) as channel_ids
    from teams t`;

export type NewTeamRow = Omit<TeamsRow, 'archived_at' | 'is_live'>;

export async function insertTeam({ db }: Ctx, row: NewTeamRow): Promise<void> {
  await db('teams').insert(row);
}

export async function insertTeamChannels(
  { db, account_id }: Ctx,
  team_id: string,
  channel_ids: string[],
): Promise<void> {
  if (channel_ids.length === 0) return;
  await db('team_channels').insert(channel_ids.map((channel_id) => ({ account_id, team_id, channel_id })));
}

/** Archived ones aside. */
export async function countTeams(ctx: Ctx): Promise<number> {
  const [row] = await table(ctx, 'teams').whereNull('archived_at').count({ teams: '*' });
  return Number(row?.teams ?? 0);
}

const findDefault = prepare<{ account_id: string }, { id: string }>(
  'find_default_team',
  'select id from teams where account_id = :account_id and is_default',
);

/** The team that takes receptive attendances of channels without one of their own. */
export async function findDefaultTeam({ db, account_id }: Ctx): Promise<string | undefined> {
  const [row] = await findDefault(db, { account_id });
  return row?.id;
}

/** Those of these teams that are not archived. */
export async function listLiveTeams(ctx: Ctx, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await table(ctx, 'teams').whereIn('id', ids).whereNull('archived_at').select('id');
  return new Set(rows.map(({ id }) => id));
}

/** Takes the mark from the team that has it. */
export async function clearDefaultTeam(ctx: Ctx): Promise<void> {
  await table(ctx, 'teams').where({ is_default: true }).update({ is_default: false });
}

export async function findTeam({ db, account_id }: Ctx, id: string): Promise<TeamWithChannels | undefined> {
  const { rows } = await db.raw<{ rows: TeamWithChannels[] }>(
    `${with_channels} where t.account_id = ? and t.id = ? and t.archived_at is null`,
    [account_id, id],
  );
  return rows[0];
}

/** Newest first, `limit + 1` rows. */
export async function listTeams(
  { db, account_id }: Ctx,
  page: { limit: number; after_id: string | null },
): Promise<TeamWithChannels[]> {
  const { rows } = await db.raw<{ rows: TeamWithChannels[] }>(
    `${with_channels} where t.account_id = :account_id and t.archived_at is null and (cast(:after_id as uuid) is null or t.id < :after_id) order by t.id desc limit :limit`,
    { account_id, after_id: page.after_id, limit: page.limit + 1 },
  );
  return rows;
}

type TeamName = Pick<TeamsRow, 'id' | 'name'>;

const findNames = prepare<{ accounts: string[]; ids: string[] }, TeamName>(
  'list_team_names',
  `select id, name from teams
    where (account_id, id) in (select * from unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])))`,
);

/** What these teams, of several accounts, are called; archived ones too. */
export async function listTeamNames(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; id: string }[],
): Promise<TeamName[]> {
  if (keys.length === 0) return [];
  return findNames(db, { accounts: keys.map((key) => key.account_id), ids: keys.map((key) => key.id) });
}

/** The team, held against changes and new attendances until the transaction ends; undefined when gone. */
export async function lockTeam(ctx: Ctx, id: string): Promise<TeamWithChannels | undefined> {
  const held = await table(ctx, 'teams').where({ id }).whereNull('archived_at').forUpdate().first('id');
  return held && findTeam(ctx, id);
}

/** Breaks `teams_name`, and `teams_one_default` when another team took the mark meanwhile. */
export async function updateTeam(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  change: Partial<Pick<TeamsRow, 'name' | 'is_default' | 'channel_scope'>>,
): Promise<void> {
  await table(ctx, 'teams')
    .where({ id })
    .update({ ...change, updated_at: ctx.now() });
}

export async function deleteTeamChannels(ctx: Ctx, team_id: string): Promise<void> {
  await table(ctx, 'team_channels').where({ team_id }).delete();
}

export async function removeTeam(ctx: Ctx, id: string): Promise<void> {
  await table(ctx, 'teams').where({ id }).delete();
}

/** It keeps its name for old attendances; another team may take it. */
export async function archiveTeam(ctx: Ctx & Pick<Scope, 'now'>, id: string): Promise<void> {
  await table(ctx, 'teams').where({ id }).update({ archived_at: ctx.now(), is_default: false });
}

export function toTeam(row: NewTeamRow & { channel_ids: string[] }): TeamView {
  return {
    id: row.id,
    name: row.name,
    is_default: row.is_default,
    channels: { scope: row.channel_scope as TeamView['channels']['scope'], channel_ids: row.channel_ids },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
