import { execFile } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { Document } from '../support/document.ts';
import { startService } from '../support/service.ts';

const run = promisify(execFile);
const service = await startService(t, { with_lanes: false });

const policyOf = (header: unknown) =>
  new Map(
    String(header)
      .split(';')
      .map((part) => part.trim().split(/\s+/))
      .filter(([name]) => name)
      .map(([name = '', ...sources]) => [name, sources]),
  );

t.test('GET /docs: every asset of the page is served by us, as the page policy allows', async (t) => {
  const page = await service.send(null, 'GET', '/docs');
  t.equal(page.status, 200);
  t.match(page.headers['content-type'], /^text\/html/);
  const policy = policyOf(page.headers['content-security-policy']);
  t.same(policy.get('default-src'), ["'none'"]);
  t.same(policy.get('script-src'), ["'self'"]);
  t.same(policy.get('style-src'), ["'self'"]);
  t.same(policy.get('connect-src'), ["'self'", 'http://conversar.test']);
  t.notOk(policy.has('upgrade-insecure-requests'), 'an installation without TLS shows it too');

  const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
  t.ok(assets.filter((path) => path.endsWith('.js')).length >= 2);
  t.notMatch(page.text, /<script[^>]*>[^<\s]/, 'no script stands in the page itself');
  for (const path of assets) {
    t.match(path, /^\/docs\//, path);
    const asset = await service.send(null, 'GET', path);
    t.equal(asset.status, 200, path);
    t.match(asset.headers['content-type'], /javascript|css|image\/png/, path);
  }
});

t.test('GET /docs/json: what the page shows is the API document', async (t) => {
  const { status, body } = await service.send(null, 'GET', '/docs/json');
  t.equal(status, 200);
  t.same(body, service.server.swagger());
});

async function findBrowser(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const path of folders.map((folder) => join(folder, name))) {
      const is_there = await access(path).then(
        () => true,
        () => false,
      );
      if (is_there) return path;
    }
  }
  return undefined;
}

/** The page as the browser has it in the end, and what it had to complain of. */
async function browse(browser: string, url: string, profile: string): Promise<{ dom: string; complaints: string[] }> {
  const flags = [
    ...['--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    ...['--disable-component-update', '--disable-sync', '--enable-logging=stderr', `--user-data-dir=${profile}`],
    // Chromium refuses its sandbox to root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...['--virtual-time-budget=30000', '--dump-dom', url],
  ];
  const { stdout, stderr } = await run(browser, flags, { timeout: 100_000, maxBuffer: 64 * 1024 * 1024 });
  return { dom: stdout, complaints: stderr.split('\n').filter((line) => line.includes('CONSOLE')) };
}

const browser = await findBrowser();
const skip = browser === undefined && 'no chromium on the PATH';

t.test('a browser shows every operation and opens one, without a complaint', { skip }, async (t) => {
  const profile = await mkdtemp(join(tmpdir(), 'conversar-browser-'));
  t.teardown(() => rm(profile, { recursive: true, force: true, maxRetries: 10 }));
  await service.server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.server.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/docs#/Attendances/startAttendance`;
  const { dom, complaints } = await browse(browser ?? '', url, profile);
  t.same(complaints, []);
  const { paths } = service.server.swagger() as unknown as Document;
  const ids = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ tags, operationId }) => `operations-${tags[0]}-${operationId}`),
  );
  for (const id of ids) t.ok(dom.includes(`id="${id}"`), id);
  t.match(dom, /Idempotency-Key/, 'the opened one shows its parameters');
  t.match(dom, /attendance_already_open/, 'and what it may refuse with');
  t.match(dom, /Unofficial channel, with a text/, 'and its examples');
});
