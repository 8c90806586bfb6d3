import t from 'tap';
import { v7 as uuid } from 'uuid';
import { deleteAccount } from '../../../src/features/accounts/delete-account.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx } = service;

/** A company with `contacts` people and as many events. */
async function createLarge(contacts: number) {
  const company = await service.createCompany();
  await service.db.raw(
    `insert into contacts (account_id, id, name, phone_digits, created_at, updated_at)
     select ?, new_id(now(), n), 'Ana', '', now(), now() from generate_series(1, ?) n`,
    [company.account_id, contacts],
  );
  return company;
}

const countOf = async (table: string, account_id: string) =>
  (await service.db(table).where({ account_id }).select('account_id')).length;

t.test('what an account has many of goes in pieces', async (t) => {
  const { account_id } = await createLarge(25);
  const pieces: number[] = [];
  const listen = (rows: unknown, { sql }: { sql: string }) => {
    if (sql.startsWith('delete from "contacts"')) pieces.push(rows as number);
  };
  service.db.on('query-response', listen);
  t.teardown(() => service.db.removeListener('query-response', listen));
  t.equal(await deleteAccount(ctx, account_id, 10), true);
  t.same(pieces, [10, 10, 5, 0]);
  t.equal(await countOf('contacts', account_id), 0);
  t.equal(await deleteAccount(ctx, account_id, 10), false, 'gone');
});

t.test('a stop ends it between two pieces: the keys are gone, and the same call does the rest', async (t) => {
  const company = await createLarge(25);
  const { account_id } = company;
  const started = await company.start({ contact: { phone: '31988880001' } });
  t.equal(started.status, 201);
  const stop = new AbortController();
  const listen = (_: unknown, { sql }: { sql: string }) => {
    if (sql.startsWith('delete from "contacts"')) stop.abort();
  };
  service.db.on('query-response', listen);
  t.teardown(() => service.db.removeListener('query-response', listen));
  const error = await deleteAccount({ ...ctx, signal: stop.signal }, account_id, 10).catch((thrown: unknown) => thrown);
  t.match(error, { kind: { code: 'deletion_unfinished', status: 503, retryable: true } });
  t.equal(await countOf('contacts', account_id), 16, 'some are left');
  t.equal(await countOf('messages', account_id), 0);
  t.match(await company.get('/v1/contacts'), { status: 401 });
  t.equal(await countOf('senders', account_id), 0, 'nothing is claimed');
  t.equal(await deleteAccount(ctx, account_id, 10), true);
  for (const table of ['contacts', 'channels', 'events', 'idempotency_keys'])
    t.equal(await countOf(table, account_id), 0);
});

t.test('of two at once one deletes it, and both end', async (t) => {
  const { account_id } = await createLarge(40);
  const both = await Promise.all([deleteAccount(ctx, account_id, 5), deleteAccount(ctx, account_id, 5)]);
  t.same(both.toSorted(), [false, true]);
  t.equal(await countOf('contacts', account_id), 0);
});

t.test('an account that is not there', async (t) => {
  t.equal(await deleteAccount(ctx, uuid()), false);
});
