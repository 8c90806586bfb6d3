import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startService } from '../support/service.ts';

// Each run of the example is a process: on a busy machine that takes its time.
t.setTimeout(900_000);

const root = fileURLToPath(new URL('../..', import.meta.url));
const service = await startService(t);
const company = await service.createCompany();
const url = await service.server.listen({ host: '127.0.0.1', port: 0 });
const person = { CONVERSAR_PHONE: '(31) 98888-0101', CONVERSAR_NAME: 'Ana' };

interface Printed {
  code: number;
  lines: string[];
  stderr: string;
}

/** The example as an integrator runs it: a process of its own that has a URL and a key. */
function run(settings: Record<string, string>): Promise<Printed> {
  const { PATH = '' } = process.env;
  const env = { PATH, CONVERSAR_URL: url, CONVERSAR_API_KEY: company.key, ...person, ...settings };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'examples/typed-client/main.ts'],
      { cwd: root, env, timeout: 200_000 },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, lines: stdout.split('\n').filter(Boolean), stderr }),
    );
  });
}

/** What the simulator got for a number as people write it: protocol, text or template, whether it was taken. */
async function receivedFor(phone: string) {
  const entries = await service.received(`?to=55${phone.replace(/\D/g, '')}`);
  return entries.map(({ protocol, text, template, accepted }) => ({
    protocol,
    said: text ?? template?.name ?? null,
    accepted,
  }));
}

t.test('on the official channel: the whole main job, and one template arrives', async (t) => {
  const template = { CONVERSAR_CHANNEL_ID: company.official_id, CONVERSAR_TEMPLATE: 'retomar_atendimento' };
  const { code, lines, stderr } = await run({ ...template, CONVERSAR_TEAM_ID: company.team_id });
  t.equal(stderr, '');
  t.equal(code, 0);
  const said = '"Olá Ana, podemos retomar o seu atendimento sobre a troca? Estamos à disposição."';
  t.same(lines.slice(0, 7), [
    'lookup    +5531988880101, mobile: nobody has it',
    'contact   created Ana',
    'channel   Oficial: official, unknown',
    'team      Comercial',
    'template  retomar_atendimento (pt_BR), slots: body.1, body.2',
    `preview   ${said}`,
    `dry run   would send ${said}`,
  ]);
  t.equal(lines[7], 'start     open, message accepted');
  t.match(lines[8], /^message {3}outbound template, accepted: "Olá Ana, podemos retomar/);
  t.same(lines.slice(9), ['close     closed, example']);
  t.same(await receivedFor(person.CONVERSAR_PHONE), [
    { protocol: 'graph', said: 'retomar_atendimento', accepted: true },
  ]);
  const { body } = await company.get('/v1/attendances');
  t.match(body.data, [{ status: 'closed', close_reason: 'example', contact: { phone: '+5531988880101' } }]);
});

t.test('on the unofficial channel: the same contact is found, and one text arrives', async (t) => {
  const { code, lines, stderr } = await run({ CONVERSAR_CHANNEL_ID: company.unofficial_id });
  t.equal(stderr, '');
  t.equal(code, 0);
  t.same(lines, [
    'lookup    +5531988880101, mobile: a contact has it',
    'contact   found Ana',
    'channel   Gateway: unofficial, unknown',
    'team      Suporte',
    'dry run   would send "Olá, Ana!"',
    'start     open, message accepted',
    'message   outbound text, accepted: "Olá, Ana!"',
    'close     closed, example',
  ]);
  const [, second, ...others] = await receivedFor(person.CONVERSAR_PHONE);
  t.same(second, { protocol: 'evolution', said: 'Olá, Ana!', accepted: true });
  t.same(others, []);
});

t.test('without ids it takes a channel, a team and a template from the lists', async (t) => {
  const { code, lines } = await run({ CONVERSAR_PHONE: '(31) 98888-0102' });
  t.equal(code, 0);
  t.equal(lines.at(-1), 'close     closed, example');
  t.equal((await receivedFor('(31) 98888-0102')).length, 1);
});

t.test('what is open already is told, and nothing is sent', async (t) => {
  const phone = '(31) 98888-0103';
  const started = await company.start({ contact: { phone }, channel_id: company.unofficial_id });
  t.equal(started.status, 201);
  const { code, lines, stderr } = await run({ CONVERSAR_PHONE: phone, CONVERSAR_CHANNEL_ID: company.unofficial_id });
  t.equal(code, 1);
  t.equal(lines.at(-1), 'team      Suporte');
  t.match(
    stderr,
    /^refused: 422 start_refused: .*\n {2}\/contact attendance_already_open: This contact has an attendance/,
  );
  t.same(await receivedFor(phone), []);
});

t.test('a problem is shown in the language asked for, with its code, and ends the program with 1', async (t) => {
  const { code, lines, stderr } = await run({ CONVERSAR_PHONE: '8888-0104', CONVERSAR_LANGUAGE: 'pt-BR' });
  t.equal(code, 1);
  t.same(lines, []);
  t.match(stderr, /^refused: 422 phone_area_code_missing: .*DDD.* \(request [0-9a-f-]{36}\)\n {2}\?phone /);
});

t.test('without a key it says what to set', async (t) => {
  const { code, stderr } = await run({ CONVERSAR_API_KEY: '' });
  t.equal(code, 2);
  t.match(stderr, 'Set CONVERSAR_API_KEY');
});
