import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';

/** What providers called in and is not applied yet, of all accounts; each number stops at what was to be counted. */
export interface InboundDepth {
  due: number;
  working: number;
  quarantined: number;
}

/** Beyond this nobody needs the exact number. */
const most_counted = 10_000;

const count = prepare<{ most: number }, InboundDepth>(
  'read_inbound_depth',
  `select count(*) filter (where state = 'due') as due, count(*) filter (where state = 'working') as working,
          count(*) filter (where state = 'quarantined') as quarantined
     from ((select state from inbound_bodies limit :most) union all (select state from inbound_items limit :most)) w`,
);

/** Reads at most `most` bodies and as many items that were kept aside: both tables hold nothing that is done. */
export async function readInboundDepth({ db }: Pick<Context, 'db'>, most = most_counted): Promise<InboundDepth> {
  const [row] = await count(db, { most });
  if (!row) throw new Error('a count returned no row');
  return row;
}
