import t from 'tap';
import { v7 as uuid } from 'uuid';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const other = await service.createCompany();
const waiting = { prefer: 'wait=20' };
const start = async (body: Body): Promise<Body> => (await company.start(body, waiting)).body;
const setCreatedAt = (id: string, created_at: string) => service.db('attendances').where({ id }).update({ created_at });

const first = await start({ contact: { phone: '31988880001', name: 'Ana' } });
const second = await start({ contact: { id: first.contact.id }, channel_id: company.unofficial_id, text: 'Olá!' });
const third = await start({
  contact: { phone: '31988880003' },
  channel_id: company.unofficial_id,
  team_id: company.other_team_id,
});
const failed = await start({ contact: { phone: '31988880404' } });
await service.db('attendances').where({ id: third.id }).update({ status: 'closed', closed_at: new Date() });
await setCreatedAt(first.id, '2026-01-01T00:00:00.000Z');
await setCreatedAt(second.id, '2026-01-02T00:00:00.000Z');
await setCreatedAt(third.id, '2026-01-03T00:00:00.000Z');
await other.start({ contact: { phone: '31988880001' } }, waiting);

t.test('GET /v1/attendances', async (t) => {
  const idsOf = async (query: string): Promise<string[]> => {
    const { status, body } = await company.get(`/v1/attendances${query}`);
    t.equal(status, 200, query);
    return body.data.map(({ id }: Body) => id);
  };
  const filters: [string, string, Body[]][] = [
    ['nothing: all of the account, newest first', '', [failed, third, second, first]],
    ['status', '?status=open', [second, first]],
    ['status failed', '?status=failed', [failed]],
    ['status that none has', '?status=starting', []],
    ['origin active', '?origin=active', [failed, third, second, first]],
    ['origin receptive', '?origin=receptive', []],
    ['channel', `?channel_id=${company.official_id}`, [failed, first]],
    ['team', `?team_id=${company.other_team_id}`, [third]],
    ['contact', `?contact_id=${first.contact.id}`, [second, first]],
    ['several at once', `?contact_id=${first.contact.id}&channel_id=${company.official_id}&status=open`, [first]],
    ['the first moment', '?created_after=2026-01-02T00:00:00.000Z', [failed, third, second]],
    ['the first moment, elsewhere', '?created_after=2026-01-01T21:00:00-03:00', [failed, third, second]],
    ['the end, which is left out', '?created_before=2026-01-02T00:00:00.000Z', [first]],
    ['a span', '?created_after=2026-01-02T00:00:00Z&created_before=2026-01-03T00:00:00Z', [second]],
    ["another account's channel", `?channel_id=${other.official_id}`, []],
    ['a contact that does not exist', `?contact_id=${uuid()}`, []],
  ];
  for (const [title, query, expected] of filters) {
    t.test(`by ${title}`, async (t) => {
      t.same(
        await idsOf(query),
        expected.map(({ id }) => id),
      );
    });
  }
  t.test('a filter and pages go together', async (t) => {
    const { body } = await company.get('/v1/attendances?status=open&limit=1');
    t.same(
      body.data.map(({ id }: Body) => id),
      [second.id],
    );
    t.same(await idsOf(`?status=open&limit=1&cursor=${body.next_cursor}`), [first.id]);
  });
  t.test('shows each as a GET of it does, beside the timeline', async (t) => {
    const { body } = await company.get('/v1/attendances');
    for (const attendance of body.data) {
      const { timeline, ...shown } = (await company.get(`/v1/attendances/${attendance.id}`)).body;
      t.same(attendance, shown);
      t.ok(timeline.length > 0);
    }
  });
  t.test('asks the database as often for four as for one', async (t) => {
    const countStatements = async (limit: number) => {
      let count = 0;
      const listener = ({ sql }: { sql: string }) => {
        // The lane sweeps meanwhile.
        const is_sweep = /state = '(sending|queued|unknown|settled)'/.test(sql);
        if (/attendances|contacts|channels|teams|messages/.test(sql) && sql.startsWith('select') && !is_sweep)
          count += 1;
      };
      service.db.on('query', listener);
      await company.get(`/v1/attendances?limit=${limit}`);
      service.db.removeListener('query', listener);
      return count;
    };
    const one = await countStatements(1);
    t.ok(one > 0);
    t.equal(await countStatements(4), one);
  });
});

t.test('GET /v1/attendances/{attendance_id}', async (t) => {
  t.test('shows what happened, in order', async (t) => {
    const { body } = await company.get(`/v1/attendances/${failed.id}`);
    t.match(body, {
      status: 'failed',
      first_message: { status: 'failed', error: { retryable: Boolean, provider: { name: 'whatsapp_cloud' } } },
    });
    t.same(
      body.timeline.map(({ type, sequence }: Body) => [type, sequence]),
      [
        ['attendance.started', 1],
        ['message.failed', 2],
        ['attendance.failed', 3],
      ],
    );
    const times = body.timeline.map(({ at }: Body) => at);
    t.same(times, times.toSorted());
  });
  t.test('tells whether the service window is open', async (t) => {
    const windowAt = async (window_expires_at: Date | null) => {
      await service.db('attendances').where({ id: first.id }).update({ window_expires_at });
      return (await company.get(`/v1/attendances/${first.id}`)).body.service_window;
    };
    const [past, future] = [new Date('2026-01-01T00:00:00Z'), new Date('2999-01-01T00:00:00Z')];
    t.same(await windowAt(null), { status: 'not_started', expires_at: null });
    t.same(await windowAt(past), { status: 'expired', expires_at: past.toISOString() });
    t.same(await windowAt(future), { status: 'active', expires_at: future.toISOString() });
  });
});

t.test('GET /v1/attendances/{attendance_id}/messages', async (t) => {
  t.test('lists them oldest first, page by page', async (t) => {
    const again = { contact: { id: first.contact.id }, channel_id: company.unofficial_id, on_open: 'reuse' };
    const added = [await start({ ...again, text: 'Dois' }), await start({ ...again, text: 'Três' })];
    t.same(new Set(added.map(({ id }) => id)), new Set([second.id]));
    const { body: page } = await company.get(`/v1/attendances/${second.id}/messages?limit=2`);
    t.same(
      page.data.map(({ text }: Body) => text),
      ['Olá!', 'Dois'],
    );
    const { body: next } = await company.get(`/v1/attendances/${second.id}/messages?cursor=${page.next_cursor}`);
    t.same(
      next.data.map(({ text }: Body) => text),
      ['Três'],
    );
    t.equal(next.next_cursor, null);
  });
  t.test('is empty where nothing was said', async (t) => {
    t.same((await company.get(`/v1/attendances/${third.id}/messages`)).body, { data: [], next_cursor: null });
  });
});

t.test('GET /v1/messages/{message_id}', async (t) => {
  t.test('shows a message that was taken, with its attempt', async (t) => {
    const { status, body } = await company.get(`/v1/messages/${first.first_message.id}`);
    t.equal(status, 200);
    t.match(body, {
      id: first.first_message.id,
      attendance_id: first.id,
      contact_id: first.contact.id,
      channel_id: company.official_id,
      direction: 'outbound',
      type: 'template',
      template: { name: 'boas_vindas', language: 'pt_BR', parameters: {} },
      media: null,
      status: 'accepted',
      error: null,
      provider_message_id: /^wamid\./,
      attempts: [{ number: 1, outcome: 'accepted', error: null }],
      accepted_at: /Z$/,
      failed_at: null,
    });
    const { body: page } = await company.get(`/v1/attendances/${first.id}/messages`);
    const { timeline, ...message } = body;
    t.match(timeline, [{ type: 'message.accepted', sequence: 2 }]);
    t.same(page.data, [message], 'as the list does');
    const [received] = await service.received('?to=5531988880001&protocol=graph');
    t.equal(received?.provider_message_id, body.provider_message_id);
  });
  t.test('shows why one was refused: our code, the provider’s, and what would help', async (t) => {
    const { body } = await company.get(`/v1/messages/${failed.first_message.id}`);
    const error = {
      code: /^[a-z_]+$/,
      detail: /./,
      action: 'fix_number',
      provider: { name: 'whatsapp_cloud', code: '131026', trace_id: /^A/ },
    };
    t.match(body, { status: 'failed', failed_at: /Z$/, error, attempts: [{ number: 1, outcome: 'refused', error }] });
  });
});

t.test("a missing id and another account's answer the same 404", async (t) => {
  const { body: theirs } = await other.get('/v1/attendances');
  const { id, first_message } = theirs.data[0];
  const asked: [string, string, string, string][] = [
    ['attendance_not_found', ':attendance_id', '/v1/attendances/', id],
    ['attendance_not_found', ':attendance_id', '/v1/attendances/-/messages', id],
    ['message_not_found', ':message_id', '/v1/messages/', first_message.id],
  ];
  for (const [code, pointer, path, foreign] of asked) {
    t.test(path, async (t) => {
      const answers: string[] = [];
      for (const one of [uuid(), foreign]) {
        const reply = await company.get(path.includes('-') ? path.replace('-', one) : path + one);
        t.match(reply, { status: 404, body: { code, errors: [{ pointer, code }] } });
        answers.push(JSON.stringify({ ...reply.body, request_id: null }).replaceAll(one, 'id'));
      }
      t.equal(answers[0], answers[1]);
    });
  }
});
