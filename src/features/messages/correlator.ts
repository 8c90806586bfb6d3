import { timingSafeEqual } from 'node:crypto';
import type { Vault } from '../../context.ts';

/** `cv1.<message id>.<attempt>.<mac>`: 22 + 16 characters of base64url around the attempt's number; far below 512. */
const shape = /^cv1\.([A-Za-z0-9_-]{22})\.(\d{1,9})\.([A-Za-z0-9_-]{16})$/;

const macOf = (vault: Vault, text: string) => vault.mac('correlator', text).subarray(0, 12);

/** Names a message and an attempt for a provider that echoes it in status webhooks; nobody else can make one. */
export function createCorrelator(vault: Vault, message_id: string, attempt: number): string {
  const id = Buffer.from(message_id.replaceAll('-', ''), 'hex').toString('base64url');
  const text = `cv1.${id}.${attempt}`;
  return `${text}.${macOf(vault, text).toString('base64url')}`;
}

/** The message and attempt a correlator of this account names; null when it is not one. */
export function readCorrelator(vault: Vault, correlator: string): { message_id: string; attempt: number } | null {
  const [, id, attempt, mac] = shape.exec(correlator) ?? [];
  if (!id || !attempt || !mac) return null;
  const expected = macOf(vault, correlator.slice(0, correlator.lastIndexOf('.')));
  if (!timingSafeEqual(expected, Buffer.from(mac, 'base64url'))) return null;
  const hex = Buffer.from(id, 'base64url').toString('hex');
  return { message_id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), attempt: Number(attempt) };
}
