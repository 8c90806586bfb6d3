import { execFile } from 'node:child_process';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { createDataFolder } from '../support/embedded-folder.ts';
import { type Running, runCommand, startProcess } from '../support/process.ts';
import { callOver } from '../support/remote-company.ts';
import { eventually } from '../support/service.ts';

// Processes are started by the dozen: on a busy machine each takes its time.
t.setTimeout(900_000);

const execute = promisify(execFile);
const data_dir = await createDataFolder(t);
const start = (t: Test) => startProcess(t, ['serve'], { CONVERSAR_DATA_DIR: data_dir, PORT: '0' });

/** What a person reads on the terminal: the key, and the curl commands as they would be pasted. */
async function readTerminal({ log }: Running) {
  const lines = await eventually(
    async () => log().flatMap(({ text }) => (typeof text === 'string' ? [text] : [])),
    (texts) => texts.filter((text) => text.startsWith("  -d '")).length === 3,
  );
  const text = lines.join('\n');
  const [, key = ''] = /API key +(\S+)/.exec(text) ?? [];
  const [, simulator_url = ''] = /simulator +(\S+)/.exec(text) ?? [];
  return { text, key, simulator_url, commands: text.match(/^curl -s .*\\\n.*\\\n {2}-d '.*'$/gm) ?? [] };
}

const first = await start(t);
const shown = await readTerminal(first);
const attendance_ids: string[] = [];

t.test('npm start prints a key and commands that work when they are pasted: two that start', async (t) => {
  t.match(shown.text, `Conversar is ready at ${first.url} (API docs: ${first.url}/docs)`);
  t.equal(shown.commands.length, 3);
  for (const command of shown.commands.slice(0, 2)) {
    const { stdout } = await execute('bash', ['-c', `${command} -w '\\n%{http_code}'`], { timeout: 90_000 });
    const [body = '', status] = stdout.split('\n');
    t.equal(status, '201');
    const attendance = JSON.parse(body);
    t.match(attendance, { status: 'open', first_message: { status: 'accepted', error: null } });
    attendance_ids.push(attendance.id);
  }
  const { body } = await callOver(`${shown.simulator_url}/_received`, '', 'GET');
  t.same(
    body.data.map(({ protocol, accepted }: Record<string, unknown>) => [protocol, accepted]),
    [
      ['graph', true],
      ['evolution', true],
    ],
  );
});

t.test('both starts reach read, and a reply lands in the one it answers', async (t) => {
  const read = (id: string) => callOver(`${first.url}/v1/attendances/${id}`, shown.key, 'GET');
  for (const id of attendance_ids) {
    await eventually(
      async () => (await read(id)).body.first_message.status,
      (status) => status === 'read',
    );
  }
  await callOver(`${shown.simulator_url}/_persons/5531988880001/messages`, '', 'POST', { text: 'Sim, quero!' });
  const { body } = await eventually(
    () => read(attendance_ids[0] ?? ''),
    (answer) => answer.body.service_window.status === 'active',
  );
  t.match(body, { status: 'open', origin: 'active' });
});

t.test('… and one that makes a person write first: a receptive attendance opens', async (t) => {
  const { stdout } = await execute('bash', ['-c', shown.commands[2] ?? ''], { timeout: 90_000 });
  t.match(JSON.parse(stdout), { person: { name: 'Caio' }, queued: 1 });
  const { body } = await eventually(
    () => callOver(`${first.url}/v1/attendances?origin=receptive`, shown.key, 'GET'),
    (answer) => answer.body.data.length > 0,
  );
  t.match(body.data, [{ status: 'open', origin: 'receptive', contact: { phone: '+5531988880003' } }]);
});

t.test('the keys in its folder are for its owner alone', async (t) => {
  for (const name of ['master.key', 'demo.json']) t.equal((await stat(join(data_dir, name))).mode & 0o777, 0o600, name);
});

t.test('killed and started again: the same key, and all that was there', async (t) => {
  t.same(await first.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
  const again = await start(t);
  const { key, commands, simulator_url } = await readTerminal(again);
  t.equal(key, shown.key);
  for (const id of attendance_ids) {
    const { status, body } = await callOver(`${again.url}/v1/attendances/${id}`, key, 'GET');
    t.equal(status, 200);
    t.match(body, { id, status: 'open', first_message: { status: 'read' } });
  }
  const { body } = await callOver(`${simulator_url}/_received`, '', 'GET');
  t.equal(body.total, 2, 'nothing was sent again');
  const { stdout } = await execute('bash', ['-c', commands[0] ?? ''], { timeout: 90_000 });
  t.match(JSON.parse(stdout), { code: 'attendance_already_open', attendance: { id: attendance_ids[0] } });
  t.same(await again.end('SIGTERM'), { code: 0, signal: null });
});

t.test('a demo channel that somebody changed, or deleted, holds up no start', async (t) => {
  const second = await start(t);
  const { key } = await readTerminal(second);
  const ask = (method: string, path: string, body?: unknown) => callOver(`${second.url}${path}`, key, method, body);
  const { body: channels } = await ask('GET', '/v1/channels');
  const official = channels.data.find(({ type }: { type: string }) => type === 'official');
  const credentials = { ...demo_values.graph, access_token: 'of-somebody-else' };
  t.match(await ask('PATCH', `/v1/channels/${official.id}`, { credentials }), { status: 200 });
  t.same(await second.end('SIGTERM'), { code: 0, signal: null });

  const third = await start(t);
  t.equal((await readTerminal(third)).key, key);
  t.ok(third.log().some(({ msg }) => msg === 'demo.not_synced'));
  const { body: open } = await callOver(`${third.url}/v1/attendances?channel_id=${official.id}`, key, 'GET');
  for (const { id } of open.data)
    await callOver(`${third.url}/v1/attendances/${id}/close`, key, 'POST', { force: true });
  t.match(await callOver(`${third.url}/v1/channels/${official.id}`, key, 'DELETE'), { status: 204 });
  t.same(await third.end('SIGTERM'), { code: 0, signal: null });

  const fourth = await start(t);
  t.not((await readTerminal(fourth)).key, key, 'another demo is made');
  t.same(await fourth.end('SIGTERM'), { code: 0, signal: null });
});

t.test('without the master key that its accounts are sealed with it says so, and makes no other', async (t) => {
  const path = join(data_dir, 'master.key');
  await rename(path, `${path}.kept`);
  const command = ['accounts', 'create', '--name', 'Loja Exemplo'];
  const { code, stderr } = await runCommand(t, command, { CONVERSAR_DATA_DIR: data_dir });
  t.equal(code, 78);
  t.match(stderr, /master\.key is missing, and what the accounts of this database hold is sealed with it/);
  await rename(`${path}.kept`, path);
  t.equal((await runCommand(t, command, { CONVERSAR_DATA_DIR: data_dir })).code, 0);
});
