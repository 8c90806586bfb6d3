import t from 'tap';
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

t.test('POST /v1/attendances sends a template filled in', async (t) => {
  const text = (value: string) => ({ type: 'text', text: value });
  const named = (parameter_name: string, value: string) => ({ type: 'text', parameter_name, text: value });
  const place = { latitude: '-19.9208', longitude: '-43.9378', name: 'Praça Sete', address: 'Av. Afonso Pena, 1' };
  const sends: [string, string, Record<string, unknown> | undefined, string, unknown[]][] = [
    [
      'without slots',
      'boas_vindas',
      undefined,
      'Olá! Aqui é da Loja Aurora. Podemos conversar por aqui sobre o seu atendimento?',
      [],
    ],
    [
      'with numbered slots and a footer',
      'retomar_atendimento',
      { 'body.2': '{{1}} & 8841', 'body.1': 'Ana' },
      'Olá Ana, podemos retomar o seu atendimento sobre {{1}} & 8841? Estamos à disposição.',
      [{ type: 'body', parameters: [text('Ana'), text('{{1}} & 8841')] }],
    ],
    [
      'with an image, named slots, a payload and the end of a URL',
      'pedido_pronto',
      {
        'header.image': { link },
        'body.nome': 'Ana',
        'body.pedido': '8841',
        'buttons.0.payload': 'hoje',
        'buttons.1.url': '8841',
      },
      'Olá Ana, o pedido 8841 está pronto para retirada.',
      [
        { type: 'header', parameters: [{ type: 'image', image: { link } }] },
        { type: 'body', parameters: [named('nome', 'Ana'), named('pedido', '8841')] },
        { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'hoje' }] },
        { type: 'button', sub_type: 'url', index: '1', parameters: [text('8841')] },
      ],
    ],
    [
      'with a document and its name',
      'nota_fiscal',
      { 'header.document': { link, filename: 'nota.pdf' }, 'body.1': 'Ana', 'body.2': '8841' },
      'Olá Ana, segue a nota fiscal do pedido 8841. Guarde este documento.',
      [
        { type: 'header', parameters: [{ type: 'document', document: { link, filename: 'nota.pdf' } }] },
        { type: 'body', parameters: [text('Ana'), text('8841')] },
      ],
    ],
    [
      'with an uploaded video',
      'instrucoes_de_montagem',
      { 'header.video': { media_id: '1234567890' }, 'body.1': 'Ana' },
      'Olá Ana, este vídeo mostra a montagem passo a passo. Ficou alguma dúvida?',
      [
        { type: 'header', parameters: [{ type: 'video', video: { id: '1234567890' } }] },
        { type: 'body', parameters: [text('Ana')] },
      ],
    ],
    [
      'with a location',
      'tecnico_a_caminho',
      { 'header.location': place, 'body.tecnico': 'Rui', 'body.horario': '14h30' },
      'O técnico Rui está a caminho e chega por volta das 14h30 neste endereço.',
      [
        { type: 'header', parameters: [{ type: 'location', location: place }] },
        { type: 'body', parameters: [named('horario', '14h30'), named('tecnico', 'Rui')] },
      ],
    ],
    [
      'with a code to copy',
      'cupom_de_desculpas',
      { 'body.1': 'Ana', 'body.2': '15%', 'buttons.0.coupon_code': 'AURORA15' },
      'Olá Ana, pelo atraso da entrega deixamos um cupom de 15% para a próxima compra.',
      [
        { type: 'body', parameters: [text('Ana'), text('15%')] },
        {
          type: 'button',
          sub_type: 'copy_code',
          index: '0',
          parameters: [{ type: 'coupon_code', coupon_code: 'AURORA15' }],
        },
      ],
    ],
    [
      'with a text in its header',
      'lembrete_de_vencimento',
      { 'header.1': 'novembro', 'body.1': 'Ana', 'body.2': 'R$ 89,90', 'body.3': '30/11' },
      'Olá Ana, a sua fatura de R$ 89,90 vence em 30/11. Fale conosco se precisar de ajuda.',
      [
        { type: 'header', parameters: [text('novembro')] },
        { type: 'body', parameters: [text('Ana'), text('R$ 89,90'), text('30/11')] },
      ],
    ],
  ];
  for (const [title, name, parameters, said, components] of sends) {
    t.test(`${title}: ${name} arrives as the provider wants it`, async (t) => {
      const contact = someone();
      const { status, body } = await company.start(
        { contact, template: template(name, parameters) },
        { prefer: 'wait=20' },
      );
      t.equal(status, 201);
      t.match(body, { status: 'open', first_message: { type: 'template', status: 'accepted', error: null } });
      t.match(body.first_message.text, said);
      const received = await service.received(`?to=55${contact.phone}`);
      t.match(received, [{ protocol: 'graph', template: { name, language: 'pt_BR' }, outcome: 'accepted' }]);
      t.equal(received.length, 1);
      t.same(received[0]?.template?.components, components);
      const { body: message } = await company.get(`/v1/messages/${body.first_message.id}`);
      t.match(message, { type: 'template', text: body.first_message.text, template: { name, language: 'pt_BR' } });
      t.same(message.template.parameters, parameters ?? {});
    });
  }

  t.test('by id as by name', async (t) => {
    const { body: page } = await company.get(`/v1/templates?search=retomar&limit=1&channel_id=${company.official_id}`);
    const contact = someone();
    const parameters = { 'body.1': 'Ana', 'body.2': '8841' };
    t.match(await company.start({ contact, template: { id: page.data[0].id, parameters } }, { prefer: 'wait=20' }), {
      status: 201,
      body: { first_message: { status: 'accepted' } },
    });
  });
});
