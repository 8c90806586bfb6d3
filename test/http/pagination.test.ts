import t from 'tap';
import { v7 as uuid } from 'uuid';
import { readPage, toPage } from '../../src/http/pagination.ts';
import { type Body, startService } from '../support/service.ts';

const rows = (count: number) => Array.from({ length: count }, () => ({ id: uuid() }));
const cursorOf = (text: string) => Buffer.from(text).toString('base64url');

t.test('a page is as long as asked, 25 without a word', (t) => {
  t.same(readPage({}), { limit: 25, after_id: null });
  t.same(readPage({ limit: 3 }), { limit: 3, after_id: null });
  t.end();
});

t.test('next_cursor leads behind the last row shown, and is null on the last page', (t) => {
  const found = rows(3);
  const { data, next_cursor } = toPage(found, 2, (row) => row.id);
  t.same(data, [found[0]?.id, found[1]?.id]);
  t.same(readPage({ cursor: String(next_cursor) }), { limit: 25, after_id: found[1]?.id });
  for (const count of [0, 1, 2]) t.equal(toPage(rows(count), 2, (row) => row).next_cursor, null, `${count} rows`);
  t.end();
});

t.test('a cursor of our making is taken, any other is cursor_invalid', (t) => {
  const id = uuid();
  t.equal(readPage({ cursor: cursorOf(`1:${id}`) }).after_id, id);
  const junk = ['', 'x', '*', id, cursorOf(id), cursorOf(`2:${id}`), cursorOf('1:42'), cursorOf(`1:${id}'--`)];
  for (const cursor of junk) t.throws(() => readPage({ cursor }), { message: 'cursor_invalid' });
  t.end();
});

t.test('every list', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const company = await service.createCompany();
  const other = await service.createCompany();
  for (const phone of ['31988880001', '31988880002', '31988880003']) {
    for (const { start } of [company, other]) {
      await start({ contact: { phone }, channel_id: company.unofficial_id });
      await start({ contact: { phone } });
    }
  }
  const { body: first } = await company.get('/v1/attendances?limit=1');
  const lists: [string, boolean][] = [
    ['/v1/attendances', true],
    ['/v1/contacts', true],
    ['/v1/teams', true],
    ['/v1/channels', true],
    ['/v1/templates', true],
    [`/v1/attendances/${first.data[0].id}/messages`, false],
  ];
  for (const [url, is_newest_first] of lists) {
    t.test(`${url.replace(/[0-9a-f-]{36}/, '{id}')} is read page by page, without gap or overlap`, async (t) => {
      const { body: whole } = await company.get(`${url}?limit=100`);
      const ids = whole.data.map(({ id }: Body) => id);
      t.same(ids, is_newest_first ? ids.toSorted().reverse() : ids.toSorted());
      t.equal(whole.next_cursor, null);
      const paged: string[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await company.get(`${url}?limit=2${cursor}`);
        paged.push(...body.data.map(({ id }: Body) => id));
        if (body.next_cursor === null) break;
        cursor = `&cursor=${body.next_cursor}`;
      }
      t.same(paged, ids);
    });
    t.test(
      `${url.replace(/[0-9a-f-]{36}/, '{id}')} refuses a cursor it did not give: 400 cursor_invalid`,
      async (t) => {
        for (const cursor of ['x', cursorOf('1:42'), cursorOf(`0:${uuid()}`)]) {
          const errors = [{ pointer: '?cursor', code: 'cursor_invalid' }];
          t.match(await company.get(`${url}?cursor=${cursor}`), {
            status: 400,
            body: { code: 'cursor_invalid', errors },
          });
        }
      },
    );
    t.test(`${url.replace(/[0-9a-f-]{36}/, '{id}')} takes a limit from 1 to 100`, async (t) => {
      for (const [limit, status] of [
        [0, 400],
        [1, 200],
        [100, 200],
        [101, 400],
      ]) {
        t.equal((await company.get(`${url}?limit=${limit}`)).status, status, String(limit));
      }
    });
  }
  t.test('a cursor of another account leads nowhere but into one’s own rows', async (t) => {
    const { body: theirs } = await other.get('/v1/attendances?limit=1');
    const { body } = await company.get(`/v1/attendances?limit=100&cursor=${theirs.next_cursor}`);
    const { body: mine } = await company.get('/v1/attendances?limit=100');
    const ids = new Set(mine.data.map(({ id }: Body) => id));
    t.ok(body.data.length > 0);
    t.ok(body.data.every(({ id }: Body) => ids.has(id)));
  });
});
