import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import t from 'tap';
import { Agent } from 'undici';
import { ConnectFailure, createAddressGuard } from '../../src/outbound/address-guard.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

const loopback_hosts = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0x0.0x0.0x1',
  '0177.0.0.1',
  '017700000001',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '0.0.0.0',
  '0',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
];
const other_private_hosts = [
  '169.254.169.254',
  '168.63.129.16',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:8.8.8.8]',
  '[2001:db8::1]',
  '[::127.0.0.1]',
  '[4000::1]',
];

t.test('checkUrl › refuses every spelling of a loopback, private, metadata or wrapped address', async (t) => {
  const guard = createAddressGuard({ allowed_private_ranges: [] });
  for (const host of [...loopback_hosts, ...other_private_hosts]) {
    t.match(guard.checkUrl(`https://${host}/hook`), { ok: false, reason: 'address' }, host);
  }
});

t.test('checkUrl › wants http or https, a host, and no userinfo', async (t) => {
  const guard = createAddressGuard({ allowed_private_ranges: ['127.0.0.0/8'] });
  for (const url of ['', 'example.com', 'https://', 'https://[::1', `https://example.com/${'a'.repeat(5_000)}`]) {
    t.match(guard.checkUrl(url), { ok: false, reason: 'malformed' }, url.slice(0, 40));
  }
  for (const url of ['ftp://example.com/', 'gopher://example.com/', 'data://example.com']) {
    t.match(guard.checkUrl(url), { ok: false, reason: 'scheme' }, url);
  }
  for (const url of ['https://ana@example.com/', 'https://ana:secret@example.com/', 'https://example.com@8.8.8.8/']) {
    t.match(guard.checkUrl(url), { ok: false, reason: 'userinfo' }, url);
  }
  t.match(guard.checkUrl('https://example.com/hook'), { ok: true });
  t.match(guard.checkUrl('https://8.8.8.8/hook'), { ok: true });
  t.match(guard.checkUrl('https://[2606:4700::1111]/hook'), { ok: true });
});

t.test('checkUrl › plain http is for addresses inside the allowed private ranges', async (t) => {
  const strict = createAddressGuard({ allowed_private_ranges: [] });
  t.match(strict.checkUrl('http://example.com/'), { ok: false, reason: 'plain_http' });
  t.match(strict.checkUrl('http://8.8.8.8/'), { ok: false, reason: 'plain_http' });
  const local = createAddressGuard({ allowed_private_ranges: ['127.0.0.0/8', '::1/128'] });
  t.match(local.checkUrl('http://127.0.0.1:8080/'), { ok: true });
  t.match(local.checkUrl('http://[::1]:8080/'), { ok: true });
  t.match(local.checkUrl('http://localhost:8080/'), { ok: true }, 'a name is judged when it is resolved');
  t.match(local.checkUrl('http://8.8.8.8/'), { ok: false, reason: 'plain_http' });
  t.match(local.checkUrl('https://10.0.0.1/'), { ok: false, reason: 'address' });
  t.match(local.checkUrl('https://[::ffff:127.0.0.1]/'), { ok: false, reason: 'address' }, 'mapped stays refused');
});

t.test('createAddressGuard › throws on a range that is no CIDR', async (t) => {
  t.throws(() => createAddressGuard({ allowed_private_ranges: ['127.0.0.1/99'] }));
  t.throws(() => createAddressGuard({ allowed_private_ranges: ['home'] }));
});

t.test('connector › without allowed ranges no spelling and no name reaches a listener on loopback', async (t) => {
  const server = await startScriptedServer();
  const agent = new Agent({ connect: createAddressGuard({ allowed_private_ranges: [] }).connector });
  t.teardown(() => Promise.all([agent.destroy(), server.close()]));
  for (const host of [...loopback_hosts, 'localhost', 'LOCALHOST']) {
    for (const scheme of ['http', 'https']) {
      const attempt = agent.request({ origin: `${scheme}://${host}:${server.port}`, path: '/', method: 'GET' });
      await t.rejects(attempt, ConnectFailure, `${scheme} ${host}`);
      await attempt.catch((error: ConnectFailure) => t.equal(error.reason, 'address_not_allowed', `${scheme} ${host}`));
    }
  }
  t.equal(server.connections(), 0, 'nothing was dialled');
});

t.test('connector › a range that is allowed is reached, by literal and by name, and no other range is', async (t) => {
  const server = await startScriptedServer();
  const guard = createAddressGuard({ allowed_private_ranges: ['127.0.0.0/8', '::1/128'] });
  const agent = new Agent({ connect: guard.connector });
  t.teardown(() => Promise.all([agent.destroy(), server.close()]));
  server.script((socket) => socket.end('HTTP/1.1 204 Scripted\r\nconnection: close\r\n\r\n'));
  for (const host of ['127.0.0.1', 'localhost', '2130706433']) {
    const { statusCode, body } = await agent.request({
      origin: `http://${host}:${server.port}`,
      path: '/',
      method: 'GET',
    });
    await body.dump();
    t.equal(statusCode, 204, host);
  }
  t.equal(server.connections(), 3);
  t.equal(server.requests[1]?.headers.host, `localhost:${server.port}`, 'the name stays in Host');
  const elsewhere = agent.request({ origin: 'http://10.0.0.1', path: '/', method: 'GET' });
  await t.rejects(
    elsewhere,
    new ConnectFailure('address_not_allowed', 'an address of this host may not be called over http:'),
  );
});

t.test('connector › dials the checked address with the name as SNI', async (t) => {
  const names: string[] = [];
  const server = createServer({
    SNICallback: (name, done) => {
      names.push(name);
      done(new Error('no certificate here'));
    },
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const guard = createAddressGuard({ allowed_private_ranges: ['127.0.0.0/8', '::1/128'] });
  const agent = new Agent({ connect: guard.connector });
  t.teardown(async () => {
    await agent.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const attempt = agent.request({ origin: `https://localhost:${port}`, path: '/', method: 'GET' });
  await t.rejects(attempt, { name: 'ConnectFailure' });
  t.same(names, ['localhost']);
});
