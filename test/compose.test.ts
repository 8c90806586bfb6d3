import { readFile } from 'node:fs/promises';
import t from 'tap';
import { readConfig, settings } from '../src/config.ts';

/** Of YAML this file needs what is read here: blocks by indentation, and anchors that are merged. */
const text = await readFile(new URL('../compose.yaml', import.meta.url), 'utf8');
const page = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
const main = await readFile(new URL('../src/main.ts', import.meta.url), 'utf8');

/** A block below a key at this depth: its lines, comments left out. */
function block(key: string, depth: number): string {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const from = lines.findIndex((line) => line.startsWith(`${' '.repeat(depth)}${key}:`));
  if (from < 0) return '';
  const rest = lines.slice(from + 1);
  const length = rest.findIndex((line) => line.trim() !== '' && line.search(/\S/) <= depth);
  return [lines[from], ...rest.slice(0, length < 0 ? undefined : length)].join('\n');
}

/** A service with what its anchors bring, outermost first. */
function service(name: string): string {
  const own = block(name, 2);
  const merged = [...own.matchAll(/(?:<<: |: )\*(\w+)/g)].map(([, anchor]) => {
    const shared = block(`x-${anchor}`, 0);
    return shared.includes('<<: *conversar') ? `${block('x-conversar', 0)}\n${shared}` : shared;
  });
  return [...merged, own].join('\n');
}

const ours = ['migrate', 'serve_1', 'serve_2', 'worker_1', 'worker_2'];

t.test('there are PostgreSQL, two that answer, two that send, and one that migrates before them', async (t) => {
  const names = [...block('services', 0).matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  t.same(names, ['postgres', ...ours]);
  for (const name of ours) {
    const needed =
      name === 'migrate'
        ? /postgres:\s+condition: service_healthy/
        : /migrate:\s+condition: service_completed_successfully/;
    t.match(service(name), needed, name);
  }
});

t.test('every command is one of the command line', async (t) => {
  const commands = [...text.matchAll(/command: \[(.*)\]/g)].map(([, list = '']) =>
    list.replaceAll('"', '').split(', '),
  );
  t.equal(commands.length, 3);
  for (const [node, file, verb = '', ...flags] of commands) {
    t.same([node, file], ['node', 'dist/main.js']);
    t.ok(main.includes(`case '${verb}':`), verb);
    for (const flag of flags) t.ok(main.includes(`'${flag.replace('--', '')}': {`), flag);
  }
});

t.test(
  'each of ours has a check, the time that a stop takes, and its secrets from a file that git leaves out',
  async (t) => {
    for (const name of ours) {
      const all = service(name);
      t.match(all, /env_file: \.env$/m, name);
      const [, seconds] = /stop_grace_period: (\d+)s/.exec(all) ?? [];
      t.ok(Number(seconds) * 1_000 > Number(/stop_within_ms = ([\d_]+)/.exec(main)?.[1]?.replaceAll('_', '')), name);
    }
    t.match(service('worker_1'), /healthcheck:[\s\S]+9464\/health\/ready/);
    t.match(service('worker_1'), /CONVERSAR_METRICS_PORT: "9464"/);
    t.match(service('postgres'), 'pg_isready');
    const ignored = await readFile(new URL('../.gitignore', import.meta.url), 'utf8');
    t.ok(ignored.split('\n').includes('.env'));
    t.notMatch(text, /(PASSWORD|KEYS|TOKEN): (?!\$\{)/, 'and none in the file itself');
    t.match(service('postgres'), /POSTGRES_PASSWORD: \$\{POSTGRES_PASSWORD:\?/);
    t.notMatch(service('postgres'), /env_file/, 'the database gets no key and no token');
  },
);

t.test('no two publish one port, and none is open to the world', async (t) => {
  const published = [...text.matchAll(/- "(\S+):(\d+):(\d+)"/g)].map(([, host, port]) => [host, port]);
  t.same(published, [
    ['127.0.0.1', '3000'],
    ['127.0.0.1', '3001'],
  ]);
});

t.test('the .env of docs/operations.md is one that the service starts with', async (t) => {
  const [, body = ''] = /cat > \.env <<END\n([\s\S]+?)\nEND/.exec(page) ?? [];
  const key = Buffer.alloc(32, 1).toString('base64');
  const filled = body
    .replace('$(openssl rand -base64 32)', key)
    .replace(/\$\(openssl rand -hex 24\)|\$password/g, 'ab'.repeat(24));
  const env = Object.fromEntries(filled.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
  t.match(readConfig({ ...env, CONVERSAR_METRICS_PORT: '9464' }), { metrics_port: 9464, demo: 'off' });
  const known = [...Object.values(settings).map(({ name }) => name), 'POSTGRES_PASSWORD'];
  for (const name of Object.keys(env)) t.ok(known.includes(name), name);
  const [, host] = /@(\w+):/.exec(env.DATABASE_URL ?? '') ?? [];
  t.ok(service(host ?? '').includes('postgres:17'), 'its database is the one of the file');
});
