import t from 'tap';
import { simulate } from './simulated.ts';

const text = (value: string, parameter_name?: string) => ({
  type: 'text',
  text: value,
  ...(parameter_name === undefined ? {} : { parameter_name }),
});
const body = (...parameters: unknown[]) => ({ type: 'body', parameters });
const header = (...parameters: unknown[]) => ({ type: 'header', parameters });
const button = (sub_type: string, index: string | number, ...parameters: unknown[]) => ({
  type: 'button',
  sub_type,
  index,
  parameters,
});
const image = { type: 'image', image: { link: 'https://loja-aurora.example/pedido.jpg' } };
const order = [
  header(image),
  body(text('Ana', 'nome'), text('8841', 'pedido')),
  button('url', '1', text('8841')),
] as const;

const end = (expiration_time_ms: unknown) => ({
  type: 'limited_time_offer',
  parameters: [{ type: 'limited_time_offer', limited_time_offer: { expiration_time_ms } }],
});
const offered = [button('copy_code', 0, { type: 'coupon_code', coupon_code: 'A15' }), button('url', 1, text('A15'))];
const card = (card_index: number, with_reply = true) => ({
  card_index,
  components: [
    header(image),
    body(text('R$ 9')),
    ...(with_reply ? [button('quick_reply', 0, { type: 'payload', payload: 'quero' })] : []),
    button('url', 1, text('tenis')),
  ],
});
const carousel = (...cards: unknown[]) => ({ type: 'carousel', cards });
const nested = { card_index: 1, components: [carousel()] };

const accepted: [string, unknown[], string?][] = [
  ['boas_vindas', []],
  ['boas_vindas', [], 'en_US'],
  ['retomar_atendimento', [body(text('Ana'), text('a troca'))]],
  ['pedido_pronto', [...order]],
  ['pedido_pronto', [header({ type: 'image', image: { id: '1234' } }), order[1], button('url', 1, text('8841'))]],
  [
    'nota_fiscal',
    [header({ type: 'document', document: { id: '1', filename: 'nota.pdf' } }), body(text('a'), text('b'))],
  ],
  ['instrucoes_de_montagem', [header({ type: 'video', video: { id: '1' } }), body(text('Ana'))]],
  [
    'tecnico_a_caminho',
    [
      header({
        type: 'location',
        location: { latitude: '-19.92', longitude: '-43.94', name: 'Loja', address: 'Rua A' },
      }),
      body(text('14h30', 'horario'), text('Rui', 'tecnico')),
    ],
  ],
  ['pesquisa_de_atendimento', [body(text('Ana'))]],
  ['pesquisa_de_atendimento', [body(text('Ana')), button('quick_reply', 1, { type: 'payload', payload: 'nao' })]],
  [
    'cupom_de_desculpas',
    [body(text('Ana'), text('15%')), button('copy_code', 0, { type: 'coupon_code', coupon_code: 'A15' })],
  ],
  ['lembrete_de_vencimento', [header(text('novembro')), body(text('a'), text('b'), text('c'))]],
  ['codigo_de_acesso', [body(text('481516')), button('url', '0', text('481516'))]],
  ['agendar_visita', [body(text('Ana')), { type: 'button', sub_type: 'flow', index: '0' }]],
  ['conheca_o_catalogo', [body(text('Ana'))]],
  ['oferta_por_tempo_limitado', [header(image), body(text('Ana')), end(1798761600000), ...offered]],
  ['vitrine_da_semana', [body(text('Ana')), carousel(card(1), card(0))]],
];

t.test('a filled template › accepted, and recorded with its components', async (t) => {
  const { graph, received } = await simulate(t);
  for (const [name, components, language] of accepted) {
    const answer = await graph.template(name, components, language);
    t.equal(answer.status, 200, `${name}: ${JSON.stringify(answer.body.error)}`);
    t.equal(answer.body.messages[0].message_status, 'accepted');
  }
  const entries = await received();
  t.ok(entries.every((entry) => entry.accepted && entry.type === 'template'));
  t.same(entries[1]?.template, { name: 'boas_vindas', language: 'en_US', components: [] });
  t.same(entries[3]?.template?.components, order);
});

const refused: [string, string, unknown[], number, number, string?][] = [
  ['an unknown name', 'nada', [], 404, 132001],
  ['a language it has not', 'retomar_atendimento', [body(text('a'), text('b'))], 404, 132001, 'en_US'],
  ['one still pending', 'confirmacao_de_agendamento', [body(text('a'), text('b'))], 404, 132001],
  ['one rejected', 'ganhe_premios', [], 404, 132001],
  ['one paused', 'oferta_relampago', [body(text('a'))], 400, 132015],
  ['too few parameters', 'retomar_atendimento', [body(text('a'))], 400, 132000],
  ['too many parameters', 'boas_vindas', [body(text('a'))], 400, 132000],
  ['no body at all', 'retomar_atendimento', [], 400, 132000],
  ['a positional one with names', 'retomar_atendimento', [body(text('a', 'x'), text('b', 'y'))], 400, 132012],
  ['a named one without names', 'pedido_pronto', [header(image), body(text('a'), text('b')), order[2]], 400, 132012],
  [
    'a named one with a wrong name',
    'pedido_pronto',
    [header(image), body(text('a', 'nome'), text('b', 'codigo')), order[2]],
    400,
    132012,
  ],
  ['no media for the header', 'pedido_pronto', [order[1], order[2]], 400, 132012],
  ['media of another kind', 'nota_fiscal', [header(image), body(text('a'), text('b'))], 400, 132012],
  [
    'media with id and link',
    'pedido_pronto',
    [header({ type: 'image', image: { id: '1', link: 'https://a.example' } })],
    400,
    100,
  ],
  ['a link that is none', 'pedido_pronto', [header({ type: 'image', image: { link: 'file' } })], 400, 100],
  [
    'a location beyond the pole',
    'tecnico_a_caminho',
    [header({ type: 'location', location: { latitude: 91, longitude: 0 } })],
    400,
    131009,
  ],
  ['no suffix for the URL button', 'pedido_pronto', [order[0], order[1]], 400, 131008],
  [
    'a parameter for a button that takes none',
    'lembrete_de_vencimento',
    [header(text('x')), body(text('a'), text('b'), text('c')), button('url', 0, text('d'))],
    400,
    132012,
  ],
  ['no code for the copy-code button', 'cupom_de_desculpas', [body(text('a'), text('b'))], 400, 131008],
  ['an empty parameter', 'retomar_atendimento', [body(text(''), text('b'))], 400, 131008],
  ['a line break in a parameter', 'retomar_atendimento', [body(text('a\nb'), text('b'))], 400, 132018],
  ['five spaces in a parameter', 'retomar_atendimento', [body(text('a     b'), text('b'))], 400, 132018],
  ['a text beyond 1,024 characters', 'retomar_atendimento', [body(text('a'.repeat(1000)), text('b'))], 400, 132005],
  [
    'a component given twice',
    'retomar_atendimento',
    [body(text('a'), text('b')), body(text('a'), text('b'))],
    400,
    100,
  ],
  ['two components for one button', 'pedido_pronto', [...order, button('url', 1, text('8841'))], 400, 100],
  ['an index that is none', 'pedido_pronto', [order[0], order[1], button('url', 'x', text('8841'))], 400, 132012],
  ['a flow button without its component', 'agendar_visita', [body(text('Ana'))], 400, 131009],
  ['a code only in the body', 'codigo_de_acesso', [body(text('481516'))], 400, 131008],
  ['a code only in the button', 'codigo_de_acesso', [button('url', 0, text('481516'))], 400, 132000],
  ['two codes', 'codigo_de_acesso', [body(text('481516')), button('url', 0, text('108'))], 400, 131009],
  ['a one-time code by its own name', 'codigo_de_acesso', [body(text('1')), button('otp', 0, text('1'))], 400, 132012],
  ['no end of an offer', 'oferta_por_tempo_limitado', [header(image), body(text('Ana')), ...offered], 400, 132000],
  [
    'the end of an offer in words',
    'oferta_por_tempo_limitado',
    [header(image), body(text('Ana')), end('2027-01-01'), ...offered],
    400,
    131009,
  ],
  ['a carousel without cards', 'vitrine_da_semana', [body(text('Ana'))], 400, 132000],
  ['a card twice', 'vitrine_da_semana', [body(text('Ana')), carousel(card(0), card(0))], 400, 131009],
  [
    'a card without its reply',
    'vitrine_da_semana',
    [body(text('Ana')), carousel(card(0), card(1, false))],
    400,
    131008,
  ],
  ['a carousel in a card', 'vitrine_da_semana', [body(text('Ana')), carousel(card(0), nested)], 400, 100],
  ['a component of no known type', 'boas_vindas', [{ type: 'footer', parameters: [] }], 400, 100],
];
for (const [title, name, components, status, code, language] of refused) {
  t.test(`${title} › ${status} with code ${code}, recorded as invalid`, async (t) => {
    const { graph, received } = await simulate(t);
    const answer = await graph.template(name, components, language);
    t.same([answer.status, answer.body.error?.code], [status, code]);
    t.match(await received(), [{ outcome: 'invalid', accepted: false, error_code: String(code) }]);
  });
}

t.test('details › name what Graph names', async (t) => {
  const { graph } = await simulate(t);
  const details = async (name: string, components: unknown[]) =>
    (await graph.template(name, components)).body.error.error_data.details;
  t.equal(await details('nada', []), 'template name (nada) does not exist in pt_BR');
  t.equal(
    await details('retomar_atendimento', [body(text('a'))]),
    'body: number of localizable_params (1) does not match the expected number of params (2)',
  );
  t.equal(await details('pedido_pronto', [order[1]]), 'header: Format mismatch, expected IMAGE, received UNKNOWN');
  t.equal(
    await details('pedido_pronto', [order[0], order[1]]),
    'buttons: Button at index 1 of type Url requires a parameter',
  );
});

t.test('a line break before v23.0 › code 100', async (t) => {
  const { graph } = await simulate(t);
  const template = {
    name: 'retomar_atendimento',
    language: { code: 'pt_BR' },
    components: [body(text('a\nb'), text('b'))],
  };
  const answer = await graph.send({ to: '+5531988880001', type: 'template', template }, 'sender', 'v22.0');
  t.equal(answer.body.error.code, 100);
});
