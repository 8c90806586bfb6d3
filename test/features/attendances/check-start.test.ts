import t from 'tap';
import { v7 as uuid } from 'uuid';
import type { ChannelsRow } from '../../../src/db/rows.ts';
import { identityScopeOf } from '../../../src/features/channels/identity-scope.ts';
import type { Address } from '../../../src/providers/provider.ts';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { assertRefused } from '../../support/refusal.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const made = async (url: string, body: unknown): Promise<string> => (await company.post(url, body)).body.id;
const setStatus = (id: string, status: string, status_detail: string | null = null) =>
  service.db('channels').where({ id }).update({ status, status_detail });
const addGateway = (name: string) =>
  made('/v1/channels', {
    name,
    provider: 'evolution',
    base_url: `${service.simulator.url}/evolution`,
    credentials: demo_values.evolution,
  });
const boas_vindas = { name: 'boas_vindas', language: 'pt_BR' };
const missing = uuid();
/** So that what a start sends is there before the next test counts rows. */
const waiting = { prefer: 'wait=20' };

t.test('POST /v1/attendances refuses a contact', async (t) => {
  const contacts: [string, unknown, number, string, string][] = [
    ['that does not exist', { id: missing }, 404, 'contact_not_found', '/contact/id'],
    ['with letters for a number', { phone: 'ana' }, 422, 'phone_invalid', '/contact/phone'],
    ['with too many digits', { phone: '31 98888-0001 22' }, 422, 'phone_invalid', '/contact/phone'],
    ['with nine digits and no area code', { phone: '98888-0001' }, 422, 'phone_area_code_missing', '/contact/phone'],
    ['with eight digits and no area code', { phone: '3333-0001' }, 422, 'phone_area_code_missing', '/contact/phone'],
  ];
  for (const [title, contact, status, code, pointer] of contacts) {
    t.test(`${title}: ${status} ${code}, and nothing is saved`, async (t) => {
      await assertRefused(t, service, () => company.start({ contact }), { status, code, pointer });
    });
  }
  t.test('of another account: 404, worded as for one that does not exist, and nothing is saved', async (t) => {
    const other = await service.createClient();
    const { body: theirs } = await other.post('/v1/contacts', { phone: '31988880009' });
    const { body } = await assertRefused(t, service, () => company.start({ contact: { id: theirs.id } }), {
      status: 404,
      code: 'contact_not_found',
      pointer: '/contact/id',
    });
    const { body: absent } = await company.start({ contact: { id: missing } });
    t.equal(body.detail.replaceAll(theirs.id, 'id'), absent.detail.replaceAll(missing, 'id'));
  });
  t.test('without any address on the channel: 422 contact_unreachable, and nothing is saved', async (t) => {
    const id = await made('/v1/contacts', { phone: '31988880008' });
    await service.db('contacts').where({ id }).update({ phone: null, phone_key: null });
    await assertRefused(t, service, () => company.start({ contact: { id } }), {
      status: 422,
      code: 'contact_unreachable',
      pointer: '/contact',
    });
  });
});

/** A contact without a number, known by one name that an official channel was told. */
async function addNamed(kind: string, value: string): Promise<string> {
  const id = await made('/v1/contacts', { phone: '31988880007' });
  await service.db('contact_identities').where({ contact_id: id }).delete();
  await service.db('contacts').where({ id }).update({ phone: null, phone_key: null, phone_digits: '' });
  const { account_id } = company;
  const channel = await service.db('channels').where({ id: company.official_id }).first();
  const scope = identityScopeOf(channel as ChannelsRow, kind as Address['kind']);
  const seen = { first_seen_at: new Date(), last_seen_at: new Date(), source: 'whatsapp_cloud' };
  await service.db('contact_identities').insert({ account_id, contact_id: id, kind, scope, value, ...seen });
  return id;
}

t.test(
  'a number that was taken away is not written to under what Meta calls it: 422 contact_unreachable',
  async (t) => {
    const id = await addNamed('wa_id', '553188880007');
    await assertRefused(t, service, () => company.start({ contact: { id } }), {
      status: 422,
      code: 'contact_unreachable',
      pointer: '/contact',
    });
  },
);

t.test('a one-time code goes to a number alone: 422 contact_unreachable, and nothing is saved', async (t) => {
  const id = await addNamed('bsuid', 'BR.13491208655302741918');
  const template = { name: 'codigo_de_acesso', language: 'pt_BR', parameters: { 'buttons.0.otp': '123456' } };
  t.match(await service.db('templates').where({ name: template.name }).first(), { category: 'authentication' });
  await assertRefused(t, service, () => company.start({ contact: { id }, template }), {
    status: 422,
    code: 'contact_unreachable',
    pointer: '/contact',
  });
  t.match(await company.start({ contact: { id } }, waiting), { status: 201 });
});

t.test('POST /v1/attendances refuses a channel', async (t) => {
  t.test('that does not exist, or is of another account: 404 channel_not_found', async (t) => {
    const other = await service.createCompany();
    for (const channel_id of [missing, other.official_id]) {
      const refused = { status: 404, code: 'channel_not_found', pointer: '/channel_id' };
      await assertRefused(t, service, () => company.start({ channel_id, template: boas_vindas }), refused);
    }
  });
  t.test('that is not named while the account has none: 422 channel_required', async (t) => {
    const client = await service.createClient();
    const { body: team } = await client.post('/v1/teams', { name: 'Comercial' });
    const start = () => client.post('/v1/attendances', { contact: { phone: '31988880001' }, team_id: team.id });
    const refused = { status: 422, code: 'channel_required', pointer: '/channel_id' };
    t.match(await assertRefused(t, service, start, refused), { body: { detail: /has no usable channels/ } });
  });
  t.test('that is not named while the account has two: 422 channel_required; one of them usable: 201', async (t) => {
    const two = await service.createCompany();
    const start = () => two.start({ channel_id: undefined, contact: { phone: '31988880101' }, text: 'Olá!' }, waiting);
    const refused = { status: 422, code: 'channel_required', pointer: '/channel_id' };
    t.match(await assertRefused(t, service, start, refused), { body: { detail: /has several usable channels/ } });
    await setStatus(two.official_id, 'disconnected');
    const { status, body } = await start();
    t.equal(status, 201);
    t.equal(body.channel.id, two.unofficial_id);
  });
  for (const status of ['disconnected', 'restricted']) {
    t.test(`that is ${status}: 422 channel_unavailable, saying why`, async (t) => {
      const channel_id = await addGateway(status);
      await setStatus(channel_id, status, 'the phone is off');
      const refused = { status: 422, code: 'channel_unavailable', pointer: '/channel_id' };
      const { body } = await assertRefused(t, service, () => company.start({ channel_id }), refused);
      t.match(body.detail, `Channel ${status} is ${status}: the phone is off.`);
    });
  }
  for (const [place, status] of ['unknown', 'connecting', 'connected'].entries()) {
    t.test(`but not one that is ${status}: 201`, async (t) => {
      const channel_id = await addGateway(status);
      await setStatus(channel_id, status);
      t.match(await company.start({ channel_id, contact: { phone: `3198888020${place}` } }), { status: 201 });
    });
  }
});

t.test('POST /v1/attendances refuses a team', async (t) => {
  const refusals: [string, () => Promise<string>, number, string][] = [
    ['that does not exist', async () => missing, 404, 'team_not_found'],
    ['of another account', async () => (await service.createCompany()).team_id, 404, 'team_not_found'],
    [
      'that works on no channel',
      () => made('/v1/teams', { name: 'none', channels: { scope: 'none' } }),
      422,
      'team_not_on_channel',
    ],
    [
      'that works on other channels',
      () => made('/v1/teams', { name: 'other', channels: { scope: 'selected', channel_ids: [company.unofficial_id] } }),
      422,
      'team_not_on_channel',
    ],
  ];
  for (const [title, team, status, code] of refusals) {
    t.test(`${title}: ${status} ${code}, and nothing is saved`, async (t) => {
      const team_id = await team();
      await assertRefused(t, service, () => company.start({ team_id }), { status, code, pointer: '/team_id' });
    });
  }
  t.test('but not one that works on this channel among others: 201', async (t) => {
    const channel_ids = [company.official_id, company.unofficial_id];
    const team_id = await made('/v1/teams', { name: 'both', channels: { scope: 'selected', channel_ids } });
    const { status, body } = await company.start({ team_id, contact: { phone: '31988880301' } }, waiting);
    t.equal(status, 201);
    t.equal(body.team.id, team_id);
  });
});

t.test('POST /v1/attendances, for a contact who opted out of marketing', async (t) => {
  const id = await made('/v1/contacts', { phone: '31988880401' });
  await service.db('contacts').where({ id }).update({ marketing_opted_out_at: '2026-11-01T12:00:00Z' });
  const coupon = { 'body.1': 'Ana', 'body.2': '15%', 'buttons.0.coupon_code': 'AURORA15' };
  const marketing = { name: 'cupom_de_desculpas', language: 'pt_BR', parameters: coupon };

  t.test('refuses a marketing template: 422 contact_opted_out, and nothing is saved', async (t) => {
    const refused = { status: 422, code: 'contact_opted_out', pointer: '/contact' };
    const { body } = await assertRefused(
      t,
      service,
      () => company.start({ contact: { id }, template: marketing }),
      refused,
    );
    t.match(body.detail, 'Since 2026-11-01T12:00:00.000Z');
  });
  t.test('finds her by phone too', async (t) => {
    const contact = { phone: '(31) 8888-0401' };
    const refused = { status: 422, code: 'contact_opted_out', pointer: '/contact' };
    await assertRefused(t, service, () => company.start({ contact, template: marketing }), refused);
  });
  t.test('takes a utility template, and a text on the unofficial channel', async (t) => {
    t.match(await company.start({ contact: { id } }, waiting), { status: 201 });
    const text = { channel_id: company.unofficial_id, text: 'Olá!' };
    t.match(await company.start({ contact: { id }, ...text }, waiting), { status: 201 });
  });
});

t.test(
  'POST /v1/attendances checks contact, channel, team, template, opt-out and open attendance, in this order',
  async (t) => {
    const contact_id = await made('/v1/contacts', { phone: '31988880501' });
    t.match(await company.start({ contact: { id: contact_id } }, waiting), { body: { status: 'open' } });
    await service.db('contacts').where({ id: contact_id }).update({ marketing_opted_out_at: '2026-11-01T12:00:00Z' });
    const closed_id = await addGateway('order');
    await setStatus(closed_id, 'disconnected');
    const idle_team_id = await made('/v1/teams', { name: 'order', channels: { scope: 'none' } });
    const marketing = { name: 'novidades_da_semana', language: 'pt_BR' };
    const filled = { 'header.image': { link: 'https://loja.example/a.jpg' }, 'body.1': 'Ana' };

    let body: Record<string, unknown> = {
      contact: { id: missing },
      channel_id: missing,
      team_id: missing,
      template: undefined,
      text: 'Olá!',
    };
    const steps: [Record<string, unknown>, number, string][] = [
      [{}, 404, 'contact_not_found'],
      [{ contact: { id: contact_id } }, 404, 'channel_not_found'],
      [{ channel_id: closed_id }, 422, 'channel_unavailable'],
      [{ channel_id: company.official_id }, 404, 'team_not_found'],
      [{ team_id: idle_team_id }, 422, 'team_not_on_channel'],
      [{ team_id: company.team_id }, 422, 'template_required'],
      [{ template: { name: 'nobody', language: 'pt_BR' } }, 422, 'text_not_allowed'],
      [{ text: undefined }, 404, 'template_not_found'],
      [{ template: { name: 'oferta_relampago', language: 'pt_BR' } }, 422, 'template_not_approved'],
      [{ template: marketing }, 422, 'template_parameters_invalid'],
      [{ template: { ...marketing, parameters: filled } }, 422, 'contact_opted_out'],
      [{ template: boas_vindas }, 409, 'attendance_already_open'],
    ];
    for (const [correction, status, code] of steps) {
      body = { ...body, ...correction };
      t.match(await company.start(body), { status, body: { code } }, code);
    }
  },
);

t.test('POST /v1/attendances while one is starting or open for contact and channel', async (t) => {
  const contact = { phone: '31988880601' };
  const { body: first } = await company.start({ contact }, waiting);

  t.test('refuses: 409 attendance_already_open, naming it, and nothing is saved', async (t) => {
    const refused = { status: 409, code: 'attendance_already_open', pointer: '/contact' };
    const start = () => company.start({ contact, team_id: company.other_team_id });
    const { body } = await assertRefused(t, service, start, refused);
    const team = { id: company.team_id, name: 'Comercial' };
    t.same(body.attendance, { id: first.id, status: 'open', team, since: first.created_at });
  });
  t.test('takes one over another channel, and one when that is closed or failed', async (t) => {
    t.match(await company.start({ contact, channel_id: company.unofficial_id }), { status: 201 });
    await service.db('attendances').where({ id: first.id }).update({ status: 'closed', closed_at: new Date() });
    const { status, body: second } = await company.start({ contact });
    t.equal(status, 201);
    await service.db('attendances').where({ id: second.id }).update({ status: 'failed' });
    t.match(await company.start({ contact }), { status: 201 });
  });
});
