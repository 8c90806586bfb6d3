import type { Scope } from '../../context.ts';

/** What keeps a team or a channel from being deleted. Call it while that one is locked against new attendances. */
type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** Starting or open ones of a team, and whether there was ever any. */
export function countTeamAttendances(ctx: Ctx, team_id: string): Promise<{ live: number; has_any: boolean }> {
  return count(ctx, 'team_id', team_id);
}

/** Starting or open ones over a channel, and whether there was ever any. */
export function countChannelAttendances(ctx: Ctx, channel_id: string): Promise<{ live: number; has_any: boolean }> {
  return count(ctx, 'channel_id', channel_id);
}

async function count({ db, account_id }: Ctx, column: 'team_id' | 'channel_id', id: string) {
  const { rows } = await db.raw<{ rows: { live: number; has_any: boolean }[] }>(
    `select (select cast(count(*) as int) from attendances
              where account_id = :account_id and ${column} = :id and is_live) as live,
            exists (select from attendances where account_id = :account_id and ${column} = :id) as has_any`,
    { account_id, id },
  );
  const [counts] = rows;
  if (!counts) throw new Error('a select without from returned no row');
  return counts;
}
