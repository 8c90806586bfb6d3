import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService } from '../../support/service.ts';
import { graphTemplate, startGraph } from '../../support/template-server.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const idOf = async (query: string): Promise<string> => (await company.get(`/v1/templates?${query}`)).body.data[0].id;
const preview = (id: string, body?: Body) => company.post(`/v1/templates/${id}/preview`, body);

t.test('POST /v1/templates/{template_id}/preview', async (t) => {
  t.test('shows the template with its values, as a start would send it', async (t) => {
    const parameters = {
      'header.image': { link: 'https://loja.example/a.jpg' },
      'body.nome': 'Ana',
      'body.pedido': '{{nome}} $&',
      'buttons.1.url': '8841',
    };
    const { status, body } = await preview(await idOf('search=pedido_pronto'), { parameters });
    t.equal(status, 200);
    t.same(body, {
      rendered: {
        header: null,
        body: 'Olá Ana, o pedido {{nome}} $& está pronto para retirada.',
        footer: 'Loja Aurora',
        buttons: [
          { type: 'quick_reply', text: 'Vou buscar hoje' },
          { type: 'url', text: 'Ver pedido', url: 'https://loja-aurora.example/pedidos/8841' },
        ],
      },
    });
  });

  t.test('of a template without slots takes no body, {} and empty parameters', async (t) => {
    const id = await idOf('search=boas_vindas&language=pt_BR');
    for (const body of [undefined, {}, { parameters: {} }]) {
      t.match(await preview(id, body), { status: 200, body: { rendered: { body: /^Olá! Aqui é da Loja Aurora/ } } });
    }
  });

  t.test('of one that is not approved is shown all the same', async (t) => {
    const parameters = { 'body.1': 'Ana' };
    t.match(await preview(await idOf('status=paused'), { parameters }), { status: 200 });
    t.match(await preview(await idOf('status=pending'), { parameters: { ...parameters, 'body.2': '9h' } }), {
      status: 200,
      body: { rendered: { body: 'Olá Ana, o seu horário de 9h está reservado. Podemos confirmar?' } },
    });
  });

  t.test('with parameters that do not fit: 422 with every fault, the same codes as a start', async (t) => {
    const id = await idOf('search=vitrine_da_semana');
    const parameters = {
      'body.1': ' ',
      'cards.0.header.image': { link: 'http://loja.example/a' },
      'cards.1.header.image': { media_id: '1' },
      'cards.0.body.1': 'a'.repeat(161),
      'cards.1.body.1': 'R$\n9',
      'cards.0.buttons.1.url': 'tenis',
      'cards.2.body.1': 'x',
    };
    const errors: [string, string][] = [
      ['body.1', 'blank'],
      ['cards.0.header.image', 'wrong_type'],
      ['cards.0.body.1', 'too_long'],
      ['cards.1.body.1', 'forbidden_characters'],
      ['cards.1.buttons.1.url', 'missing'],
      ['cards.2.body.1', 'unknown'],
    ];
    const at = (base: string) => errors.map(([key, code]): [string, string] => [`${base}/${key}`, code]);
    const refusal = { status: 422, code: 'template_parameters_invalid' };
    await assertRefused(t, service, () => preview(id, { parameters }), { ...refusal, errors: at('/parameters') });
    await assertRefused(t, service, () => company.start({ template: { id, parameters } }), {
      ...refusal,
      errors: at('/template/parameters'),
    });
  });

  t.test(
    'of a template with a part that cannot be sent: 422 template_component_unsupported, as at a start',
    async (t) => {
      const components = [
        { type: 'BODY', text: 'Pague agora.' },
        { type: 'BUTTONS', buttons: [{ type: 'ORDER_DETAILS', text: 'Pagar' }] },
      ];
      const graph = await startGraph(t, [graphTemplate('cobranca', { components })]);
      const channel = await company.post('/v1/channels', {
        name: 'Cobrança',
        provider: 'whatsapp_cloud',
        base_url: graph.url,
        credentials: { access_token: 'token', phone_number_id: '1', waba_id: '2', app_secret: 'secret' },
      });
      await company.post(`/v1/channels/${channel.body.id}/templates/sync`);
      const id = await idOf('search=cobranca');
      const refusal = { status: 422, code: 'template_component_unsupported' };
      const reply = await assertRefused(t, service, () => preview(id), { ...refusal, pointer: ':template_id' });
      t.match(reply.body.detail, /buttons\.order_details/);
      const start = () => company.start({ channel_id: channel.body.id, template: { id } });
      await assertRefused(t, service, start, { ...refusal, pointer: '/template' });
    },
  );

  t.test("of a missing id, or another account's: 404 template_not_found", async (t) => {
    const stranger = await service.createClient();
    const refusal = { status: 404, code: 'template_not_found', pointer: ':template_id' };
    for (const id of [uuid(), await idOf('search=boas_vindas')]) {
      await assertRefused(t, service, () => stranger.post(`/v1/templates/${id}/preview`, {}), refusal);
    }
  });

  t.test('needs templates:read, and no more', async (t) => {
    const id = await idOf('search=boas_vindas&language=pt_BR');
    const reader = await service.createClient({ scopes: ['templates:read'] });
    t.equal((await reader.post(`/v1/templates/${id}/preview`)).status, 404, 'it may ask');
    const writer = await service.createClient({ scopes: ['templates:write'] });
    t.match(await writer.post(`/v1/templates/${id}/preview`), { status: 403 });
  });

  t.test('refuses a body of another shape with 400', async (t) => {
    const id = await idOf('search=boas_vindas&language=pt_BR');
    for (const body of [{ values: {} }, { parameters: 'Ana' }, { parameters: { 'body.1': 'a\u0000' } }]) {
      t.equal((await preview(id, body)).status, 400, JSON.stringify(body));
    }
  });
});
