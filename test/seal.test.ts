import { randomBytes } from 'node:crypto';
import t from 'tap';
import { createDataKey, createKeyRing, createVault } from '../src/seal.ts';

const account_id = '019a0000-0000-7000-8000-0000000000a1';
const other_id = '019a0000-0000-7000-8000-0000000000a2';
const binding = 'channels.credentials:1';
const data_key = createDataKey();
const vault = createVault(data_key, account_id);
const plaintext = Buffer.from('a secret of the test, long enough to be looked for');
const key = (kid: string) => ({ kid, key: randomBytes(32) });

t.test('a vault', async (t) => {
  const sealed = vault.seal(plaintext, binding);

  t.test('gives back what it sealed, of any length', async (t) => {
    for (const length of [0, 1, 15, 16, 17, 100_000]) {
      const given = randomBytes(length);
      t.ok(vault.unseal(vault.seal(given, binding), binding).equals(given), `${length} bytes`);
    }
  });
  t.test('seals the same thing differently each time, and shows nothing of it', async (t) => {
    const blobs = new Set(Array.from({ length: 100 }, () => vault.seal(plaintext, binding).toString('hex')));
    t.equal(blobs.size, 100);
    t.notOk(sealed.includes(plaintext.subarray(0, 8)));
  });
  t.test('opens for the row and column it was sealed for, and no other', async (t) => {
    t.throws(() => vault.unseal(sealed, 'channels.credentials:2'));
    t.throws(() => vault.unseal(sealed, 'idempotency_keys.answer:1'));
    t.throws(() => vault.unseal(sealed, ''));
  });
  t.test('opens for its account and data key, and no other', async (t) => {
    t.throws(() => createVault(data_key, other_id).unseal(sealed, binding));
    t.throws(() => createVault(createDataKey(), account_id).unseal(sealed, binding));
  });
  t.test('refuses a blob with any bit changed, cut short or made longer', async (t) => {
    const wrong: Buffer[] = [...sealed.keys()].map((at) => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      return changed;
    });
    for (let length = 0; length < sealed.length; length += 1) wrong.push(sealed.subarray(0, length));
    wrong.push(Buffer.concat([sealed, Buffer.alloc(1)]));
    let refused = 0;
    for (const blob of wrong) {
      try {
        vault.unseal(blob, binding);
      } catch {
        refused += 1;
      }
    }
    t.equal(refused, wrong.length);
  });
  t.test('names a version it does not know', async (t) => {
    t.throws(() => vault.unseal(Buffer.concat([Buffer.from([9]), sealed.subarray(1)]), binding), /version 9/);
  });
  t.test('makes a MAC that tells purpose, text, account and data key apart', async (t) => {
    const macs = [
      vault.mac('correlator', 'text'),
      vault.mac('correlator', 'other'),
      vault.mac('webhook', 'text'),
      createVault(data_key, other_id).mac('correlator', 'text'),
      createVault(createDataKey(), account_id).mac('correlator', 'text'),
    ].map((mac) => mac.toString('hex'));
    t.equal(new Set(macs).size, macs.length);
    t.equal(
      createVault(data_key, account_id).mac('correlator', 'text').toString('hex'),
      macs[0],
      'and is the same again',
    );
    t.equal(macs[0]?.length, 64);
  });
});

t.test('a key ring', async (t) => {
  const [old, fresh] = [key('2025'), key('2026')];

  t.test('seals with its first key, and opens with any', async (t) => {
    const before = createKeyRing([old]);
    const rotated = createKeyRing([fresh, old]);
    const wrapped = before.wrap(data_key, account_id);
    t.ok(rotated.unwrap(wrapped, account_id).equals(data_key));
    const again = rotated.wrap(data_key, account_id);
    t.ok(createKeyRing([fresh]).unwrap(again, account_id).equals(data_key), 'the first is enough for what it sealed');
  });
  t.test('names the key that is missing', async (t) => {
    const wrapped = createKeyRing([old]).wrap(data_key, account_id);
    const unwrap = () => createKeyRing([fresh]).unwrap(wrapped, account_id);
    t.throws(unwrap, { name: 'MasterKeyMissing', message: /"2025" is not in CONVERSAR_MASTER_KEYS/ });
  });
  t.test('refuses another key under the same name', async (t) => {
    const wrapped = createKeyRing([old]).wrap(data_key, account_id);
    t.throws(() => createKeyRing([key(old.kid)]).unwrap(wrapped, account_id));
  });
  t.test('opens a data key for its own account alone', async (t) => {
    const ring = createKeyRing([old]);
    t.throws(() => ring.unwrap(ring.wrap(data_key, account_id), other_id));
  });
  t.test('shows nothing of the data key', async (t) => {
    const wrapped = createKeyRing([old]).wrap(data_key, account_id);
    t.notOk(wrapped.includes(data_key.subarray(0, 8)));
  });
  t.test('needs a key', async (t) => {
    t.throws(() => createKeyRing([]), /at least one master key/);
  });
});

t.test('a data key is 256 random bits', async (t) => {
  t.equal(data_key.length, 32);
  t.notOk(createDataKey().equals(createDataKey()));
});
