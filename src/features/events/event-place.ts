/**
 * A place in the order of one account's events, which is by (txid, position): behind this event, or before the first one
 * of a transaction (position 0). Both are 64-bit numbers, kept as text.
 */
export interface Place {
  txid: string;
  position: string;
}

/** Before the first event. */
export const beginning: Place = { txid: '0', position: '0' };

/** Stands for it where the id of an event is wanted. */
export const beginning_id = '00000000-0000-0000-0000-000000000000';

/** Less than 0 when `one` is before `other`, 0 when they are the same. */
export function comparePlaces(one: Place, other: Place): number {
  return compare(one.txid, other.txid) || compare(one.position, other.position);
}

const compare = (one: string, other: string) => Number(BigInt(one) - BigInt(other));

/** The place as callers get it: opaque, with its version. */
export const toCursor = ({ txid, position }: Place) => Buffer.from(`1:${txid}:${position}`).toString('base64url');

/** PostgreSQL's bounds: a txid has 64 bits, a position 63. */
const most_txid = 2n ** 64n - 1n;
const most_position = 2n ** 63n - 1n;

/** Null for what is no cursor of ours. */
export function readCursor(cursor: string): Place | null {
  const [, txid, position] = /^1:(\d{1,20}):(\d{1,19})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (!txid || !position || BigInt(txid) > most_txid || BigInt(position) > most_position) return null;
  return { txid, position };
}
