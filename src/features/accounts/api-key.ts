import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * `cvs_<id><secret><checksum>`: the id (32 hex digits of its UUID) finds the row, the secret (43 base64url characters, 256
 * bits) proves it, the checksum (8 hex digits) lets a scanner and us refuse a mistyped key without a query.
 */
const shape = /^cvs_([0-9a-f]{32})_([A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;

const digest = (text: string) => createHash('sha256').update(text).digest();
const checksum = (text: string) => digest(text).toString('hex', 0, 4);

/** A new key for the row `id` (a UUID): the text is shown once, the hash is what is kept. */
export function createApiKey(id: string): { key: string; secret_hash: Buffer } {
  const secret = randomBytes(32).toString('base64url');
  const start = `cvs_${id.replaceAll('-', '')}_${secret}`;
  return { key: `${start}_${checksum(start)}`, secret_hash: digest(secret) };
}

/** The row's id and the hash of the secret; null when it is no key of ours (form or checksum). */
export function readApiKey(presented: string): { id: string; secret_hash: Buffer } | null {
  const [, hex, secret, sum] = shape.exec(presented) ?? [];
  if (!hex || !secret || checksum(`cvs_${hex}_${secret}`) !== sum) return null;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, secret_hash: digest(secret) };
}

/** Constant time. */
export function isSameSecret(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
