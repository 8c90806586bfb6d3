import { type Context, inTransaction } from '../../context.ts';
import { listAccountsAhead, lockRenumbering, renumberEventsOf } from './renumber.repository.ts';

/**
 * After a dump was restored into a younger PostgreSQL its events lie in the future of that one's transactions, and would stay
 * hidden until it comes there: they are numbered anew, in one transaction. `movePlaces` moves the places that others keep in
 * the order of events, while the old numbers still stand. Call before anything is served.
 */
export async function renumberRestoredEvents(
  ctx: Pick<Context, 'db' | 'log'>,
  movePlaces: (trx: Pick<Context, 'db'>, account_ids: string[]) => Promise<void>,
): Promise<void> {
  if ((await listAccountsAhead(ctx)).length === 0) return;
  await inTransaction(ctx, async (trx) => {
    await lockRenumbering(trx);
    // Another process may have done it meanwhile.
    const account_ids = await listAccountsAhead(trx);
    if (account_ids.length === 0) return;
    await movePlaces(trx, account_ids);
    const events = await renumberEventsOf(trx, account_ids);
    ctx.log.warn({ accounts: account_ids.length, events }, 'events.renumbered');
  });
}
