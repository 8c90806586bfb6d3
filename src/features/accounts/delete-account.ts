import { type Context, inTransaction } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import { findAccount } from './accounts.repository.ts';
import { deleteRest, deleteSome, endAccess, large_tables } from './delete.repository.ts';

/** Well below what one statement may take, and no transaction that others wait for. */
const rows_at_once = 1_000;

export const deletion_unfinished = defineProblem({
  code: 'deletion_unfinished',
  status: 503,
  retryable: true,
  retry_after_s: 2,
  title: { en: 'Not all is deleted yet', pt: 'A exclusão não terminou' },
  detail: {
    en: 'The service is stopping. The keys of the account are gone, and part of what it had; send the same request again for the rest.',
    pt: 'O serviço está parando. As chaves da conta e parte do que ela tinha já foram excluídas; repita a requisição para o restante.',
  },
});

/**
 * Deletes an account and everything in it: its keys first, then what it has many of in pieces, itself last, so that whatever
 * breaks in between is finished by the same call. False when there is no such account.
 */
export async function deleteAccount(ctx: Context, id: string, most = rows_at_once): Promise<boolean> {
  if (!(await findAccount(ctx, id))) return false;
  await inTransaction(ctx, (trx) => endAccess(trx, id));
  for (const table of large_tables) {
    let deleted: number;
    do {
      if (ctx.signal.aborted) throw deletion_unfinished();
      deleted = await deleteSome(ctx, id, { table, most });
    } while (deleted > 0);
  }
  return inTransaction(ctx, (trx) => deleteRest(trx, id));
}
