import t, { type Test } from 'tap';
import { v7 as uuid } from 'uuid';
import { addChannel } from '../../support/add-channel.ts';
import { createDesk } from '../../support/attendances.ts';
import { countRows } from '../../support/refusal.ts';
import { type Body, type Reply, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const desk = createDesk(service, company);
const { unofficial_id, official_id, team_id } = company;
const broken_id = await addChannel(company, service.simulator.url, { provider: 'whatsapp_cloud' });
await service.db('channels').where({ id: broken_id }).update({ status: 'disconnected', status_detail: 'logged out' });
const elsewhere = (await company.post('/v1/teams', { name: 'Nenhum canal', channels: { scope: 'none' } })).body.id;
const retomar = { name: 'retomar_atendimento', language: 'pt_BR' };
const boas_vindas = { name: 'boas_vindas', language: 'pt_BR' };
const novidades = { name: 'novidades_da_semana', language: 'pt_BR' };

const bodyOf = (over: Body) => ({ contact: { phone: desk.nextPhone() }, channel_id: official_id, team_id, ...over });
const errorsOf = ({ body }: Reply): string[] => (body.errors ?? []).map((one: Body) => `${one.pointer} ${one.code}`);

/** Asks, and holds that no table and no provider knows of it. */
async function dryRun(t: Test, body: Body, headers = {}): Promise<Reply> {
  const rows = await countRows(service);
  const received = await service.received();
  const reply = await company.post('/v1/attendances?dry_run=true', body, headers);
  t.same(await countRows(service), rows, 'nothing is written');
  t.same(await service.received(), received, 'nothing is sent');
  return reply;
}

/** A contact that takes no marketing and has an attendance on the official channel. */
async function optedOutAndOpen(): Promise<string> {
  const { contact } = await desk.startOfficial({ template: boas_vindas });
  await service.db('contacts').where({ id: contact.id }).update({ marketing_opted_out_at: new Date() });
  return contact.id;
}

t.test('POST /v1/attendances?dry_run=true shows what would be sent', async (t) => {
  t.test('a template, with its parameters filled in', async (t) => {
    const template = { ...retomar, parameters: { 'body.1': 'Ana', 'body.2': '8841' } };
    const { status, body } = await dryRun(t, bodyOf({ template }));
    t.equal(status, 200);
    t.equal(body.would_start, true);
    t.match(body.rendered.body, /Ana/);
    t.match(body.rendered.body, /8841/);
    const { body: started } = await company.post('/v1/attendances', bodyOf({ template }));
    t.match(started.first_message.text, body.rendered.body, 'as history will keep it');
  });
  t.test('a text', async (t) => {
    const { status, body } = await dryRun(t, bodyOf({ channel_id: unofficial_id, text: 'Olá!' }));
    t.equal(status, 200);
    t.same(body, { would_start: true, rendered: { header: null, body: 'Olá!', footer: null, buttons: [] } });
  });
  t.test('nothing, on an unofficial channel without a text', async (t) => {
    const { body } = await dryRun(t, bodyOf({ channel_id: unofficial_id }));
    t.same(body, { would_start: true, rendered: null });
  });
  t.test('into the attendance that is open, with on_open reuse', async (t) => {
    const { contact } = await desk.startOfficial();
    const { status } = await dryRun(
      t,
      bodyOf({ contact: { id: contact.id }, template: boas_vindas, on_open: 'reuse' }),
    );
    t.equal(status, 200);
  });
});

t.test('POST /v1/attendances?dry_run=true names every violation at once, in the order of the checks', async (t) => {
  const cases: [string, () => Promise<Body>, string[]][] = [
    [
      'contact, channel, team, text, each slot',
      async () => ({
        contact: { id: uuid() },
        channel_id: broken_id,
        team_id: elsewhere,
        template: retomar,
        text: 'Olá!',
      }),
      [
        '/contact/id contact_not_found',
        '/channel_id channel_unavailable',
        '/team_id team_not_on_channel',
        '/text text_not_allowed',
        '/template/parameters/body.1 missing',
        '/template/parameters/body.2 missing',
      ],
    ],
    [
      'number, team, a template that is missing',
      async () => ({ contact: { phone: '98888-0001' }, team_id: uuid(), template: { id: uuid() } }),
      ['/contact/phone phone_area_code_missing', '/team_id team_not_found', '/template/id template_not_found'],
    ],
    [
      'a channel of nobody: what hangs on it is left out',
      async () => ({ channel_id: uuid(), team_id: uuid(), text: 'Olá!' }),
      ['/channel_id channel_not_found', '/team_id team_not_found'],
    ],
    [
      'template on a gateway, and one open already',
      async () => {
        const { contact } = await desk.start();
        return { contact: { id: contact.id }, channel_id: unofficial_id, template: boas_vindas };
      },
      ['/template template_not_supported', '/contact attendance_already_open'],
    ],
    [
      'a marketing template badly filled, to a contact who opted out and has one open',
      async () => ({ contact: { id: await optedOutAndOpen() }, template: novidades }),
      [
        '/template/parameters/header.image missing',
        '/template/parameters/body.1 missing',
        '/contact contact_opted_out',
        '/contact attendance_already_open',
      ],
    ],
    [
      'no channel where there are several: none on which one could be open',
      async () => {
        const { contact } = await desk.start();
        return { contact: { id: contact.id }, channel_id: undefined };
      },
      ['/channel_id channel_required'],
    ],
    ['no template', async () => ({ text: 'Olá!' }), ['/template template_required', '/text text_not_allowed']],
  ];
  for (const [title, make, errors] of cases) {
    t.test(title, async (t) => {
      const reply = await dryRun(t, bodyOf(await make()));
      t.match(reply, { status: 422, body: { code: 'start_refused' } });
      t.same(errorsOf(reply), errors);
    });
  }
});

t.test('what a dry run allows a start does, and its first violation is what a start answers', async (t) => {
  const noAddress = async () => {
    const { body } = await company.post('/v1/contacts', { phone: desk.nextPhone() });
    await service.db('contacts').where({ id: body.id }).update({ phone: null, phone_key: null });
    return { contact: { id: body.id } };
  };
  const open = async () => ({ contact: { id: (await desk.startOfficial()).contact.id }, template: boas_vindas });
  const bodies: [string, () => Promise<Body>, number][] = [
    ['template', async () => ({ template: boas_vindas }), 201],
    ['text', async () => ({ channel_id: unofficial_id, text: 'Olá!' }), 201],
    ['nothing', async () => ({ channel_id: unofficial_id }), 201],
    ['reuse, none open', async () => ({ template: boas_vindas, on_open: 'reuse' }), 201],
    ['reuse, one open', async () => ({ ...(await open()), on_open: 'reuse' }), 200],
    ['one open', open, 409],
    ['nobody', async () => ({ contact: { id: uuid() }, template: boas_vindas }), 404],
    ['no number', async () => ({ contact: { phone: 'ana' }, template: boas_vindas }), 422],
    ['no address, and a text', async () => ({ ...(await noAddress()), channel_id: unofficial_id, text: 'Olá!' }), 422],
    ['no address, and nothing to say', async () => ({ ...(await noAddress()), channel_id: unofficial_id }), 201],
    ['no channel named', async () => ({ channel_id: undefined, template: boas_vindas }), 422],
    ['channel disconnected', async () => ({ channel_id: broken_id, template: boas_vindas }), 422],
    ['team of no channel', async () => ({ team_id: elsewhere, template: boas_vindas }), 422],
    ['template of nobody', async () => ({ template: { name: 'nenhum', language: 'pt_BR' } }), 404],
    ['template unfilled', async () => ({ template: retomar }), 422],
    ['template on a gateway', async () => ({ channel_id: unofficial_id, template: boas_vindas }), 422],
    ['opted out, marketing', async () => ({ contact: { id: await optedOutAndOpen() }, template: novidades }), 422],
    ['several at once', async () => ({ team_id: uuid(), template: retomar, text: 'Olá!' }), 404],
  ];
  for (const [title, make, status] of bodies) {
    t.test(`${title}: ${status}`, async (t) => {
      const body = bodyOf(await make());
      const dry = await dryRun(t, body);
      const real = await company.post('/v1/attendances', body);
      t.equal(real.status, status);
      t.equal(dry.status, status < 300 ? 200 : 422);
      t.same(dry.body.errors?.[0], real.body.errors?.[0]);
    });
  }
});

t.test('POST /v1/attendances?dry_run=true keeps nothing under an Idempotency-Key', async (t) => {
  const headers = { 'idempotency-key': uuid() };
  const body = bodyOf({ template: boas_vindas });
  for (let time = 0; time < 2; time += 1) {
    const reply = await dryRun(t, body, headers);
    t.equal(reply.status, 200);
    t.notOk('idempotent-replayed' in reply.headers);
  }
  const started = await company.post('/v1/attendances', body, headers);
  t.equal(started.status, 201);
  t.notOk('idempotent-replayed' in started.headers, 'the start is the first under that key');
  t.equal((await dryRun(t, body, headers)).status, 422, 'and now one is open: a dry run looks again');
});

t.test(
  'POST /v1/attendances?dry_run= says what it says in the language asked for, and takes only true and false',
  async (t) => {
    const body = bodyOf({});
    const english = await dryRun(t, body);
    const portuguese = await dryRun(t, body, { 'accept-language': 'pt-BR' });
    t.not(portuguese.body.errors[0].detail, english.body.errors[0].detail);
    t.equal(portuguese.body.errors[0].code, 'template_required');
    t.match(await company.post('/v1/attendances?dry_run=talvez', body), { status: 400 });
    const { status, body: started } = await company.post(
      '/v1/attendances?dry_run=false',
      bodyOf({ channel_id: unofficial_id }),
    );
    t.equal(status, 201);
    t.equal(started.status, 'open');
  },
);
