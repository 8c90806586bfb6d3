import pino from 'pino';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { connect } from '../../src/db/connection.ts';
import { table } from '../../src/db/table.ts';
import { createDatabase, patience_ms } from '../support/database.ts';

t.test('a query over a table reaches the rows of its account and no others', async (t) => {
  const { settings } = await createDatabase(t);
  const db = connect(settings, {
    pool_max: 2,
    application_name: 'conversar test',
    log: pino({ level: 'silent' }),
    acquire_timeout_ms: patience_ms,
  });
  t.teardown(() => db.destroy());
  const accounts = [uuid(), uuid()] as const;
  const now = new Date();
  const times = { created_at: now, updated_at: now };
  for (const account_id of accounts) {
    await db('accounts').insert({ id: account_id, name: 'Loja', data_key: Buffer.alloc(32), ...times });
    await db('api_keys').insert({
      account_id,
      id: uuid(),
      name: 'Vendas',
      secret_hash: Buffer.alloc(32),
      scopes: ['contacts:read'],
      created_at: now,
    });
  }
  const [first, second] = accounts;
  const ctx = { db, account_id: first };

  const keys = await table(ctx, 'api_keys').select('account_id', 'name');
  t.same(keys, [{ account_id: first, name: 'Vendas' }]);
  t.equal(await table(ctx, 'api_keys').update({ name: 'Suporte' }), 1);

  const either = table(ctx, 'api_keys').where((group) => group.where({ name: 'Suporte' }).orWhere({ name: 'Vendas' }));
  t.same(await either.pluck('account_id'), [first], 'alternatives in a group stay inside the account');
  for (const bare of ['orWhere', 'orWhereIn', 'orWhereNull', 'orWhereRaw', 'orWhereNot', 'orWhereExists'] as const) {
    const query = table(ctx, 'api_keys') as unknown as Record<typeof bare, (...args: unknown[]) => unknown>;
    t.throws(() => query[bare]('name', ['Vendas']), { message: /^A bare "or" would reach other accounts/ }, bare);
  }
  t.throws(() => table(ctx, 'api_keys').or.where({ name: 'Vendas' }), { message: /^A bare "or"/ });

  t.equal(await table(ctx, 'api_keys').delete(), 1);
  t.same(await db('api_keys').select('account_id', 'name'), [{ account_id: second, name: 'Vendas' }]);
});
