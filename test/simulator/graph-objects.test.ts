import t from 'tap';
import { demo_templates } from '../../src/simulator/demo-templates.ts';
import { simulate } from './simulated.ts';

interface Listed {
  id: string;
  name: string;
  language: string;
}

t.test('templates › all of them, over at least two pages, however large the limit', async (t) => {
  const { graph, url } = await simulate(t);
  const first = await graph.get('waba-1/message_templates?limit=100&fields=id,name,language,status');
  const listed: Listed[] = [...first.body.data];
  let { next } = first.body.paging;
  let pages = 1;
  while (next !== undefined) {
    t.ok(next.startsWith(`${url}/graph/v25.0/waba-1/message_templates?`));
    const page = await graph.get(next.slice(`${url}/graph/v25.0/`.length));
    t.same(Object.keys(page.body.data[0]).sort(), ['id', 'language', 'name', 'status'], 'next keeps the fields');
    listed.push(...page.body.data);
    next = page.body.paging.next;
    pages += 1;
  }
  t.ok(pages >= 2);
  const names = demo_templates.map(({ name, language }) => `${name} ${language}`);
  t.same(
    listed.map(({ name, language }) => `${name} ${language}`),
    names,
  );
  t.equal(new Set(listed.map(({ id }) => id)).size, names.length);
});

t.test('templates › a smaller limit is honoured, and cursors lead on without next', async (t) => {
  const { graph } = await simulate(t);
  const { body } = await graph.get('waba-1/message_templates?limit=2');
  t.equal(body.data.length, 2);
  const second = await graph.get(`waba-1/message_templates?limit=2&after=${body.paging.cursors.after}`);
  t.equal(second.body.data[0].name, demo_templates[2]?.name);
});

t.test('templates › a cursor that was never given: 131059; a limit of none: 100; an unknown field: 100', async (t) => {
  const { graph } = await simulate(t);
  const code = async (query: string) => (await graph.get(`waba-1/message_templates?${query}`)).body.error.code;
  t.equal(await code('after=nonsense'), 131059);
  t.equal(await code('limit=0'), 100);
  t.equal(await code('fields=name,colour'), 100);
});

t.test('templates › ids are digits, stable, and differ between business accounts', async (t) => {
  const { graph } = await simulate(t);
  const id = async (waba: string) => (await graph.get(`${waba}/message_templates?limit=1`)).body.data[0].id;
  t.match(await id('waba-1'), /^\d{16}$/);
  t.equal(await id('waba-1'), await id('waba-1'));
  t.not(await id('waba-1'), await id('waba-2'));
});

t.test('the catalogue › has what the demo needs', async (t) => {
  const components = demo_templates.flatMap((template) => template.components);
  const formats = new Set(components.map(({ format }) => format));
  for (const format of ['TEXT', 'IMAGE', 'VIDEO', 'DOCUMENT', 'LOCATION', 'PRODUCT'] as const)
    t.ok(formats.has(format), format);
  const kinds = new Set(components.flatMap(({ buttons = [] }) => buttons.map(({ type }) => type)));
  const wanted = ['QUICK_REPLY', 'URL', 'PHONE_NUMBER', 'COPY_CODE', 'OTP', 'FLOW', 'CATALOG', 'MPM', 'SPM'] as const;
  for (const kind of [...wanted, 'VOICE_CALL', 'REQUEST_CONTACT_INFO'] as const) t.ok(kinds.has(kind), kind);
  const types = new Set(components.map(({ type }) => type));
  for (const type of ['CAROUSEL', 'LIMITED_TIME_OFFER'] as const) t.ok(types.has(type), type);
  const statuses = new Set(demo_templates.map(({ status }) => status));
  for (const status of ['APPROVED', 'PENDING', 'PAUSED', 'REJECTED'] as const) t.ok(statuses.has(status), status);
  t.ok(demo_templates.some(({ category }) => category === 'MARKETING'));
});

t.test('a phone number › the fields asked for and its id', async (t) => {
  const { graph } = await simulate(t);
  t.same((await graph.get('100000000000001?fields=status,throughput{level}')).body, {
    status: 'CONNECTED',
    throughput: { level: 'STANDARD' },
    id: '100000000000001',
  });
  t.match((await graph.get('100000000000001')).body, { verified_name: String, display_phone_number: String });
  t.equal((await graph.get('closed-1?fields=status')).body.status, 'DISCONNECTED');
  t.match(await graph.get('missing-1'), { status: 400, body: { error: { code: 100, error_subcode: 33 } } });
  t.equal((await graph.get('1?fields=nothing')).body.error.code, 100);
});
