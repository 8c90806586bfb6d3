import t from 'tap';
import { v7 as uuid } from 'uuid';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();

/** All pages of an export, read with this many rows each. */
async function exportAll(contact_id: string, limit: number): Promise<Body[]> {
  const pages: Body[] = [];
  let cursor = '';
  do {
    const { status, body, text } = await company.get(`/v1/contacts/${contact_id}/export?limit=${limit}${cursor}`);
    if (status !== 200) throw new Error(text);
    pages.push(body);
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  return pages;
}
const ids = (things: Body[]) => things.map((one) => one.id);

t.test('GET /v1/contacts/{contact_id}/export', async (t) => {
  const { body: contact } = await company.post('/v1/contacts', {
    phone: '31988880001',
    name: 'Ana',
    metadata: { a: 1 },
  });
  const other = { contact: { phone: '31988880002' }, channel_id: company.unofficial_id, text: 'Olá!' };
  await company.start(other);
  const by_id = { contact: { id: contact.id }, on_open: 'reuse' };
  const { body: official } = await company.start(by_id);
  const { body: gateway } = await company.start({ ...by_id, channel_id: company.unofficial_id });
  const messages = [official.first_message.id];
  for (let n = 0; n < 4; n += 1) {
    const { body } = await company.start({ ...by_id, channel_id: company.unofficial_id, text: `Olá ${n}` });
    messages.push(body.outcome.message_id);
  }

  t.test('has the contact, its attendances and its messages, oldest first, as they are shown elsewhere', async (t) => {
    const [page, ...more] = await exportAll(contact.id, 100);
    t.same(more, []);
    t.same(page.contact, (await company.get(`/v1/contacts/${contact.id}`)).body);
    t.same(ids(page.attendances), [official.id, gateway.id]);
    t.same(ids(page.messages), messages);
    const { timeline, ...attendance } = (await company.get(`/v1/attendances/${gateway.id}`)).body;
    t.ok(timeline.length > 0);
    t.same(page.attendances[1], attendance);
    const { body: listed } = await company.get(`/v1/attendances/${gateway.id}/messages`);
    t.same(page.messages.slice(1), listed.data);
  });

  t.test('in pages of any size each attendance and message comes once', async (t) => {
    for (const limit of [1, 2, 3]) {
      const pages = await exportAll(contact.id, limit);
      t.ok(pages.every((page) => page.attendances.length + page.messages.length <= limit));
      t.ok(pages.every((page) => page.contact.id === contact.id));
      t.same(ids(pages.flatMap((page) => page.attendances)), [official.id, gateway.id], `limit ${limit}`);
      t.same(ids(pages.flatMap((page) => page.messages)), messages, `limit ${limit}`);
    }
  });

  t.test('of someone with no history is the contact alone', async (t) => {
    const { body: fresh } = await company.post('/v1/contacts', { phone: '31988880003' });
    const { body } = await company.get(`/v1/contacts/${fresh.id}/export`);
    t.same(body, { contact: fresh, attendances: [], messages: [], next_cursor: null });
  });

  t.test("a missing id and another account's answer the same 404; a bad cursor is 400", async (t) => {
    const client = await service.createClient();
    const { body: theirs } = await client.post('/v1/contacts', { phone: '31988880001' });
    for (const id of [uuid(), theirs.id])
      t.match(await company.get(`/v1/contacts/${id}/export`), {
        status: 404,
        body: { code: 'contact_not_found', errors: [{ pointer: ':contact_id' }] },
      });
    t.match(await company.get(`/v1/contacts/${contact.id}/export?cursor=x`), {
      status: 400,
      body: { code: 'cursor_invalid' },
    });
  });
});
