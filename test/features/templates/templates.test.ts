import t from 'tap';
import { v7 as uuid } from 'uuid';
import type { TemplateView } from '../../../src/features/templates/templates.schema.ts';
import { listNames, startTemplates, sync, type TemplatePageView } from '../../support/template-server.ts';

const { createClient, addChannel } = await startTemplates(t);

t.test('GET /v1/templates', async (t) => {
  const client = await createClient();
  const channel = await addChannel(client);
  const other = await addChannel(client, { waba_id: '200000000000002' });
  await sync(client, channel);
  await sync(client, other);
  const of_channel = `&channel_id=${channel.id}`;

  t.test('shows approved ones, of all channels', async (t) => {
    const { body } = await client.get<TemplatePageView>('/v1/templates?limit=100');
    t.same([...new Set(body.data.map(({ status }) => status))], ['approved']);
    t.same(new Set(body.data.map(({ channel_id }) => channel_id)), new Set([channel.id, other.id]));
  });

  const filters: [string, string[]][] = [
    ['&status=paused', ['oferta_relampago']],
    ['&status=pending', ['confirmacao_de_agendamento']],
    ['&search=LEMBRETE_', ['lembrete_de_vencimento']],
    ['&search=e_a', ['codigo_de_acesso', 'pesquisa_de_atendimento']],
    ['&search=%25', []],
    ['&search=nobody', []],
    ['&language=en_US', ['appointment_reminder', 'boas_vindas']],
    ['&category=marketing&search=vitrine', ['vitrine_de_produtos', 'vitrine_da_semana']],
    ['&category=marketing&search=cupom', ['cupom_de_desculpas']],
    ['&category=authentication', ['codigo_como_url', 'codigo_sem_toque', 'codigo_com_um_toque', 'codigo_de_acesso']],
  ];
  for (const [query, names] of filters) {
    t.test(`${query} shows ${names.join(', ') || 'none'}`, async (t) => {
      t.same(await listNames(client, of_channel + query), names);
    });
  }

  t.test('pages without gap or overlap', async (t) => {
    const all = await listNames(client, of_channel);
    const names: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 20; pages += 1) {
      const { body } = await client.get<TemplatePageView>(`/v1/templates?limit=5${of_channel}${cursor}`);
      names.push(...body.data.map(({ name }) => name));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    t.equal(all.length, 24);
    t.same(names, all);
  });

  t.test('refuses an unknown status, category and parameter with 400', async (t) => {
    for (const name of ['status', 'category', 'kind']) {
      t.match(await client.get(`/v1/templates?${name}=x`), {
        status: 400,
        body: { errors: [{ pointer: `?${name}` }] },
      });
    }
  });

  t.test('shows nothing of another account', async (t) => {
    t.same(await listNames(await createClient(), of_channel), []);
  });
});

t.test('GET /v1/templates/{template_id}', async (t) => {
  const client = await createClient();
  const channel = await addChannel(client);
  const { body: synced } = await sync(client, channel);
  const listed = (await client.get<TemplatePageView>('/v1/templates?search=pedido_pronto')).body.data[0];

  t.test('shows the whole template, its slots read from its components', async (t) => {
    const { status, body } = await client.get<TemplateView>(`/v1/templates/${listed?.id}`);
    t.equal(status, 200);
    t.same(body, listed, 'as the list does');
    t.match(body, {
      channel_id: channel.id,
      name: 'pedido_pronto',
      language: 'pt_BR',
      category: 'utility',
      status: 'approved',
      quality: 'green',
      parameter_format: 'named',
      provider_template_id: /^\d{16}$/,
      synced_at: synced.synced_at,
    });
    t.same(
      body.components.map(({ type }) => type),
      ['HEADER', 'BODY', 'FOOTER', 'BUTTONS'],
    );
    t.same(
      body.slots.map(({ key, type, index = null }) => [key, type, index]),
      [
        ['header.image', 'image', null],
        ['body.nome', 'text', null],
        ['body.pedido', 'text', null],
        ['buttons.0.payload', 'payload', 0],
        ['buttons.1.url', 'url_suffix', 1],
      ],
    );
    t.match(body.slots[1], { component: 'body', required: true, example: 'Ana' });
  });

  t.test("of a missing id, or another account's: 404 template_not_found", async (t) => {
    const stranger = await createClient();
    for (const id of [uuid(), listed?.id]) {
      const reply = await stranger.get(`/v1/templates/${id}`);
      t.match(reply, { status: 404, body: { code: 'template_not_found', errors: [{ pointer: ':template_id' }] } });
    }
  });
});
