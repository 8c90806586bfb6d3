import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, BlockList, createServer, isIP } from 'node:net';
import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { HttpOutcome } from '../../src/outbound/outbound.ts';
import { eventually, type Reply, startService } from '../support/service.ts';
import { hostile_answers, hostileUrls, local_names, spellings } from './hostile-urls.fixtures.ts';

/** Listens on every address of this machine, and keeps which of them was dialled. */
async function listen(t: Test, answer = 'HTTP/1.1 204 Reached\r\nconnection: close\r\n\r\n') {
  const dialled: string[] = [];
  const server = createServer((socket) => {
    dialled.push((socket.localAddress ?? '').replace(/^::ffff:/, ''));
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  server.listen(0, '::');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, dialled };
}

/** Answers as the table says, one entry after the other where it holds several; names of this machine by the system. */
function resolverOf(answers: Record<string, string[][]>) {
  const asked = new Map<string, number>();
  return async (hostname: string): Promise<string[]> => {
    const turn = asked.get(hostname) ?? 0;
    asked.set(hostname, turn + 1);
    const known = answers[hostname.replace(/\.$/, '')];
    if (known) return known[Math.min(turn, known.length - 1)] ?? [];
    const is_local = hostname.replace(/\.$/, '').toLowerCase() === 'localhost';
    if (!is_local) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  };
}

const table = Object.fromEntries(Object.entries(hostile_answers).map(([name, addresses]) => [name, [addresses]]));

function client(t: Test, allowed_private_ranges: string[], answers: Record<string, string[][]> = table) {
  const { request, close } = createHttpClient({ allowed_private_ranges, lookUp: resolverOf(answers) });
  t.teardown(close);
  return (url: string): Promise<HttpOutcome> =>
    request({ method: 'POST', url, body: '{}', timeout_ms: 5_000, signal: AbortSignal.timeout(60_000) });
}

/** Node's own judge of ranges, that the guard's library is not its own witness. */
function rangeOf(...ranges: string[]): (address: string) => boolean {
  const list = new BlockList();
  const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    list.addSubnet(network, Number(bits), family(network));
  }
  return (address) => list.check(address, family(address));
}

t.test('without allowed ranges not one of the hostile URLs reaches a listener of this machine', async (t) => {
  const { port, dialled } = await listen(t);
  const post = client(t, []);
  const { literals, named } = hostileUrls(port);
  t.ok(literals.length + named.length >= 500, `${literals.length} literals, ${named.length} with names`);
  const others: unknown[] = [];
  for (const url of [...literals, ...named]) {
    const outcome = await post(url);
    const is_refused = outcome.kind === 'not_sent' && /^(address_not_allowed|url_invalid|dns)$/.test(outcome.reason);
    if (!is_refused) others.push([url, outcome]);
  }
  t.same(others, [], 'each is refused before it is dialled');
  t.same(dialled, [], 'nothing was dialled');
});

for (const ranges of [['127.0.0.0/8'], ['::1/128'], ['127.0.0.2/32'], ['127.0.0.0/31', '10.0.0.0/8'], ['10.0.0.0/8']]) {
  t.test(`with ${ranges} allowed these are reached and nothing else`, async (t) => {
    const { port, dialled } = await listen(t);
    // A name with a public address among the others might be called over https: that is no call for a test.
    const harmless = ([, addresses]: [string, string[]]) => !addresses.some((one) => /^(8\.8|2606)/.test(one));
    const quiet = Object.fromEntries(Object.entries(hostile_answers).filter(harmless));
    const post = client(t, ranges, Object.fromEntries(Object.entries(quiet).map(([name, all]) => [name, [all]])));
    const isInside = rangeOf(...ranges);
    // An address inside 10.0.0.0/8 may be called, and is not there.
    const isThere = (url: string) => !/^10\./.test(URL.canParse(url) ? new URL(url).hostname : '');
    const { literals, named } = hostileUrls(port);
    let reached = 0;
    const faults: unknown[] = [];
    for (const url of [...literals, ...named].filter(isThere)) {
      const before = dialled.length;
      const outcome = await post(url);
      const here = dialled.slice(before);
      const is_right = here.every(isInside) && (here.length > 0 || outcome.kind === 'not_sent');
      if (!is_right) faults.push([url, here, outcome]);
      reached += here.length;
    }
    for (const [range, urls] of Object.entries(spellings(port))) {
      for (const url of urls) {
        const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
        const outcome = await post(url);
        if ((outcome.kind === 'answered') !== isInside(host)) faults.push([url, range, outcome]);
      }
    }
    t.same(faults, []);
    t.equal(reached > 0, ranges[0] !== '10.0.0.0/8', `${reached} connections`);
  });
}

t.test('a name is judged and dialled by one and the same answer of its resolver, and anew each time', async (t) => {
  const { port, dialled } = await listen(t);
  const post = client(t, ['127.0.0.5/32'], {
    'rebind.test': [['127.0.0.5'], ['127.0.0.1']],
    'mixed.test': [['127.0.0.5', '127.0.0.1']],
    'behind.test': [['127.0.0.5', '127.0.0.5', '127.0.0.5', '127.0.0.1']],
    'late.test': [['127.0.0.1'], ['127.0.0.5']],
  });
  t.match(await post(`http://rebind.test:${port}/`), { kind: 'answered', status: 204 });
  t.same(dialled, ['127.0.0.5'], 'resolved twice, it would have been the other one');
  t.match(await post(`http://rebind.test:${port}/`), { kind: 'not_sent', reason: 'address_not_allowed' });
  for (const name of ['mixed.test', 'behind.test', 'late.test'])
    t.match(await post(`http://${name}:${port}/`), { kind: 'not_sent', reason: 'address_not_allowed' }, name);
  t.same(dialled, ['127.0.0.5']);
  t.match(await post(`http://late.test:${port}/`), { kind: 'answered' }, 'a refusal is not remembered');
});

t.test('a redirect to the inside is an answer and is never followed', async (t) => {
  const inside = await listen(t);
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `http://127.0.0.1:${inside.port}/`;
    const head = `HTTP/1.1 ${status} Elsewhere\r\nlocation: ${location}\r\nrefresh: 0;url=${location}\r\n`;
    const outside = await listen(t, `${head}content-length: 0\r\nconnection: close\r\n\r\n`);
    const outcome = await client(t, ['127.0.0.5/32'])(`http://127.0.0.5:${outside.port}/`);
    t.match(outcome, { kind: 'answered', status, headers: { location } });
  }
  t.same(inside.dialled, []);
});

/** Our service without allowed ranges, and the URLs that a tenant may try; plain http is refused before the host is looked at. */
async function startGuarded(t: Test) {
  const { port, dialled } = await listen(t);
  const service = await startService(t, { env: { CONVERSAR_ALLOWED_PRIVATE_RANGES: '' } });
  const { literals, local } = hostileUrls(port);
  const hasAddress = ({ hostname }: URL) => lookup(hostname).then(Boolean, () => false);
  // A name that has no address may come to have one: over https it is let in, and judged whenever it is called.
  const is_let_in = await Promise.all(
    local.map(async (url) => url.startsWith('https:') && !(await hasAddress(new URL(url)))),
  );
  const nameless = local.filter((_, place) => is_let_in[place]);
  const urls = [
    ...literals.filter((url) => !/^http:\/\/[^/]+\/hook$/.test(url)),
    ...local.filter((_, place) => !is_let_in[place]),
  ];
  t.ok(urls.length >= 200 && local.length >= local_names.length && is_let_in.includes(false), `${urls.length} URLs`);
  return { port, dialled, service, company: await service.createClient(), urls, nameless };
}

const isRefused = ({ status, body }: Reply) =>
  (status === 422 && body.code === 'url_not_allowed') || (status === 400 && body.code === 'validation_failed');

/** Those that a POST or PATCH does not refuse. */
async function notRefused(urls: string[], send: (url: string) => Promise<Reply>): Promise<unknown[]> {
  const faults: unknown[] = [];
  for (const url of urls) {
    const reply = await send(url);
    if (!isRefused(reply)) faults.push([url, reply.text]);
  }
  return faults;
}

t.test('as a base_url each is refused, and one that was let in before is called in vain', async (t) => {
  const { port, dialled, service, company, urls, nameless } = await startGuarded(t);
  const credentials = { api_key: 'key-of-the-tests', instance: 'tests' };
  const body = (base_url: string) => ({
    name: base_url.slice(0, 60),
    provider: 'evolution',
    base_url,
    credentials,
  });
  const made = await company.post('/v1/channels', body('https://gateway.invalid'));
  t.equal(made.status, 201, 'a name that has no address yet');
  const { id } = made.body;
  const change = (base_url: string) => company.call('PATCH', `/v1/channels/${id}`, { base_url, credentials });
  for (const base_url of nameless) {
    t.equal((await change(base_url)).status, 200, base_url);
    t.match((await company.post(`/v1/channels/${id}/check`)).body, { status: 'unknown' });
  }
  t.same(await notRefused(urls, (url) => company.post('/v1/channels', body(url))), []);
  t.same(await notRefused(urls.slice(-40), change), []);
  t.equal((await company.get('/v1/channels')).body.data.length, 1);
  // As if the operator had taken a range back: what stands in the database is judged at each call.
  await service
    .db('channels')
    .where({ id })
    .update({ base_url: `http://127.0.0.1:${port}` });
  t.match((await company.post(`/v1/channels/${id}/check`)).body, { status: 'unknown' });
  const { body: team } = await company.post('/v1/teams', { name: 'Comercial' });
  const contact = { phone: '(31) 98888-0001' };
  const start = { contact, channel_id: id, team_id: team.id, text: 'Olá!', send_within_s: 60 };
  const started = await company.post('/v1/attendances', start, { prefer: 'wait=2' });
  t.match(started, { status: 201, body: { first_message: { status: /^(queued|failed)$/ } } });
  t.same(dialled, [], 'nothing was dialled');
});

t.test(
  'as the URL of a webhook endpoint each is refused, and one that was let in before is called in vain',
  async (t) => {
    const { port, dialled, service, company, urls, nameless } = await startGuarded(t);
    const made = await company.post('/v1/webhook-endpoints', { url: 'https://crm.invalid/hook' });
    t.equal(made.status, 201);
    const { id } = made.body;
    const change = (url: string) => company.call('PATCH', `/v1/webhook-endpoints/${id}`, { url });
    for (const url of nameless) {
      t.equal((await change(url)).status, 200, url);
      const { body } = await company.post(`/v1/webhook-endpoints/${id}/test`);
      t.match(body, { status_code: null, error: /^(dns|address_not_allowed)$/ });
    }
    t.same(await notRefused(urls, (url) => company.post('/v1/webhook-endpoints', { url })), []);
    t.same(await notRefused(urls.slice(-40), change), []);
    t.equal((await company.get('/v1/webhook-endpoints')).body.data.length, 1);
    await service
      .db('webhook_endpoints')
      .where({ id })
      .update({ url: `http://127.0.0.1:${port}/hook` });
    const tested = await company.post(`/v1/webhook-endpoints/${id}/test`);
    t.match(tested, { status: 200, body: { status_code: null, error: 'address_not_allowed' } });
    t.equal((await company.post('/v1/contacts', { phone: '(31) 98888-0001' })).status, 201);
    await eventually(
      async () => (await company.get(`/v1/webhook-endpoints/${id}/deliveries`)).body.data[0],
      (delivery) => delivery?.attempts[0]?.error === 'address_not_allowed',
    );
    t.same(dialled, [], 'nothing was dialled');
  },
);
