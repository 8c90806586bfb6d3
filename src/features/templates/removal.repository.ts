import type { Scope } from '../../context.ts';
import { table } from '../../db/table.ts';

/** Deletes the templates of a channel; messages keep what they were made of. */
export async function removeTemplates(ctx: Pick<Scope, 'db' | 'account_id'>, channel_id: string): Promise<void> {
  await table(ctx, 'templates').where({ channel_id }).delete();
}
