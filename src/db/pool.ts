import type { Knex } from 'knex';

interface Pool {
  numUsed: () => number;
  numFree: () => number;
  numPendingAcquires: () => number;
}

const poolOf = (db: Knex) => (db.client as { pool?: Pool }).pool;

/** How many wait for a connection of this process's pool right now. */
export function countPoolQueue(db: Knex): number {
  return poolOf(db)?.numPendingAcquires() ?? 0;
}

/** Connections of this process's pool right now: at work, at rest, and waited for. */
export function readPool(db: Knex): { used: number; free: number; pending: number } {
  const pool = poolOf(db);
  return { used: pool?.numUsed() ?? 0, free: pool?.numFree() ?? 0, pending: countPoolQueue(db) };
}
