import type { Scope } from '../../context.ts';

/** How many messages of a channel are queued, sending or unknown: one branch per index that holds such few rows. */
export async function countUnsettledMessages(
  { db, account_id }: Pick<Scope, 'db' | 'account_id'>,
  channel_id: string,
): Promise<number> {
  const of = (state: string) => `
    select 1 from messages where account_id = :account_id and channel_id = :channel_id and state = '${state}'`;
  const { rows } = await db.raw<{ rows: { messages: number }[] }>(
    `select cast(count(*) as int) as messages
       from (${of('queued')} union all ${of('sending')} union all ${of('unknown')}) unsettled`,
    { account_id, channel_id },
  );
  return rows[0]?.messages ?? 0;
}
