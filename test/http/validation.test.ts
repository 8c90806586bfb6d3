import t from 'tap';
import { type Body, type Reply, startService } from '../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const faultsOf = ({ body }: Reply): [string, string][] =>
  (body.errors ?? []).map((one: { pointer: string; code: string }) => [one.pointer, one.code]);
const contact = { phone: '31988880001' };
/** The sort of nesting that ends a recursive reader. */
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

t.test('a body that does not fit is 400 validation_failed, with a pointer to each fault', async (t) => {
  const bodies: [string, Body, [string, string][]][] = [
    ['an unknown field', { contact, nome: 'x' }, [['/nome', 'unknown_field']]],
    ['an unknown field inside', { contact, actor: { idd: '7' } }, [['/actor/idd', 'unknown_field']]],
    ['a field with / and ~ in its name', { contact, 'a/b~c': 1 }, [['/a~1b~0c', 'unknown_field']]],
    ['a missing field', { contact: undefined }, [['/contact', 'missing']]],
    ['a number for a text', { contact, text: 7 }, [['/text', 'wrong_type']]],
    ['a text for a number', { contact, send_within_s: '60' }, [['/send_within_s', 'wrong_type']]],
    ['null where nothing can be cleared', { contact, text: null }, [['/text', 'wrong_type']]],
    ['an empty text', { contact, text: '' }, [['/text', 'too_short']]],
    ['a long text', { contact, text: 'x'.repeat(4_097) }, [['/text', 'too_long']]],
    ['a word that is none of the list', { contact, on_open: 'join' }, [['/on_open', 'not_allowed']]],
    ['a number out of range', { contact, send_within_s: 0 }, [['/send_within_s', 'out_of_range']]],
    ['an id that is none', { contact, team_id: '42' }, [['/team_id', 'wrong_format']]],
    ['an id with a URN before it', { contact, team_id: `urn:uuid:${company.team_id}` }, [['/team_id', 'wrong_format']]],
    ['NUL', { contact, text: 'a\u0000b' }, [['/text', 'wrong_format']]],
    ['half a character', { contact, external_ref: '\ud83d' }, [['/external_ref', 'wrong_format']]],
    ['NUL deep in metadata', { contact, metadata: { a: [{ b: '\u0000' }] } }, [['/metadata', 'wrong_format']]],
    ['NUL in a key of metadata', { contact, metadata: { a: { '\u0000': 1 } } }, [['/metadata', 'wrong_format']]],
    [
      'NUL in a parameter',
      { contact, template: { name: 'boas_vindas', language: 'pt_BR', parameters: { 'body.1': '\u0000' } } },
      [['/template/parameters', 'wrong_format']],
    ],
    [
      '51 members of metadata',
      { contact, metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`m${n}`, n])) },
      [['/metadata', 'too_long']],
    ],
    ['a list for metadata', { contact, metadata: [] }, [['/metadata', 'wrong_type']]],
    [
      'several faults',
      { contact, text: 7, nome: 'x', on_open: 1 },
      [
        ['/nome', 'unknown_field'],
        ['/text', 'wrong_type'],
        ['/on_open', 'wrong_type'],
      ],
    ],
  ];
  for (const [title, body, faults] of bodies) {
    t.test(`${title}: ${faults.map((fault) => fault.join(' ')).join(', ')}`, async (t) => {
      const reply = await company.start({ channel_id: company.unofficial_id, ...body });
      t.match(reply, { status: 400, body: { code: 'validation_failed' } });
      t.same(faultsOf(reply).toSorted(), faults.toSorted());
    });
  }
});

t.test(
  'a contact or template that fits none of its forms is told what is wrong with the form it comes nearest to',
  async (t) => {
    const bodies: [Body, [string, string][]][] = [
      [{ contact: { phone: '31988880001', nome: 'Ana' } }, [['/contact/nome', 'unknown_field']]],
      [{ contact: { id: '42' } }, [['/contact/id', 'wrong_format']]],
      [{ contact: { id: company.team_id, phone: '31988880001' } }, [['/contact/phone', 'unknown_field']]],
      [{ contact: { phone: 31988880001 } }, [['/contact/phone', 'wrong_type']]],
      [{ contact, template: { name: 'boas_vindas' } }, [['/template/language', 'missing']]],
    ];
    for (const [body, faults] of bodies) {
      t.test(`${JSON.stringify(body)}: ${faults.map((fault) => fault.join(' ')).join(', ')}`, async (t) => {
        const reply = await company.start({ channel_id: company.official_id, ...body });
        t.equal(reply.status, 400);
        t.same(faultsOf(reply), faults);
      });
    }
  },
);

t.test('JSON that is nested too deeply is 400, wherever it stands', async (t) => {
  const bodies = {
    'as the body': nested(20_000),
    'in metadata': `{"contact":{"phone":"31988880001"},"team_id":"${company.team_id}","metadata":${nested(20_000)}}`,
    'in parameters': `{"contact":{"phone":"31988880001"},"team_id":"${company.team_id}","template":{"name":"boas_vindas","language":"pt_BR","parameters":${nested(20_000)}}}`,
  };
  for (const [title, body] of Object.entries(bodies)) {
    t.test(title, async (t) => {
      t.match(await company.post('/v1/attendances', body), { status: 400 });
    });
  }
  t.test('but twenty levels of metadata are kept and given back', async (t) => {
    const metadata = JSON.parse(nested(20));
    const reply = await company.start({ contact, channel_id: company.unofficial_id, metadata });
    t.equal(reply.status, 201);
    t.same(reply.body.metadata, metadata);
  });
});

t.test('a query that does not fit is 400 validation_failed, with the name of the parameter', async (t) => {
  const queries: [string, string, string][] = [
    ['limit=0', '?limit', 'out_of_range'],
    ['limit=101', '?limit', 'out_of_range'],
    ['limit=ten', '?limit', 'wrong_type'],
    ['limit=1.5', '?limit', 'wrong_type'],
    ['limit=', '?limit', 'wrong_type'],
    ['limit=1&limit=2', '?limit', 'wrong_type'],
    ['status=open&status=closed', '?status', 'wrong_type'],
    ['status=OPEN', '?status', 'not_allowed'],
    ['origin=both', '?origin', 'not_allowed'],
    ['channel_id=42', '?channel_id', 'wrong_format'],
    [`channel_id=urn:uuid:${company.official_id}`, '?channel_id', 'wrong_format'],
    ['created_after=yesterday', '?created_after', 'wrong_format'],
    ['created_after=2026-11-22', '?created_after', 'wrong_format'],
    ['created_after=2026-02-30T00:00:00Z', '?created_after', 'wrong_format'],
    ['created_after=0000-01-01T00:00:00Z', '?created_after', 'wrong_format'],
    ['created_before=2026-12-31T23:59:60Z', '?created_before', 'wrong_format'],
    ['page=2', '?page', 'unknown_field'],
    [`cursor=${'x'.repeat(501)}`, '?cursor', 'too_long'],
  ];
  for (const [query, pointer, code] of queries) {
    t.test(`?${query.slice(0, 60)}: ${code}`, async (t) => {
      const reply = await company.get(`/v1/attendances?${query}`);
      t.match(reply, { status: 400, body: { code: 'validation_failed' } });
      t.same(faultsOf(reply), [[pointer, code]]);
    });
  }
});

t.test('a path that does not fit is 400 validation_failed, with the name of its part', async (t) => {
  for (const id of ['42', 'null', `urn:uuid:${company.team_id}`, `{${company.team_id}}`]) {
    const reply = await company.get(`/v1/teams/${encodeURIComponent(id)}`);
    t.equal(reply.status, 400, id);
    t.same(faultsOf(reply), [[':team_id', 'wrong_format']]);
  }
});

t.test('an id in capitals is the same id', async (t) => {
  const { status, body } = await company.get(`/v1/teams/${company.team_id.toUpperCase()}`);
  t.equal(status, 200);
  t.equal(body.id, company.team_id);
});

t.test('a thousand unknown fields are answered with fifty entries', async (t) => {
  const body = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, n]));
  const reply = await company.start({ contact, ...body });
  t.equal(reply.status, 400);
  t.equal(reply.body.errors.length, 50);
});
