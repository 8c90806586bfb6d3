import t, { type Test } from 'tap';
import { createDatabase } from '../support/database.ts';
import { readExposition, readSample } from '../support/exposition.ts';
import { databaseUrl, processSettings, startProcess } from '../support/process.ts';

t.setTimeout(900_000);

const { settings } = await createDatabase(t);
const token = 'metrics-token-of-the-tests';
const env = { ...processSettings(databaseUrl(settings)), CONVERSAR_METRICS_TOKEN: token };

/** A number is all that the setting takes, and a port that is free now may be taken a moment later: then another one. */
async function startWorker(t: Test) {
  for (let tries = 1; ; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      return { port, ...(await startProcess(t, ['worker'], { ...env, CONVERSAR_METRICS_PORT: String(port) })) };
    } catch (error) {
      if (tries === 5 || !String(error).includes(`Port ${port} is taken; set CONVERSAR_METRICS_PORT`)) throw error;
    }
  }
}

t.test('a worker with CONVERSAR_METRICS_PORT serves its metrics and its health, and nothing else', async (t) => {
  const { port, ...worker } = await startWorker(t);
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers, signal: AbortSignal.timeout(60_000) });
  for (const path of ['/health/live', '/health/ready']) {
    const answer = await ask(path);
    t.match([answer.status, await answer.json()], [200, { status: 'ok' }], path);
  }
  t.equal((await ask('/metrics')).status, 401);
  const answer = await ask('/metrics', { authorization: `Bearer ${token}` });
  t.equal(answer.status, 200);
  const samples = readExposition(await answer.text());
  t.equal(readSample(samples, 'conversar_lane_messages', { lane: 'dispatch', state: 'queued' }), 0);
  for (const path of ['/v1/contacts', '/openapi.json', '/docs/', '/admin/v1/accounts'])
    t.equal((await ask(path)).status, 404, path);
  t.same(await worker.end('SIGTERM'), { code: 0, signal: null });
  await t.rejects(ask('/health/live'));
});
