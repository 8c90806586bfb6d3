import type { Context } from '../../context.ts';
import { gather, gatherEach } from '../../db/gather.ts';
import { isDatabaseUnavailable, isLostToAnother } from '../../db/pg-errors.ts';
import { insertStarts, type StartWrite } from './start.repository.ts';
import { readStarts, type StartFacts, type StartQuestion } from './start-facts.repository.ts';

type Ctx = Pick<Context, 'db'>;

/** How a start reads and writes: by itself, or together with others that come in at the same time. */
export interface StartRows {
  read: (ctx: Ctx, question: StartQuestion) => Promise<StartFacts>;
  insert: (ctx: Ctx, write: StartWrite) => Promise<void>;
}

/** By itself: in a transaction, or where there is no door with a crowd before it. */
export const single_start_rows: StartRows = {
  read: async (ctx, question) => {
    const [facts] = await readStarts(ctx, [question]);
    if (!facts) throw new Error('a question without an answer');
    return facts;
  },
  insert: (ctx, write) => insertStarts(ctx, [write]),
};

/** A statement of 32 starts takes some 10 ms; two of them keep both PostgreSQL and the disk at work. */
const gathering = { most: 32, at_once: 2 };

/** What one start lost to another is its own: who had nothing to do with it goes on by itself. */
const isShared = (error: unknown) => isDatabaseUnavailable(error) && !isLostToAnother(error);

/**
 * Together over the pool of `own`: one round trip and one commit for as many starts as came in meanwhile. Each is answered
 * after its own commit, and one that breaks a constraint fails alone.
 */
export function gatherStartRows(own: Ctx): StartRows {
  const read = gather((questions: StartQuestion[]) => readStarts(own, questions), gathering);
  const insert = gatherEach((writes: StartWrite[]) => insertStarts(own, writes), { ...gathering, isShared });
  return { read: (_, question) => read(question), insert: (_, write) => insert(write) };
}
