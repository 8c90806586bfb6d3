import pg from 'pg';
import t, { type Test } from 'tap';
import { beginning } from '../../../src/features/events/event-place.ts';
import { findEdge, listNextEvents } from '../../../src/features/events/feed.repository.ts';
import { testClientConfig } from '../../support/database.ts';
import type { Document, Operation } from '../../support/document.ts';
import { resolve } from '../../support/document.ts';
import { type Body, startService } from '../../support/service.ts';

t.setTimeout(900_000);

/** Every list of the API over 50,000 contacts of one account beside 20 others: none reads a whole table. */
const service = await startService(t, { with_lanes: false });
const document = service.server.swagger() as unknown as Document;
const company = await service.createCompany();
const operator = { authorization: 'Bearer operator-token-of-the-tests' };
const others = await Promise.all(Array.from({ length: 20 }, () => service.createClient()));

const first_names = ['Ana', 'João', 'Bia', 'José', 'Conceição', 'Davi', 'Íris', 'Luís', 'Zilda', 'Quésia'];
const last_names = ['Souza', 'Araújo', 'Lima', 'Conceição', 'Xavier', 'Brandão', 'Okamoto', 'Falcão', 'Prado', 'Reis'];

/** Contacts, each with an attendance, a message and an event; ids are in the order of their making. */
async function fill(account_id: string, channel_id: string | null, contacts: number, from: number): Promise<void> {
  await service.db.raw(
    `with person as (
       select gen_random_uuid() as id, i, '+5531' || (900000000 + :from + i) as phone,
              (cast(:first as text[]))[1 + i % 10] || ' ' || (cast(:last as text[]))[1 + (i / 10) % 10] || ' ' || i as name
         from generate_series(1, :contacts) i
     ), c as (
       insert into contacts (account_id, id, name, phone, phone_key, phone_digits, created_at, updated_at)
       select :account_id, id, name, phone, phone, substr(phone, 2) || ' 5531' || substr(phone, 7), now(), now() from person
     ), identity as (
       insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
       select :account_id, id, 'phone', 'account', phone, 'user', now(), now() from person
     ), a as (
       insert into attendances (account_id, id, contact_id, channel_id, origin, status, created_at, updated_at)
       select :account_id, id, id, cast(:channel_id as uuid), 'active', 'open', now(), now() from person
        where cast(:channel_id as uuid) is not null
     ), m as (
       insert into messages (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, payload,
                             recipient_kind, recipient, state, accepted_at, created_at, updated_at)
       select :account_id, id, id, id, cast(:channel_id as uuid), 'outbound', 'text', 'Olá!', '{}', 'phone', phone, 'settled',
              now(), now(), now() from person where cast(:channel_id as uuid) is not null
     )
     insert into events (account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at)
     select :account_id, id, 'attendance.started', id, 1, id, id, '{}', now() from person
      where cast(:channel_id as uuid) is not null`,
    { account_id, channel_id, contacts, from, first: first_names, last: last_names },
  );
}

for (let part = 0; part < 50; part += 1) await fill(company.account_id, company.unofficial_id, 1_000, part * 1_000);
for (const [place, other] of others.entries()) await fill(other.account_id, null, 1_000, 100_000 + place * 1_000);

const client = new pg.Client(testClientConfig(service.settings));
await client.connect();
t.teardown(() => client.end());
await client.query('analyze');

interface Asked {
  sql: string;
  bindings: unknown[];
}

/** The statements behind one answer. */
async function statementsOf(ask: () => Promise<{ status: number; text: string }>): Promise<Asked[]> {
  const asked: Asked[] = [];
  const listen = ({ sql, bindings }: Asked) => asked.push({ sql, bindings: bindings ?? [] });
  service.db.on('query', listen);
  const { status, text } = await ask();
  service.db.off('query', listen);
  if (status !== 200) throw new Error(text);
  return asked;
}

/** Relations that its plan reads whole. */
async function scannedBy({ sql, bindings }: Asked, is_small: boolean): Promise<string[]> {
  await client.query(`set enable_seqscan = ${is_small ? 'off' : 'on'}`);
  const { rows } = await client.query(`explain ${sql}`, bindings);
  const plan = rows.map((row: Body) => String(row['QUERY PLAN'])).join('\n');
  return [...plan.matchAll(/Seq Scan on (\w+)/g)].map(([, name]) => name ?? '');
}

/** Tables that are at size here; in the others a scan is refused where an index could have been used. */
const at_size = /\b(contacts|contact_identities|attendances|messages|events)\b/;

async function refusesScans(t: Test, url: string, headers: Record<string, string> = {}): Promise<void> {
  const statements = await statementsOf(() => company.get(url, headers));
  t.ok(statements.length > 0, url);
  for (const asked of statements) {
    const scanned = await scannedBy(asked, !at_size.test(asked.sql));
    t.same(scanned, [], `${url}: ${asked.sql.slice(0, 200)}`);
  }
}

const value_of: Record<string, string> = {
  search: 'conceicao',
  cursor: Buffer.from('1:ffffffff-ffff-7fff-bfff-ffffffffffff').toString('base64url'),
  limit: '100',
  channel_id: company.unofficial_id,
  team_id: company.team_id,
  contact_id: '019a0000-0000-7000-8000-000000000001',
  attendance_id: '019a0000-0000-7000-8000-000000000001',
  created_after: '2026-01-01T00:00:00.000Z',
  created_before: '2030-01-01T00:00:00.000Z',
};

const lists = Object.entries(document.paths).flatMap(([path, methods]) => {
  const operation = methods.get as Operation | undefined;
  const parameters = (operation?.parameters ?? []).map((one) => resolve(document, one));
  return parameters.some(({ name }) => name === 'cursor') ? [{ path, parameters }] : [];
});

t.test('every list of the API', async (t) => {
  t.ok(lists.length >= 7, `${lists.length} lists`);
  const [attendance] = await service.db('attendances').where({ account_id: company.account_id }).limit(1);
  const endpoint = await company.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' });
  for (const { path, parameters } of lists) {
    const url = path
      .replace('{account_id}', company.account_id)
      .replace('{attendance_id}', attendance?.id ?? '')
      .replace('{endpoint_id}', endpoint.body.id)
      .replace('{contact_id}', attendance?.contact_id ?? '');
    const headers = path.startsWith('/admin/') ? operator : {};
    const filters = parameters.filter((one) => one.in === 'query');
    await refusesScans(t, url, headers);
    for (const { name, schema } of filters) {
      const value = value_of[name] ?? (schema.enum as string[] | undefined)?.[0] ?? 'pt_BR';
      await refusesScans(t, `${url}?${name}=${encodeURIComponent(value)}`, headers);
    }
  }
});

t.test('the feed of events, from anywhere and with any filter, goes along its order', async (t) => {
  const { account_id } = company;
  const { rows } = await service.db.raw(
    'select cast(txid as text) as txid, cast(position as text) as position from events where account_id = ? offset 30000 limit 1',
    [account_id],
  );
  // As autovacuum leaves it: what stands in the index alone is read from there.
  await client.query('vacuum analyze events');
  const types = ['attendance.started'];
  const asked: Asked[] = [];
  const listen = ({ sql, bindings }: Asked) => asked.push({ sql, bindings });
  service.db.on('query', listen);
  for (const place of [beginning, rows[0]]) {
    for (const filter of [{}, { types }, { types: ['contact.merged'] }, { attendance_id: account_id }])
      await listNextEvents({ db: service.db, account_id }, place, { types: null, attendance_id: null, ...filter }, 100);
  }
  await findEdge({ db: service.db, account_id });
  service.db.off('query', listen);
  t.equal(asked.length, 9);
  const { rows: version } = await client.query('show server_version_num');
  // The second is what a statement with a name comes to after its first few runs.
  const kinds = version[0].server_version_num >= 160_000 ? ['', '(generic_plan) '] : [''];
  for (const [index, { sql, bindings }] of asked.entries()) {
    for (const kind of kinds) {
      const plan = await client.query(`explain ${kind}${sql}`, kind === '' ? bindings : []);
      const lines = plan.rows.map((row: Body) => String(row['QUERY PLAN'])).join('\n');
      // Behind the second place lie fewer than are examined at once: there sorting them costs no more than their order.
      const may_sort = kind === '' && index >= 4;
      t.notMatch(lines, may_sort ? /Seq Scan on events/ : /Seq Scan on events|Bitmap/, lines);
      t.match(lines, /events_order/);
    }
  }
});

t.test('every kind of search', async (t) => {
  const searches = [
    'a',
    'jo',
    'joao',
    'conceição',
    'ana souza 4',
    '9',
    '31',
    '319',
    '90004',
    '(31) 90000-4',
    'zzzz',
    '%',
  ];
  for (const search of searches) await refusesScans(t, `/v1/contacts?search=${encodeURIComponent(search)}`);
  await refusesScans(t, '/v1/contacts/lookup?phone=31900000004');
});

t.test('finds few among many', async (t) => {
  const { body } = await company.get(`/v1/contacts?search=${encodeURIComponent('quésia reis 99')}&limit=100`);
  t.ok(body.data.length > 0);
  for (const { name } of body.data) t.match(name, /^Quésia Reis 99/);
});
