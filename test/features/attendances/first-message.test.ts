import t from 'tap';
import { v7 as uuid } from 'uuid';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { assertRefused } from '../../support/refusal.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const template = (name: string, parameters?: Record<string, unknown>) => ({ name, language: 'pt_BR', parameters });
const link = 'https://loja.example/arquivo';
let last = 0;
/** A number nobody has, so that no start waits for the pace of another. */
const someone = () => {
  last += 1;
  return { phone: `319777${String(last).padStart(5, '0')}` };
};

t.test('POST /v1/attendances on an official channel', async (t) => {
  const refusals: [string, Record<string, unknown>, number, string, string][] = [
    ['without a template', { template: undefined }, 422, 'template_required', '/template'],
    ['with a text alone', { template: undefined, text: 'Olá!' }, 422, 'template_required', '/template'],
    ['with template and text', { text: 'Olá!' }, 422, 'text_not_allowed', '/text'],
    ['with an unknown template id', { template: { id: uuid() } }, 404, 'template_not_found', '/template/id'],
    ['with an unknown name', { template: template('nobody') }, 404, 'template_not_found', '/template/name'],
    [
      'with a name in another language',
      { template: { name: 'nota_fiscal', language: 'en_US' } },
      404,
      'template_not_found',
      '/template/name',
    ],
    ['with a paused template', { template: template('oferta_relampago') }, 422, 'template_not_approved', '/template'],
    [
      'with a pending template',
      { template: template('confirmacao_de_agendamento') },
      422,
      'template_not_approved',
      '/template',
    ],
    ['with a rejected template', { template: template('ganhe_premios') }, 422, 'template_not_approved', '/template'],
  ];
  for (const [title, body, status, code, pointer] of refusals) {
    t.test(`${title}: ${status} ${code}, and nothing is saved`, async (t) => {
      await assertRefused(t, service, () => company.start({ contact: someone(), ...body }), { status, code, pointer });
    });
  }

  t.test('with a template of another channel: 422 template_not_on_channel, and nothing is saved', async (t) => {
    const { body: other } = await company.post('/v1/channels', {
      name: 'Filial',
      provider: 'whatsapp_cloud',
      base_url: `${service.simulator.url}/graph`,
      credentials: { ...demo_values.graph, waba_id: '200000000000002' },
    });
    await company.post(`/v1/channels/${other.id}/templates/sync`);
    const { body: page } = await company.get(`/v1/templates?channel_id=${other.id}&search=boas_vindas`);
    const refused = { status: 422, code: 'template_not_on_channel', pointer: '/template' };
    const start = () => company.start({ contact: someone(), template: { id: page.data[0].id } });
    await assertRefused(t, service, start, refused);
    await service.db('channels').where({ id: other.id }).update({ status: 'disconnected' });
  });

  t.test("with another account's template: 404 template_not_found, and nothing is saved", async (t) => {
    const other = await service.createCompany();
    const { body: page } = await other.get('/v1/templates?limit=1');
    const refused = { status: 404, code: 'template_not_found', pointer: '/template/id' };
    const start = () => company.start({ contact: someone(), template: { id: page.data[0].id } });
    await assertRefused(t, service, start, refused);
  });

  t.test('with a part that nobody can fill in: 422 template_component_unsupported, naming it', async (t) => {
    const components = JSON.stringify([
      { type: 'BODY', text: 'Olá' },
      { type: 'CAROUSEL', cards: [] },
    ]);
    await service.db('templates').where({ name: 'boas_vindas', language: 'en_US' }).update({ components });
    const refused = { status: 422, code: 'template_component_unsupported', pointer: '/template' };
    const start = () => company.start({ contact: someone(), template: { name: 'boas_vindas', language: 'en_US' } });
    t.match(await assertRefused(t, service, start, refused), { body: { detail: /carousel/ } });
  });
});

t.test('POST /v1/attendances refuses parameters with one entry per slot', async (t) => {
  const good = { 'header.document': { link }, 'body.1': 'Ana', 'body.2': '8841' };
  const cases: [string, Record<string, unknown> | undefined, [string, string][]][] = [
    [
      'none at all',
      undefined,
      [
        ['header.document', 'missing'],
        ['body.1', 'missing'],
        ['body.2', 'missing'],
      ],
    ],
    ['one left out', { ...good, 'body.2': undefined }, [['body.2', 'missing']]],
    ['one too many', { ...good, 'body.3': 'x' }, [['body.3', 'unknown']]],
    ['a blank one', { ...good, 'body.1': ' \u200b' }, [['body.1', 'blank']]],
    ['a long one', { ...good, 'body.1': 'x'.repeat(1_025) }, [['body.1', 'too_long']]],
    ['a number for a text', { ...good, 'body.1': 7 }, [['body.1', 'wrong_type']]],
    ['a text for a document', { ...good, 'header.document': link }, [['header.document', 'wrong_type']]],
    [
      'a private link',
      { ...good, 'header.document': { link: 'https://127.0.0.1/a' } },
      [['header.document', 'wrong_type']],
    ],
    ['a line break', { ...good, 'body.1': 'Ana\nBia' }, [['body.1', 'forbidden_characters']]],
    ['five spaces in a row', { ...good, 'body.2': 'a     b' }, [['body.2', 'forbidden_characters']]],
    [
      'several faults',
      { 'header.document': { media_id: '1', link }, 'body.1': '', x: '1' },
      [
        ['header.document', 'wrong_type'],
        ['body.1', 'blank'],
        ['body.2', 'missing'],
        ['x', 'unknown'],
      ],
    ],
  ];
  for (const [title, parameters, faults] of cases) {
    t.test(`${title}: 422 template_parameters_invalid, and nothing is saved`, async (t) => {
      const start = () => company.start({ contact: someone(), template: template('nota_fiscal', parameters) });
      await assertRefused(t, service, start, {
        status: 422,
        code: 'template_parameters_invalid',
        errors: faults.map(([key, code]) => [`/template/parameters/${key}`, code]),
      });
    });
  }
});

t.test('POST /v1/attendances on an unofficial channel', async (t) => {
  const channel_id = company.unofficial_id;

  t.test('with a text: 201, and the gateway sends it as it is', async (t) => {
    const contact = someone();
    const text = ' Olá, Ana!\n\n*Tudo bem?* 👋 {{1}} ';
    const { status, body } = await company.start({ contact, channel_id, text }, { prefer: 'wait=20' });
    t.equal(status, 201);
    t.match(body, { status: 'open', channel: { type: 'unofficial' }, first_message: { type: 'text', text } });
    t.match(await service.received(`?to=55${contact.phone}`), [{ protocol: 'evolution', type: 'text', text }]);
  });
  t.test('without a text: 201 open, no message, and nothing is sent', async (t) => {
    const contact = someone();
    const { status, body } = await company.start({ contact, channel_id }, { prefer: 'wait=5' });
    t.equal(status, 201);
    t.match(body, { status: 'open', first_message: null, outcome: { message_id: null } });
    t.same((await company.get(`/v1/attendances/${body.id}/messages`)).body, { data: [], next_cursor: null });
    // A start that does send, over the same channel, goes first or later: only its message may be there.
    const other = someone();
    await company.start({ contact: other, channel_id, text: 'Olá!' }, { prefer: 'wait=20' });
    t.same(await service.received(`?to=55${contact.phone}`), []);
    t.equal((await service.received(`?to=55${other.phone}`)).length, 1);
  });
  for (const text of ['Olá!', undefined]) {
    t.test(
      `with a template${text ? ' and a text' : ''}: 422 template_not_supported, and nothing is saved`,
      async (t) => {
        const start = () => company.start({ contact: someone(), channel_id, text, template: template('boas_vindas') });
        await assertRefused(t, service, start, { status: 422, code: 'template_not_supported', pointer: '/template' });
      },
    );
  }
});
