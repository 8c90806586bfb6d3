import type { Knex } from 'knex';
import { countGathered } from './gather.ts';

interface Pool {
  numUsed: () => number;
  numFree: () => number;
  numPendingAcquires: () => number;
}

const poolOf = (db: Knex) => (db.client as { pool?: Pool }).pool;

/** How many wait in this process for the database right now: for a connection of its pool, or for the next batch. */
export function countWaiting(db: Knex): number {
  return (poolOf(db)?.numPendingAcquires() ?? 0) + countGathered();
}

/** Connections of this process's pool right now: at work and at rest, and how many wait. */
export function readPool(db: Knex): { used: number; free: number; pending: number } {
  const pool = poolOf(db);
  return { used: pool?.numUsed() ?? 0, free: pool?.numFree() ?? 0, pending: countWaiting(db) };
}
