import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createKeyForAccount } from '../../src/features/accounts/create-api-key.ts';
import { eraseAnswers, sweepAnswers } from '../../src/http/idempotency.repository.ts';
import { allSent, countRows } from '../support/refusal.ts';
import { type Company, eventually, type Reply, startService } from '../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const fresh = () => ({ 'idempotency-key': uuid() });
let last = 0;
const someone = () => {
  last += 1;
  return { phone: `319777${String(last).padStart(5, '0')}` };
};
const keptFor = (headers: { 'idempotency-key': string }) =>
  service.db('idempotency_keys').where({ key: headers['idempotency-key'] }).select('*');
const isReplay = (reply: Reply) => reply.headers['idempotent-replayed'] === 'true';

t.test('a repeat of a start with the same Idempotency-Key', async (t) => {
  const contact = { ...someone(), name: 'Ana Sigilosa' };
  const headers = fresh();
  const first = await company.start({ contact }, headers);
  t.equal(first.status, 201);
  t.notOk(isReplay(first));
  await eventually(
    () => company.get(`/v1/attendances/${first.body.id}`),
    ({ body }) => body.status === 'open',
  );
  const rows = await countRows(service);

  t.test('gets the stored answer byte for byte, though the attendance has moved on', async (t) => {
    const again = await company.start({ contact }, headers);
    t.ok(isReplay(again));
    t.equal(again.status, 201);
    t.equal(again.text, first.text);
    t.equal(again.headers.location, first.headers.location);
    t.equal(again.headers['content-type'], first.headers['content-type']);
    t.not(again.headers['x-request-id'], first.headers['x-request-id'], 'under a request id of its own');
  });
  t.test('quoted or not is the same key', async (t) => {
    const again = await company.start({ contact }, { 'idempotency-key': `"${headers['idempotency-key']}"` });
    t.ok(isReplay(again));
    t.equal(again.text, first.text);
  });
  t.test('in another language is the same request', async (t) => {
    const again = await company.start({ contact }, { ...headers, 'accept-language': 'pt-BR' });
    t.equal(again.text, first.text);
  });
  t.test('with Prefer: wait shows the attendance as it is now; status, Location and ids repeat', async (t) => {
    const again = await company.start({ contact }, { ...headers, prefer: 'wait=20' });
    t.ok(isReplay(again));
    t.equal(again.status, 201);
    t.equal(again.headers.location, first.headers.location);
    t.match(again.body, { id: first.body.id, status: 'open', first_message: { status: 'accepted' } });
    t.same(again.body.outcome, first.body.outcome);
  });
  t.test('does nothing a second time', async (t) => {
    t.same(await countRows(service), rows);
    t.equal((await service.received(`?to=55${contact.phone}`)).length, 1);
  });
  t.test('keeps nothing of the answer that the database could read', async (t) => {
    const [kept] = await keptFor(headers);
    for (const secret of ['Ana Sigilosa', contact.phone, first.body.id, 'first_message', '"status"']) {
      t.notOk(kept.answer.includes(secret), secret);
    }
    t.equal(kept.contact_id, first.body.contact.id, 'but whose answer it is, to be erased with the person');
  });
});

t.test('the same Idempotency-Key with another request: 422 idempotency_key_reused', async (t) => {
  const body = { contact: someone(), external_ref: 'crm-1' };
  const headers = fresh();
  t.match(await company.start(body, headers), { status: 201 });
  const reused = { status: 422, body: { code: 'idempotency_key_reused' } };
  t.match(await company.start({ ...body, external_ref: 'crm-2' }, headers), reused, 'another body');
  t.match(await company.start({ external_ref: 'crm-1', contact: body.contact }, headers), { status: 201 });
  const bytes = JSON.stringify({ ...body, channel_id: company.official_id, team_id: company.team_id });
  t.match(await company.post('/v1/attendances', bytes, headers), reused, 'other bytes');
  t.ok(isReplay(await company.start(body, headers)), 'and the first one is still answered');
});

t.test('the same Idempotency-Key in another account is another key', async (t) => {
  const other = await service.createCompany();
  const headers = fresh();
  const mine = await company.start({ contact: someone() }, headers);
  const theirs = await other.start({ contact: someone() }, headers);
  t.same([mine.status, theirs.status], [201, 201]);
  t.not(mine.body.id, theirs.body.id);
});

t.test('a refusal is kept too', async (t) => {
  const open = someone();
  await company.start({ contact: open });
  const refusals: [string, Record<string, unknown>, number][] = [
    ['attendance_already_open', { contact: open }, 409],
    ['contact_not_found', { contact: { id: uuid() } }, 404],
    ['template_required', { contact: someone(), template: undefined }, 422],
  ];
  for (const [code, body, status] of refusals) {
    t.test(
      `${status} ${code}: the same bytes again, marked as a replay, even where it would succeed now`,
      async (t) => {
        const headers = fresh();
        const first = await company.start(body, headers);
        t.match(first, { status, body: { code } });
        t.notOk(isReplay(first));
        await service.db('attendances').update({ status: 'closed', closed_at: new Date() });
        const again = await company.start(body, headers);
        t.ok(isReplay(again));
        t.equal(again.status, status);
        t.equal(again.text, first.text);
        t.equal(again.headers['content-type'], 'application/problem+json; charset=utf-8');
        t.equal((await keptFor(headers)).length, 1);
      },
    );
  }
});

t.test('what says nothing of the next try is not kept', async (t) => {
  const weak = await createKeyForAccount(service.ctx, company.account_id, { name: 'weak', scopes: ['contacts:read'] });
  const body = { contact: someone(), channel_id: company.unofficial_id, team_id: company.team_id, text: 'Olá!' };
  const headers = fresh();
  const ask = (key: string | null, given: unknown) => service.send(key, 'POST', '/v1/attendances', given, headers);
  t.match(await ask(company.key, { ...body, nome: 'x' }), { status: 400 });
  t.match(await ask(company.key, '{'), { status: 400 });
  t.match(await ask(null, body), { status: 401 });
  t.match(await ask(weak.key, body), { status: 403 });
  t.same(await keptFor(headers), []);
  t.match(await ask(company.key, body), { status: 201 });
});

t.test('a start that fails half-way leaves nothing, no key either, and the same key works afterwards', async (t) => {
  await service.db.raw(`
    create function fail() returns trigger language plpgsql as $$ begin raise exception 'planted'; end $$;
    create trigger planted before insert on messages for each row execute function fail()`);
  const headers = fresh();
  const contact = someone();
  await allSent(service);
  const rows = await countRows(service);
  t.match(await company.start({ contact }, headers), { status: 500, body: { code: 'internal_error' } });
  t.same(await countRows(service), rows);
  await service.db.raw('drop trigger planted on messages');
  const second = await company.start({ contact }, headers);
  t.equal(second.status, 201);
  t.notOk(isReplay(second));
});

t.test('while its twin is running', async (t) => {
  const cases: [string, Parameters<Company['start']>[0], number][] = [
    ['a start', { contact: someone() }, 201],
    ['a start that is refused', { contact: { id: uuid() } }, 404],
  ];
  for (const [title, body, status] of cases) {
    t.test(`${title} waits, then 409 idempotency_in_progress with Retry-After; later it is answered`, async (t) => {
      const headers = fresh();
      const twin = await service.db.transaction();
      await twin('idempotency_keys').insert({
        account_id: company.account_id,
        key: headers['idempotency-key'],
        fingerprint: Buffer.alloc(32),
        answer: Buffer.alloc(1),
        created_at: new Date(),
      });
      const reply = await company.start(body, headers).finally(() => twin.rollback());
      t.match(reply, {
        status: 409,
        headers: { 'retry-after': '1' },
        body: { code: 'idempotency_in_progress', retryable: true },
      });
      t.equal((await company.start(body, headers)).status, status);
    });
  }
});

t.test('Idempotency-Key', async (t) => {
  const channel_id = company.unofficial_id;
  const bad = {
    empty: '',
    'empty in quotes': '""',
    'of 256 characters': 'k'.repeat(256),
    'of 256 characters in quotes': `"${'k'.repeat(256)}"`,
    'with a tab': 'a\tb',
    'with a letter beyond ASCII': 'opção',
  };
  for (const [title, key] of Object.entries(bad)) {
    t.test(`${title}: 400 idempotency_key_invalid, and nothing is saved`, async (t) => {
      const rows = await countRows(service);
      const reply = await company.start({ contact: someone(), channel_id }, { 'idempotency-key': key });
      t.match(reply, { status: 400, body: { code: 'idempotency_key_invalid' } });
      t.same(await countRows(service), rows);
    });
  }
  const good = {
    'of one character': '~',
    'of 255 characters': 'k'.repeat(255),
    'of 255 characters in quotes': `"${'q'.repeat(255)}"`,
    'with blanks inside': 'order 8841 / start',
  };
  for (const [title, key] of Object.entries(good)) {
    t.test(`${title} is taken`, async (t) => {
      const headers = { 'idempotency-key': key };
      const contact = someone();
      t.match(await company.start({ contact, channel_id }, headers), { status: 201 });
      t.ok(isReplay(await company.start({ contact, channel_id }, headers)));
    });
  }
});

t.test('every POST that makes something takes an Idempotency-Key', async (t) => {
  const client = await service.createClient();
  const posts: [string, unknown][] = [
    ['/v1/contacts', { phone: '(31) 98888-0071', name: 'Ana' }],
    ['/v1/teams', { name: 'Comercial' }],
    [
      '/v1/channels',
      {
        name: 'Gateway',
        provider: 'evolution',
        base_url: `${service.simulator.url}/evolution`,
        credentials: { api_key: 'key-of-the-tests', instance: 'tests' },
      },
    ],
  ];
  for (const [url, body] of posts) {
    t.test(`POST ${url}`, async (t) => {
      const headers = fresh();
      const first = await client.post(url, body, headers);
      t.equal(first.status, 201);
      const rows = await countRows(service);
      const again = await client.post(url, body, headers);
      t.ok(isReplay(again));
      t.equal(again.text, first.text);
      t.equal(again.headers.location, first.headers.location);
      t.same(await countRows(service), rows);
      const [kept] = await keptFor(headers);
      t.notOk(kept.answer.includes(first.body.id), 'sealed');
    });
    t.test(`POST ${url}: 16 twins at once are one effect and equal answers`, async (t) => {
      const headers = fresh();
      const another = { ...(body as object), name: `Outro ${url}`, ...(url.includes('contacts') ? someone() : {}) };
      const answers = await Promise.all(Array.from({ length: 16 }, () => client.post(url, another, headers)));
      t.same([...new Set(answers.map(({ status }) => status))], [201]);
      t.equal(new Set(answers.map(({ text }) => text)).size, 1);
      t.equal(answers.filter(isReplay).length, 15);
    });
    t.test(`POST ${url}: a refusal is kept, with its language, and undoes the key of its transaction`, async (t) => {
      const headers = fresh();
      const first = await client.post(url, body, { ...headers, 'accept-language': 'pt-BR' });
      t.equal(first.status, 409);
      const again = await client.post(url, body, headers);
      t.ok(isReplay(again));
      t.equal(again.text, first.text);
      t.equal(again.headers['content-language'], 'pt-BR');
    });
  }
});

t.test('the answer of an erased contact: 410 idempotency_answer_erased, and the start is not done again', async (t) => {
  const headers = fresh();
  const contact = someone();
  const { body } = await company.start({ contact }, headers);
  await eraseAnswers({ db: service.db, account_id: company.account_id }, body.contact.id);
  await allSent(service);
  const rows = await countRows(service);
  t.match(await company.start({ contact }, headers), { status: 410, body: { code: 'idempotency_answer_erased' } });
  t.same(await countRows(service), rows);
});

t.test('the operator', async (t) => {
  const operator = { authorization: 'Bearer operator-token-of-the-tests' };
  const post = (url: string, body: unknown, headers: Record<string, string>) =>
    service.send(null, 'POST', url, body, { ...operator, ...headers });
  const headers = fresh();
  const first = await post('/admin/v1/accounts', { name: 'Loja' }, headers);

  t.test('makes an account once per key', async (t) => {
    t.equal(first.status, 201);
    const again = await post('/admin/v1/accounts', { name: 'Loja' }, headers);
    t.ok(isReplay(again));
    t.equal(again.text, first.text);
  });
  t.test('is shown a key once: the repeat gets 409 secret_already_shown, and nothing keeps the key', async (t) => {
    const key_headers = fresh();
    const url = `/admin/v1/accounts/${first.body.id}/api-keys`;
    const made = await post(url, { name: 'crm' }, key_headers);
    t.equal(made.status, 201);
    const again = await post(url, { name: 'crm' }, key_headers);
    t.match(again, { status: 409, body: { code: 'secret_already_shown' } });
    t.match(again.body.detail, made.headers.location as string);
    t.notOk(again.text.includes(made.body.key));
    t.equal((await service.db('api_keys').where({ account_id: first.body.id })).length, 1);
  });
});

t.test('answers are kept 7 days and then swept', async (t) => {
  const headers = fresh();
  const body = { phone: '31988880072' };
  const client = await service.createClient();
  t.match(await client.post('/v1/contacts', body, headers), { status: 201 });
  const aged = (interval: string) =>
    service
      .db('idempotency_keys')
      .where({ key: headers['idempotency-key'] })
      .update({
        created_at: service.db.raw('now() - cast(? as interval)', [interval]),
      });
  await aged('6 days 23 hours');
  await sweepAnswers(service);
  t.ok(isReplay(await client.post('/v1/contacts', body, headers)));
  await aged('7 days 1 minute');
  t.equal(await sweepAnswers(service), 1);
  t.match(await client.post('/v1/contacts', body, headers), { status: 409, body: { code: 'contact_exists' } });
});

t.test('what is done is answered as done, also where it cannot be shown as it is by then', async (t) => {
  const quiet = await startService(t, { with_lanes: false });
  const client = await quiet.createCompany();
  const headers = { ...fresh(), prefer: 'wait=20' };
  const asked = client.start({ contact: { phone: '31988880222' } }, headers);
  await eventually(
    () => quiet.db('messages').where({ account_id: client.account_id }).select('id'),
    (rows) => rows.length === 1,
  );
  const locking = await quiet.db.transaction();
  await locking.raw('set local idle_in_transaction_session_timeout = 0');
  await locking.raw('lock table messages in access exclusive mode');
  const answer = await asked;
  await locking.rollback();
  t.equal(answer.status, 201);
  t.match(answer.body, { status: 'starting', first_message: { status: 'queued' } });
  t.notOk('preference-applied' in answer.headers);
});

t.test('what waits for a lock that is no twin’s is not told that it runs already', async (t) => {
  const { body } = await company.start({ contact: someone() }, { prefer: 'wait=20' });
  const holding = await service.db.transaction();
  await holding.raw('set local idle_in_transaction_session_timeout = 0');
  await holding('attendances').where({ id: body.id }).forUpdate().first('id');
  const reply = await company.post(`/v1/attendances/${body.id}/close`, {}, fresh());
  await holding.rollback();
  t.match(reply, { status: 503, body: { code: 'database_unavailable' } });
});
