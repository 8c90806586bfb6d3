import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase } from '../support/database.ts';
import { databaseUrl, processSettings, runCommand, startProcess } from '../support/process.ts';
import { callOver, createRemoteCompany, type RemoteReply } from '../support/remote-company.ts';
import { eventually } from '../support/service.ts';

t.setTimeout(900_000);

const newKey = (kid: string) => `${kid}:${randomBytes(32).toString('base64')}`;

t.test('a master key is rotated while starts go on, and none fails', async (t) => {
  const { settings } = await createDatabase(t);
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log: pino({ level: 'silent' }) });
  t.teardown(() => simulator.close());
  const [old, fresh] = [newKey('old'), newKey('fresh')];
  const common = processSettings(databaseUrl(settings));
  const env = (...keys: string[]) => ({ ...common, CONVERSAR_MASTER_KEYS: keys.join(',') });

  let serving = await startProcess(t, ['serve'], env(old));
  const company = await createRemoteCompany(serving.url, common.CONVERSAR_ADMIN_TOKEN, simulator.url);
  const operator = { 'idempotency-key': 'second-shop' };
  const addAccount = () =>
    callOver(`${serving.url}/admin/v1/accounts`, common.CONVERSAR_ADMIN_TOKEN, 'POST', { name: 'Outra' }, operator);
  const second = await addAccount();

  const answers: RemoteReply[] = [];
  /** Calls that have no answer yet. */
  const in_air = new Set<Promise<unknown>>();
  let is_over = false;
  const client = async (line: number) => {
    for (let count = 0; !is_over; count += 1) {
      const call = company.start(serving.url, `319${line}${String(count).padStart(3, '0')}0001`);
      in_air.add(call);
      answers.push(await call);
      in_air.delete(call);
      await delay(100);
    }
  };
  const clients = Promise.all([7, 8].map(client));
  /** As behind a load balancer: the next process serves before the last one stops. */
  const replace = async (...keys: string[]) => {
    const last = serving;
    serving = await startProcess(t, ['serve'], env(...keys));
    await Promise.all(in_air);
    const { code } = await last.end('SIGTERM');
    t.equal(code, 0);
  };
  const reseal = () => runCommand(t, ['master-keys', 'reseal'], env(fresh, old));

  await replace(old, fresh);
  await replace(fresh, old);
  const first_time = await reseal();
  t.equal(first_time.code, 0, first_time.stderr);
  t.same(JSON.parse(first_time.stdout), { resealed: 2, unchanged: 0, failed: [] });
  const again = await reseal();
  t.same(JSON.parse(again.stdout), { resealed: 0, unchanged: 2, failed: [] }, 'a second time does nothing');
  await replace(fresh);
  const before = answers.length;
  await eventually(
    async () => answers.length,
    (count) => count >= before + 4,
  );
  is_over = true;
  await clients;

  t.ok(answers.length > 20, `${answers.length} starts`);
  t.same([...new Set(answers.map(({ status }) => status))], [201]);
  const waited = await company.start(serving.url, '31966660001', { prefer: 'wait=20' });
  t.match(waited.body, { first_message: { status: 'accepted' } }, 'credentials open without the old key');
  const replayed = await addAccount();
  t.equal(replayed.headers.get('idempotent-replayed'), 'true');
  t.same(replayed.body, second.body, "so does the operator's kept answer");

  t.test('a key that is missing is named, and nothing else is held up', async (t) => {
    const { code, stdout, stderr } = await runCommand(t, ['master-keys', 'reseal'], env(newKey('other')));
    t.equal(code, 78);
    t.match(JSON.parse(stdout), { resealed: 0, failed: [{ account_id: String }, { account_id: String }] });
    t.match(stderr, /master key "fresh" is not in CONVERSAR_MASTER_KEYS/);
  });
});
