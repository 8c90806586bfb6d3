import { createHash } from 'node:crypto';
import t from 'tap';
import { createKeyForAccount } from '../../../src/features/accounts/create-api-key.ts';
import { readKey } from '../../../src/features/accounts/read-key.ts';
import { type Client, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const rowOf = (client: Client) => service.db('api_keys').where({ account_id: client.account_id }).first();
const change = (client: Client, row: Record<string, unknown>) =>
  service.db('api_keys').where({ account_id: client.account_id }).update(row);

t.test('a key speaks for its account, country and scopes', async (t) => {
  const client = await service.createClient({ default_country: 'PT', scopes: ['contacts:read', 'teams:read'] });
  const scope = await readKey(service.ctx, service.vaults, client.key);
  const { id } = await rowOf(client);
  t.match(scope, {
    account_id: client.account_id,
    api_key_id: id,
    default_country: 'PT',
    scopes: ['contacts:read', 'teams:read'],
  });
  const sealed = scope?.vault.seal(Buffer.from('x'), 'b') ?? Buffer.alloc(0);
  t.equal(scope?.vault.unseal(sealed, 'b').toString(), 'x');
});

t.test('expires_at is the first moment it is refused', async (t) => {
  const client = await service.createClient();
  const expires_at = new Date('2030-01-01T00:00:00Z');
  await change(client, { expires_at });
  const readAt = (offset_ms: number) =>
    readKey({ ...service.ctx, now: () => new Date(expires_at.getTime() + offset_ms) }, service.vaults, client.key);
  t.ok(await readAt(-1));
  t.equal(await readAt(0), null);
  t.equal(await readAt(1), null);
});

t.test('a revoked key is refused at once', async (t) => {
  const client = await service.createClient();
  t.match(await client.get('/v1/teams'), { status: 200 });
  await change(client, { revoked_at: new Date() });
  t.match(await client.get('/v1/teams'), { status: 401 });
});

t.test('another key of the account goes on', async (t) => {
  const client = await service.createClient();
  const { key } = await createKeyForAccount(service.ctx, client.account_id, { name: 'second' });
  await service
    .db('api_keys')
    .where({ account_id: client.account_id, name: 'test' })
    .update({ revoked_at: new Date() });
  t.match(await service.send(client.key, 'GET', '/v1/teams'), { status: 401 });
  t.match(await service.send(key, 'GET', '/v1/teams'), { status: 200 });
});

t.test('last_used_at is set by the first use, and moved on after a minute at the earliest', async (t) => {
  const client = await service.createClient();
  t.equal((await rowOf(client)).last_used_at, null);
  const useAt = async (time: string) => {
    await readKey({ ...service.ctx, now: () => new Date(time) }, service.vaults, client.key);
    return (await rowOf(client)).last_used_at.toISOString();
  };
  const first = '2026-11-22T12:00:00.000Z';
  t.equal(await useAt(first), first);
  t.equal(await useAt('2026-11-22T12:01:00.000Z'), first);
  t.equal(await useAt('2026-11-22T12:01:00.001Z'), '2026-11-22T12:01:00.001Z');
});

t.test('a refused key is not used', async (t) => {
  const client = await service.createClient();
  await change(client, { revoked_at: new Date() });
  await client.get('/v1/teams');
  t.equal((await rowOf(client)).last_used_at, null);
});

t.test('the database knows the SHA-256 of the secret alone', async (t) => {
  const client = await service.createClient();
  const secret = client.key.slice(37, 80);
  const row = await rowOf(client);
  t.same(row.secret_hash, createHash('sha256').update(secret).digest());
  const { rows } = await service.db.raw<{ rows: { found: string }[] }>(
    'select k::text as found from api_keys k union all select a::text from accounts a',
  );
  const hex = Buffer.from(secret).toString('hex');
  for (const { found } of rows) t.notOk(found.includes(secret) || found.includes(hex));
});
