import { randomBytes } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createVaults } from '../../../src/features/accounts/vaults.ts';
import { createDataKey, createKeyRing } from '../../../src/seal.ts';
import { captureLog } from '../../support/log.ts';
import { startService } from '../../support/service.ts';

const ring = createKeyRing([{ kid: 'k1', key: randomBytes(32) }]);
const newAccount = () => {
  const account_id = uuid();
  return { account_id, wrapped: ring.wrap(createDataKey(), account_id) };
};

t.test('an opened vault is kept: the second time its wrapped key is not looked at', (t) => {
  const vaults = createVaults(ring);
  const { account_id, wrapped } = newAccount();
  const vault = vaults.open(account_id, wrapped);
  t.equal(vaults.open(account_id, Buffer.alloc(0)), vault);
  t.end();
});

t.test('a wrapped key does not open for another account', (t) => {
  const vaults = createVaults(ring);
  t.throws(() => vaults.open(uuid(), newAccount().wrapped));
  t.end();
});

t.test('at most 1,000 are kept, the oldest goes first', (t) => {
  const vaults = createVaults(ring);
  const [first, second] = [newAccount(), newAccount()];
  for (const { account_id, wrapped } of [first, second]) vaults.open(account_id, wrapped);
  for (let n = 0; n < 999; n += 1) {
    const { account_id, wrapped } = newAccount();
    vaults.open(account_id, wrapped);
  }
  t.throws(() => vaults.open(first.account_id, Buffer.alloc(0)), 'the first is to be opened again');
  t.doesNotThrow(() => vaults.open(second.account_id, Buffer.alloc(0)));
  t.end();
});

t.test('of several accounts', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const [one, other] = [await service.createClient(), await service.createClient()];
  const ids = [one.account_id, other.account_id];

  t.test('one statement opens those that are not open yet, none opens the rest', async (t) => {
    const statements: string[] = [];
    const listener = ({ sql }: { sql: string }) => void statements.push(sql);
    service.db.on('query', listener);
    const first = await service.vaults.openAll(service.ctx, [...ids, one.account_id]);
    t.equal(statements.length, 1);
    const again = await service.vaults.openAll(service.ctx, ids);
    service.db.removeListener('query', listener);
    t.equal(statements.length, 1);
    t.same([...first.keys()].toSorted(), ids.toSorted());
    for (const id of ids) t.equal(again.get(id), first.get(id));
  });
  t.test('one that is gone is missing from the answer', async (t) => {
    const opened = await service.vaults.openAll(service.ctx, [uuid(), one.account_id]);
    t.same([...opened.keys()], [one.account_id]);
  });
  t.test('one whose key does not open is missing and logged, and the others are opened', async (t) => {
    const { log, lines } = captureLog();
    const broken = await service.createClient();
    const stranger = createKeyRing([{ kid: 'lost', key: randomBytes(32) }]);
    const data_key = stranger.wrap(createDataKey(), broken.account_id);
    await service.db('accounts').where({ id: broken.account_id }).update({ data_key });
    const opened = await service.vaults.openAll({ ...service.ctx, log }, [broken.account_id, one.account_id]);
    t.same([...opened.keys()], [one.account_id]);
    t.match(lines(), [{ msg: 'vault.not_opened', account_id: broken.account_id, err: { message: /"lost"/ } }]);
  });
});
