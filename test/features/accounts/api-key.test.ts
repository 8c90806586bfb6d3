import { createHash } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createApiKey, isSameSecret, readApiKey } from '../../../src/features/accounts/api-key.ts';

const id = uuid();
const { key, secret_hash } = createApiKey(id);
const [prefix = '', hex = '', rest = ''] = [key.slice(0, 4), key.slice(4, 36), key.slice(37)];
const secret = rest.slice(0, 43);

t.test('a key is cvs_, the id of its row, 256 bits of secret and a checksum', (t) => {
  t.equal(prefix, 'cvs_');
  t.equal(hex, id.replaceAll('-', ''));
  t.match(key, /^cvs_[0-9a-f]{32}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$/);
  t.equal(Buffer.from(secret, 'base64url').length, 32);
  t.end();
});

t.test('what is kept of it is the SHA-256 of the secret', (t) => {
  t.same(secret_hash, createHash('sha256').update(secret).digest());
  t.end();
});

t.test('two keys of one row have two secrets', (t) => {
  t.not(createApiKey(id).key, key);
  t.end();
});

t.test('a key is read back as its row and hash, a thousand of them too', (t) => {
  t.same(readApiKey(key), { id, secret_hash });
  for (let n = 0; n < 1_000; n += 1) {
    const other = createApiKey(id);
    const read = readApiKey(other.key);
    if (!read?.secret_hash.equals(other.secret_hash)) t.fail(`key ${n} is not read back`);
  }
  t.end();
});

t.test('a key with any one character changed, lost or doubled is refused without a query', (t) => {
  const flip = (character: string) => (character === 'a' ? 'b' : 'a');
  const wrong = [...key].flatMap((character, at) => [
    key.slice(0, at) + flip(character) + key.slice(at + 1),
    key.slice(0, at) + key.slice(at + 1),
    key.slice(0, at) + character + key.slice(at),
  ]);
  t.same(
    wrong.filter((one) => one !== key && readApiKey(one) !== null),
    [],
  );
  t.end();
});

t.test('what has another shape is no key', (t) => {
  for (const text of ['', 'cvs_', secret, key.toUpperCase(), ` ${key}`, `${key}\n`, key.replace('cvs_', 'whsec_')])
    t.equal(readApiKey(text), null, JSON.stringify(text.slice(0, 12)));
  t.end();
});

t.test('secrets are the same or not, of whatever length', (t) => {
  t.ok(isSameSecret(Buffer.from('abc'), Buffer.from('abc')));
  t.notOk(isSameSecret(Buffer.from('abc'), Buffer.from('abd')));
  t.notOk(isSameSecret(Buffer.from('abc'), Buffer.from('abcd')));
  t.end();
});
