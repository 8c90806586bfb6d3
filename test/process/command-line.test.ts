import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createDatabase, createEmptyDatabase, runStatement } from '../support/database.ts';
import { databaseUrl, processSettings, runCommand, startProcess } from '../support/process.ts';
import { callOver } from '../support/remote-company.ts';
import { holdClosedPort } from '../support/scripted-server.ts';

// Processes are started by the dozen: on a busy machine each takes its time.
t.setTimeout(900_000);

const { settings } = await createDatabase(t);
const env = processSettings(databaseUrl(settings));

t.test('without a command it says what there is', async (t) => {
  const { code, stdout, stderr } = await runCommand(t, [], env);
  t.equal(code, 0);
  for (const command of ['serve', 'worker', 'migrate', 'openapi', 'accounts create', 'keys rotate', 'simulator'])
    t.match(stdout, command);
  t.equal(stderr, '');
});

t.test('what cannot be used ends with 78, one sentence, and nothing on stdout', async (t) => {
  const { CONVERSAR_MASTER_KEYS: _, ...without_keys } = env;
  const cases: [string, string[], Record<string, string>, RegExp][] = [
    ['an unknown command', ['bogus'], env, /"bogus" is no command/],
    ['an unknown setting', ['serve'], { ...env, CONVERSAR_LEASE: '1' }, /^CONVERSAR_LEASE is no setting/],
    ['a bad setting', ['serve'], { ...env, PORT: 'http' }, /^PORT must be a whole number from 0 to 65535/],
    ['a missing one', ['serve'], without_keys, /^CONVERSAR_MASTER_KEYS is required with DATABASE_URL/],
    ['a verb without its option', ['accounts', 'create'], env, /--name is required/],
    [
      'a limit out of bounds',
      ['accounts', 'create', '--name', 'x', '--starts-per-second', '1e3'],
      env,
      /--starts-per-second must be a whole number from 0 to 100000/,
    ],
  ];
  for (const [name, args, given, said] of cases) {
    const { code, stdout, stderr } = await runCommand(t, args, given);
    t.equal(code, 78, name);
    t.match(stderr, said, name);
    t.notMatch(stderr, /\n\s+at /, 'no stack');
    t.equal(stdout, '');
  }
});

t.test('migrate brings an empty database up to date, and a second time finds nothing to do', async (t) => {
  const empty = await createEmptyDatabase(t);
  for (const _ of ['first', 'second']) {
    const { code, stdout } = await runCommand(t, ['migrate'], { ...env, DATABASE_URL: databaseUrl(empty.settings) });
    t.equal(code, 0);
    t.equal(stdout, 'The database is up to date.\n');
  }
});

t.test('accounts and keys, beside a running service', async (t) => {
  const { url } = await startProcess(t, ['serve', '--no-lanes'], env);
  const ask = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(t, args, env);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`);
    return JSON.parse(stdout);
  };
  const answer = async (key: string, path = '/v1/contacts') => (await callOver(`${url}${path}`, key, 'GET')).status;

  const account = await ask('accounts', 'create', '--name', 'Loja Exemplo', '--country', 'PT');
  t.match(account, { name: 'Loja Exemplo', default_country: 'PT' });
  t.match(await ask('accounts', 'list'), [{ id: account.id }]);

  const at = ['--account', account.id];
  const limited = await ask('accounts', 'update', ...at, '--starts-per-second', '50');
  t.match(limited, { name: 'Loja Exemplo', starts_per_second: 50, starts_burst: 1000 });
  const limits = ['--starts-per-second', '5', '--starts-burst', '6'];
  const first = await ask('keys', 'create', ...at, '--name', 'CRM', '--scopes', 'contacts:read', ...limits);
  t.match(first, { name: 'CRM', scopes: ['contacts:read'], starts_per_second: 5, starts_burst: 6, key: String });
  t.equal(await answer(first.key), 200);
  t.equal(await answer(first.key, '/v1/teams'), 403, 'of its scopes and no more');

  const second = await ask('keys', 'rotate', ...at, '--key', first.id);
  t.match(second, { name: 'CRM', scopes: ['contacts:read'], starts_per_second: 5, starts_burst: 6 });
  t.equal(await answer(first.key), 401, 'the old one is revoked');
  t.equal(await answer(second.key), 200);

  const revoked = await ask('keys', 'revoke', ...at, '--key', second.id);
  t.ok(revoked.revoked_at);
  t.equal(revoked.key, undefined);
  t.equal(await answer(second.key), 401);

  const unknown = await runCommand(t, ['keys', 'revoke', ...at, '--key', account.id], env);
  t.match(unknown, { code: 78, stdout: '', stderr: /has no API key/ });
});

t.test('inbound list shows what is in quarantine, and inbound retry makes it due again', async (t) => {
  const ask = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(t, args, env);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`);
    return JSON.parse(stdout);
  };
  const { id: account_id } = await ask('accounts', 'create', '--name', 'Loja Exemplo');
  const [channel_id, body_id, other_id] = [uuid(), uuid(), uuid()];
  await runStatement(
    settings,
    `insert into channels (account_id, id, name, type, provider, base_url, credentials, verify_token, max_per_second, created_at, updated_at)
     values ('${account_id}', '${channel_id}', 'Gateway', 'unofficial', 'evolution', 'http://127.0.0.1', '', 'token-of-nobody', 1, now(), now());
     insert into inbound_bodies (account_id, id, channel_id, body, state, reason, attempt, received_at)
     values ('${account_id}', '${body_id}', '${channel_id}', '', 'quarantined', 'the body is no JSON', 5, now() - interval '1 hour'),
            ('${account_id}', '${uuid()}', '${channel_id}', '', 'due', null, 0, now());
     insert into inbound_items (account_id, body_id, place, channel_id, event, kind, state, reason, tries, run_at, received_at)
     values ('${account_id}', '${other_id}', 3, '${channel_id}', '', 'message', 'quarantined', 'poisoned', 5, now(), now())`,
  );
  const kept = [
    { account_id, channel_id, body_id, place: null, kind: 'body', reason: 'the body is no JSON' },
    { account_id, channel_id, body_id: other_id, place: 3, kind: 'message', reason: 'poisoned' },
  ];
  const listed = await ask('inbound', 'list');
  t.match(listed, kept, 'oldest first');
  t.equal(listed.length, 2);
  t.same(await ask('inbound', 'retry', '--body', body_id), { retried: 1 });
  t.match(await ask('inbound', 'list'), kept.slice(1));
  t.same(await ask('inbound', 'retry'), { retried: 1 });
  t.same(await ask('inbound', 'list'), []);
  t.match(await runCommand(t, ['inbound', 'retry', '--body', 'all'], env), {
    code: 78,
    stderr: /--body is required, and/,
  });
  t.match(await runCommand(t, ['inbound'], env), { code: 78, stdout: '', stderr: /^Say: conversar inbound list/ });
});

t.test('openapi prints the document that is kept', async (t) => {
  const { code, stdout, stderr } = await runCommand(t, ['openapi'], { CONVERSAR_DATA_DIR: '/nowhere' });
  t.equal(code, 0, stderr);
  const kept = await readFile(new URL('../../openapi/openapi.json', import.meta.url), 'utf8');
  t.same(JSON.parse(stdout), JSON.parse(kept));
});

t.test('a port that is taken, or a database that is not there, is told in a sentence', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const on_taken = await runCommand(t, ['serve'], { ...env, PORT: String(port), LOG_LEVEL: 'silent' });
  t.match(on_taken, { code: 1, stderr: `Port ${port} is taken; set PORT to another one.\n` });
  const simulator = await runCommand(t, ['simulator', '--port', String(port)], { LOG_LEVEL: 'silent' });
  t.match(simulator, { code: 1, stderr: `Port ${port} is taken; set --port to another one.\n` });

  const closed = await holdClosedPort(t);
  const secret = 'not-to-be-told';
  const database_url = `postgres://conversar:${secret}@127.0.0.1:${closed}/none`;
  const without = await runCommand(t, ['serve'], { ...env, DATABASE_URL: database_url, LOG_LEVEL: 'silent' });
  t.match(without, { code: 1, stderr: /^The database of DATABASE_URL cannot be reached: .+\n$/ });
  t.notMatch(without.stderr, secret);
});

t.test('a demo whose simulator may not be called ends with 78 and what to set, and makes no account', async (t) => {
  const given = { ...env, CONVERSAR_DEMO: 'on', CONVERSAR_ALLOWED_PRIVATE_RANGES: '', PORT: '0' };
  const { code, stderr } = await runCommand(t, ['serve'], given);
  t.equal(code, 78);
  t.match(stderr, /^CONVERSAR_DEMO=on needs 127\.0\.0\.0\/8 in CONVERSAR_ALLOWED_PRIVATE_RANGES/);
  const { stdout } = await runCommand(t, ['accounts', 'list'], env);
  t.notMatch(stdout, '"Demo"');
});
