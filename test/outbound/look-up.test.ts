import t, { type Test } from 'tap';
import { ConnectFailure, createAddressGuard } from '../../src/outbound/address-guard.ts';
import { createLookUp } from '../../src/outbound/look-up.ts';
import { startNameServer } from '../support/name-server.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

const v4 = ['192.0.2.1', '192.0.2.2'];
const v6 = ['2001:db8:0:0:0:0:0:1'];
const zone = {
  'both.example': { A: v4, AAAA: v6 },
  'v4.example': { A: v4, AAAA: [] },
  'v6.example': { A: [], AAAA: v6 },
  'no-v6.example': { A: v4, AAAA: 'no_name' },
  'v6-fails.example': { A: v4, AAAA: 'fault' },
  'v6-hangs.example': { A: v4, AAAA: 'silence' },
  'empty.example': { A: [], AAAA: [] },
  'fails.example': { A: 'fault', AAAA: 'fault' },
  'half-hangs.example': { A: 'no_name', AAAA: 'silence' },
  'slow.example': { A: 'silence', AAAA: 'silence' },
  service: { A: ['10.0.0.7'], AAAA: [] },
  'gateway.dev.svc.cluster.local': { A: ['10.0.0.8'], AAAA: [] },
  'gateway.dev': { A: ['192.0.2.9'], AAAA: [] },
  'evolution.dev.svc.cluster.local': { A: ['10.0.0.9'], AAAA: [] },
} as const;

/** Name servers and those who ask them share a process, and on a busy machine it may stand still for a second. */
const slow_machine = { patience_ms: 4_000, grace_ms: 2_000 };
const no_files = { hosts: '/nonexistent', resolv: '/nonexistent' };

/** A look-up over that zone, what the system was asked, and a hand on the system's answers: nothing comes until `release`. */
async function stage(t: Test, { may_be_private = false, is_held = false, files = no_files } = {}) {
  const names = await startNameServer(t, zone as unknown as Parameters<typeof startNameServer>[1]);
  const system: string[] = [];
  const held: (() => void)[] = [];
  const lookUp = createLookUp({
    ...slow_machine,
    may_be_private,
    files,
    servers: [names.address],
    askSystem: async (hostname) => {
      system.push(hostname);
      if (is_held) await new Promise<void>((resolve) => held.push(resolve));
      return ['127.0.0.1'];
    },
  });
  const never = new AbortController().signal;
  return { names, system, held, lookUp, ask: (hostname: string, signal = never) => lookUp(hostname, signal) };
}

t.test('both families together, IPv4 first; one that has none is no fault of the other', async (t) => {
  const { ask, system } = await stage(t, { may_be_private: true });
  t.same(await ask('both.example'), [...v4, '2001:db8::1']);
  t.same(await ask('both.example.'), [...v4, '2001:db8::1'], 'with the dot of the root');
  t.same(await ask('v6.example'), ['2001:db8::1']);
  for (const name of ['v4.example', 'no-v6.example', 'v6-fails.example', 'v6-hangs.example'])
    t.same(await ask(name), v4, name);
  t.same(await ask('service'), ['10.0.0.7'], 'a single label that DNS knows, as in a network of Docker');
  t.same(system, []);
});

t.test('a name is asked anew each time', async (t) => {
  const { ask, names } = await stage(t);
  await ask('v4.example');
  const before = names.asked.length;
  await ask('v4.example');
  t.ok(names.asked.length > before);
});

t.test('without private ranges a name with dots is never asked of the system', async (t) => {
  const { ask, system } = await stage(t);
  await t.rejects(ask('nowhere.example'), { code: 'ENOTFOUND' });
  await t.rejects(ask('empty.example'), { code: 'ENODATA' });
  await t.rejects(ask('fails.example'), { code: 'ESERVFAIL' });
  await t.rejects(ask('slow.example'), { code: 'ETIMEOUT' });
  await t.rejects(ask('a.localhost'), { code: 'ENOTFOUND' });
  t.same(system, []);
});

t.test('the system is asked for localhost, which leaves this machine for no name server', async (t) => {
  const { ask, system, names } = await stage(t);
  for (const name of ['localhost', 'LOCALHOST', 'localhost.']) t.same(await ask(name), ['127.0.0.1'], name);
  t.same(system, ['localhost', 'LOCALHOST', 'localhost.']);
  t.same(names.asked, []);
});

t.test('the system is asked for what DNS does not know and may be near', async (t) => {
  const single = await stage(t);
  t.same(await single.ask('printer'), ['127.0.0.1'], 'a single label');
  const private_too = await stage(t, { may_be_private: true });
  for (const name of ['gateway.internal', 'empty.example', 'fails.example', 'printer', 'a.localhost'])
    t.same(await private_too.ask(name), ['127.0.0.1'], name);
  t.same(private_too.system, ['gateway.internal', 'empty.example', 'fails.example', 'printer', 'a.localhost']);
});

t.test('the system is not asked for what name servers say nothing of', async (t) => {
  const { ask, system } = await stage(t, { may_be_private: true });
  const silent = ['slow.example', 'half-hangs.example'];
  await Promise.all(silent.map((name) => t.rejects(ask(name), { code: 'ETIMEOUT' }, name)));
  t.same(system, []);
});

t.test('a name is called off when its signal ends, and another is not', async (t) => {
  const { ask, names } = await stage(t);
  const giving_up = new AbortController();
  const slow = ask('slow.example', giving_up.signal);
  await names.heard(2);
  giving_up.abort();
  await t.rejects(slow, { code: 'ECANCELLED' });
  await t.rejects(ask('v4.example', giving_up.signal), { name: 'AbortError' });
  t.notOk(names.asked.includes('v4.example'), 'nothing is asked for who had given up');
  t.same(await ask('v4.example'), v4);
});

t.test('the system is asked for one name at a time, and not for who gave up meanwhile', async (t) => {
  const { ask, system, held } = await stage(t, { is_held: true });
  const giving_up = new AbortController();
  const first = ask('localhost', giving_up.signal);
  const second = ask('LOCALHOST', giving_up.signal);
  const third = ask('localhost.');
  const untilAsked = async (count: number) => {
    while (held.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  await untilAsked(1);
  giving_up.abort();
  t.same(system, ['localhost'], 'its thread is taken until it ends, whoever gave up');
  held[0]?.();
  t.same(await first, ['127.0.0.1']);
  await t.rejects(second, { name: 'AbortError' });
  await untilAsked(2);
  t.same(system, ['localhost', 'localhost.']);
  held[1]?.();
  t.same(await third, ['127.0.0.1']);
});

t.test('a guard gives up after 2 s, and names that never come leave the system alone', async (t) => {
  const { lookUp, system, names } = await stage(t, { may_be_private: true });
  const guard = createAddressGuard({ allowed_private_ranges: ['127.0.0.0/8'], lookUp });
  const checks = Array.from({ length: 20 }, () => guard.checkHost('https://slow.example/'));
  await names.heard(40);
  t.match(await guard.checkHost('https://localhost/'), { ok: true }, 'others are answered meanwhile');
  for (const check of checks) t.match(await check, { ok: true }, 'a name without an address may come to have one');
  t.same(system, ['localhost']);
});

t.test('a guard calls off what it has given up', async (t) => {
  let given: AbortSignal | undefined;
  const guard = createAddressGuard({
    allowed_private_ranges: [],
    lookUp: (_, signal) => {
      given = signal;
      return new Promise(() => {});
    },
  });
  const dialled = new Promise((resolve) => {
    guard.connector({ hostname: 'slow.example', protocol: 'https:', port: '443' }, (...[error]) => resolve(error));
  });
  t.match(await dialled, new ConnectFailure('dns', 'the name was not resolved in time'));
  t.equal(given?.aborted, true);
});

t.test('what name servers answer is judged and dialled like any address', async (t) => {
  const server = await startScriptedServer();
  t.teardown(() => server.close());
  const names = await startNameServer(t, {
    'mixed.example': { A: ['8.8.8.8'], AAAA: ['0:0:0:0:0:0:0:1'] },
    'here.example': { A: ['127.0.0.1'], AAAA: [] },
    'mapped.example': { A: [], AAAA: ['0:0:0:0:0:ffff:7f00:1'] },
  });
  const options = { may_be_private: false, servers: [names.address] };
  const strict = createAddressGuard({ allowed_private_ranges: [], lookUp: createLookUp(options) });
  for (const name of ['mixed', 'here', 'mapped'])
    t.match(await strict.checkHost(`https://${name}.example/`), { ok: false, reason: 'address' }, name);
  const local = createAddressGuard({ allowed_private_ranges: ['127.0.0.0/8'], lookUp: createLookUp(options) });
  const connect = (hostname: string) =>
    new Promise<unknown>((resolve) => {
      local.connector({ hostname, protocol: 'http:', port: String(server.port) }, (...[error, socket]) => {
        socket?.destroy();
        resolve(error);
      });
    });
  t.equal(await connect('here.example'), null);
  t.match(await connect('mixed.example'), { reason: 'address_not_allowed' });
  t.match(await connect('mapped.example'), { reason: 'address_not_allowed' });
  t.equal(server.connections(), 1);
});

t.test('the hosts file comes first, IPv4 before IPv6, and needs no name server', async (t) => {
  const folder = t.testdir({
    hosts:
      '127.0.0.1 localhost\n# not this one: 10.9.9.9 gateway.lan\n::7 gateway.lan\n10.0.0.5\tGateway.lan  gw # ours\n',
  });
  const { ask, names, system } = await stage(t, { files: { ...no_files, hosts: `${folder}/hosts` } });
  t.same(await ask('gateway.LAN'), ['10.0.0.5', '::7']);
  t.same(await ask('gw'), ['10.0.0.5']);
  t.same([names.asked, system], [[], []]);
});

t.test('a short name means what the search list says, where it may be near', async (t) => {
  const folder = t.testdir({
    resolv: 'nameserver 10.0.0.1\nsearch tools.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  });
  const files = { ...no_files, resolv: `${folder}/resolv` };
  const inside = await stage(t, { may_be_private: true, files });
  t.same(await inside.ask('gateway.dev'), ['10.0.0.8']);
  t.same(await inside.ask('gateway.dev.'), ['192.0.2.9'], 'but with the dot of the root what it says');
  t.same(await inside.ask('evolution.dev'), ['10.0.0.9']);
  t.same(
    await inside.ask('both.example'),
    [...v4, '2001:db8::1'],
    'and what is not near is asked for as it is, in the end',
  );
  const outside = await stage(t, { files });
  t.same(
    await outside.ask('gateway.dev'),
    ['192.0.2.9'],
    'a name with dots is public where nothing inside may be called',
  );
});

t.test('a name server that fails, refuses or is silent is followed by the next', async (t) => {
  const first = await startNameServer(t, zone as unknown as Parameters<typeof startNameServer>[1]);
  const second = await startNameServer(t, {
    'fails.example': { A: v4, AAAA: [] },
    'slow.example': { A: v4, AAAA: [] },
    'empty.example': { A: ['192.0.2.8'], AAAA: [] },
  });
  const servers = [first.address, second.address];
  const lookUp = createLookUp({ ...slow_machine, may_be_private: false, servers, files: no_files });
  const never = new AbortController().signal;
  t.same(await lookUp('fails.example', never), v4);
  t.same(await lookUp('slow.example', never), v4);
  await t.rejects(lookUp('empty.example', never), { code: 'ENODATA' }, 'what one knows to be so is so');
});

t.test('a family that stays silent costs no more than a short grace: a guard gets what there is', async (t) => {
  const names = await Promise.all(
    [1, 2, 3].map(() => startNameServer(t, zone as unknown as Parameters<typeof startNameServer>[1])),
  );
  const servers = names.map(({ address }) => address);
  const lookUp = createLookUp({ may_be_private: false, servers, files: no_files });
  const guard = createAddressGuard({ allowed_private_ranges: [], lookUp });
  t.same(await lookUp('v6-hangs.example', AbortSignal.timeout(60_000)), v4);
  t.same(
    names.map(({ asked }) => asked.length > 0),
    [true, false, false],
    'the first one has said enough',
  );
  t.match(await guard.checkHost('https://v6-hangs.example/'), { ok: false, reason: 'address' });
});
