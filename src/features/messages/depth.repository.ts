import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';

/** Messages that wait, of all accounts; each number stops at what was to be counted. */
export interface QueueDepth {
  queued: number;
  queued_due: number;
  sending: number;
  unknown: number;
}

/** Beyond this nobody needs the exact number, and counting would cost what it warns of. */
const most_counted = 10_000;

const count = prepare<{ most: number }, QueueDepth>(
  'read_queue_depth',
  `select q.queued, q.queued_due,
         (select count(*) from (select 1 from messages where state = 'sending' limit :most) s) as sending,
         (select count(*) from (select 1 from messages where state = 'unknown' limit :most) u) as unknown
    from (select count(*) as queued, count(*) filter (where run_at <= now()) as queued_due
            from (select run_at from messages where state = 'queued' limit :most) m) q`,
);

/** Reads three partial indexes, at most `most` entries of each; `queued_due` are those of the counted that are due. */
export async function readQueueDepth({ db }: Pick<Context, 'db'>, most = most_counted): Promise<QueueDepth> {
  const [row] = await count(db, { most });
  if (!row) throw new Error('a count returned no row');
  return row;
}
