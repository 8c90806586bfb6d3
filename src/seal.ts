import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Vault } from './context.ts';
import { takeRandom } from './random.ts';

const version = 1;
const iv_bytes = 12;
const tag_bytes = 16;

export interface MasterKey {
  kid: string;
  /** 32 bytes. */
  key: Buffer;
}

/** The master keys of this installation: the first seals, all unseal. They wrap data keys, and seal what is kept for the operator's own repeats. */
export interface KeyRing {
  wrap: (data_key: Buffer, account_id: string) => Buffer;
  /** Throws `MasterKeyMissing` when the blob was wrapped by a key that is not in the ring. */
  unwrap: (wrapped: Buffer, account_id: string) => Buffer;
  /** The same under the first key; null when it is under that one already. Throws as `unwrap` does. */
  rewrap: (wrapped: Buffer, account_id: string) => Buffer | null;
}

class MasterKeyMissing extends Error {
  constructor(kid: string) {
    super(`master key "${kid}" is not in CONVERSAR_MASTER_KEYS; put it back (after the first) and start again`);
    this.name = 'MasterKeyMissing';
  }
}

/** AES-256-GCM: version, iv, tag, ciphertext. `aad` is authenticated and not stored. */
function encrypt(key: Buffer, plaintext: Buffer, aad: string): Buffer {
  const iv = takeRandom(iv_bytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(aad));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.from([version]), iv, cipher.getAuthTag(), ciphertext]);
}

function decrypt(key: Buffer, sealed: Buffer, aad: string): Buffer {
  if (sealed[0] !== version) throw new Error(`sealed blob has unknown version ${sealed[0]}`);
  const tag_start = 1 + iv_bytes;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, tag_start), { authTagLength: tag_bytes });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(tag_start, tag_start + tag_bytes));
  return Buffer.concat([decipher.update(sealed.subarray(tag_start + tag_bytes)), decipher.final()]);
}

/** A ring over at least one key. Wrapped blobs open with the kid of their key, so that rotation can find them. */
export function createKeyRing(keys: MasterKey[]): KeyRing {
  const [first] = keys;
  if (!first) throw new Error('a key ring needs at least one master key');
  const kidOf = (wrapped: Buffer) => wrapped.subarray(1, 1 + (wrapped[0] ?? 0)).toString();
  const wrap: KeyRing['wrap'] = (data_key, account_id) => {
    const kid = Buffer.from(first.kid);
    return Buffer.concat([Buffer.from([kid.length]), kid, encrypt(first.key, data_key, `data_key:${account_id}`)]);
  };
  const unwrap: KeyRing['unwrap'] = (wrapped, account_id) => {
    const kid = kidOf(wrapped);
    const master = keys.find((key) => key.kid === kid);
    if (!master) throw new MasterKeyMissing(kid);
    return decrypt(master.key, wrapped.subarray(1 + (wrapped[0] ?? 0)), `data_key:${account_id}`);
  };
  return {
    wrap,
    unwrap,
    rewrap: (wrapped, account_id) =>
      kidOf(wrapped) === first.kid ? null : wrap(unwrap(wrapped, account_id), account_id),
  };
}

/** Names a sealed thing of the operator's to the key ring, as an account's id names a data key. */
export const operatorBinding = (binding: string) => `operator:${binding}`;

/** Seals under the master keys themselves what belongs to the operator and to no account. */
export function createOperatorVault(ring: KeyRing): Vault {
  return {
    seal: (plaintext, binding) => ring.wrap(plaintext, operatorBinding(binding)),
    unseal: (sealed, binding) => ring.unwrap(sealed, operatorBinding(binding)),
    mac: () => {
      throw new Error('the operator has no data key');
    },
  };
}

/** A fresh data key for a new account. */
export function createDataKey(): Buffer {
  return randomBytes(32);
}

/** The vault of one account: every blob is bound to the account and to its row and column. */
export function createVault(data_key: Buffer, account_id: string): Vault {
  const bound = (binding: string) => `${account_id}:${binding}`;
  const derived = new Map<string, Buffer>();
  const derive = (purpose: string): Buffer => {
    const known = derived.get(purpose);
    if (known) return known;
    const key = Buffer.from(hkdfSync('sha256', data_key, account_id, `conversar:${purpose}`, 32));
    derived.set(purpose, key);
    return key;
  };
  return {
    seal: (plaintext, binding) => encrypt(data_key, plaintext, bound(binding)),
    unseal: (sealed, binding) => decrypt(data_key, sealed, bound(binding)),
    mac: (purpose, text) => createHmac('sha256', derive(purpose)).update(text).digest(),
  };
}
