import type { Knex } from 'knex';

/** How many wait for a connection of this process's pool right now. */
export function countPoolQueue(db: Knex): number {
  const { pool } = db.client as { pool?: { numPendingAcquires: () => number } };
  return pool?.numPendingAcquires() ?? 0;
}
