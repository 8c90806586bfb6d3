import t from 'tap';
import { checkParameters } from '../../../src/features/templates/check-parameters.ts';
import { renderedText, renderTemplate } from '../../../src/features/templates/render-template.ts';
import { type Component, readSlots } from '../../../src/features/templates/template-slots.ts';

function render(
  components: Component[],
  parameters: Record<string, unknown>,
  format: 'positional' | 'named' = 'positional',
) {
  return renderTemplate(components, checkParameters(readSlots(components, format), parameters).filled);
}

const order: Component[] = [
  { type: 'HEADER', format: 'TEXT', text: 'Pedido {{1}}' },
  { type: 'BODY', text: 'Olá {{1}}, o pedido {{2}} está pronto, {{1}}.' },
  { type: 'FOOTER', text: 'Loja X' },
  {
    type: 'BUTTONS',
    buttons: [
      { type: 'QUICK_REPLY', text: 'Ok' },
      { type: 'URL', text: 'Ver', url: 'https://x.example/p/{{1}}' },
      { type: 'URL', text: 'Site', url: 'https://x.example' },
      { type: 'COPY_CODE' },
      { type: 'PHONE_NUMBER', text: 'Ligar', phone_number: '+5531988880001' },
    ],
  },
];
const parameters = {
  'header.1': '8841',
  'body.1': 'Ana',
  'body.2': '8841',
  'buttons.1.url': '8841',
  'buttons.3.coupon_code': 'PROMO10',
};

t.test('header, body, footer and buttons as their reader sees them', async (t) => {
  const rendered = render(order, parameters);
  t.same(rendered, {
    header: 'Pedido 8841',
    body: 'Olá Ana, o pedido 8841 está pronto, Ana.',
    footer: 'Loja X',
    buttons: [
      { type: 'quick_reply', text: 'Ok' },
      { type: 'url', text: 'Ver', url: 'https://x.example/p/8841' },
      { type: 'url', text: 'Site', url: 'https://x.example' },
      { type: 'copy_code', text: '', coupon_code: 'PROMO10' },
      { type: 'phone_number', text: 'Ligar', phone_number: '+5531988880001' },
    ],
  });
  t.equal(renderedText(rendered), 'Pedido 8841\n\nOlá Ana, o pedido 8841 está pronto, Ana.\n\nLoja X');
});

t.test('a value is never expanded: neither places nor $ patterns', async (t) => {
  const value = '{{2}} $& $1 $$ {{body.2}} \\1';
  t.equal(render(order, { ...parameters, 'body.1': value }).body, `Olá ${value}, o pedido 8841 está pronto, ${value}.`);
  const { buttons } = render(order, { ...parameters, 'buttons.1.url': '$&{{1}}' });
  t.equal(buttons[1]?.url, 'https://x.example/p/$&{{1}}');
});

t.test('named parameters, with blanks inside the braces', async (t) => {
  const components = [{ type: 'body', text: 'Olá {{ nome }}, {{pedido}}' }];
  t.equal(render(components, { 'body.nome': 'Ana', 'body.pedido': '1' }, 'named').body, 'Olá Ana, 1');
});

t.test('a media or location header is no text, and leaves none in the history', async (t) => {
  const components = [
    { type: 'HEADER', format: 'IMAGE' },
    { type: 'BODY', text: 'Olá' },
  ];
  const rendered = render(components, { 'header.image': { link: 'https://cdn.example/a.jpg' } });
  t.same(rendered, { header: null, body: 'Olá', footer: null, buttons: [] });
  t.equal(renderedText(rendered), 'Olá');
});

t.test('buttons of every kind, with what their reader gets from them', async (t) => {
  const buttons = [
    { type: 'FLOW', text: 'Agendar' },
    { type: 'CATALOG', text: 'Ver catálogo' },
    { type: 'MPM', text: 'Ver itens' },
    { type: 'SPM', text: 'Ver' },
    { type: 'VOICE_CALL', text: 'Ligar' },
    { type: 'REQUEST_CONTACT_INFO' },
  ];
  const sections = [{ title: 'Tênis', product_retailer_ids: ['sku-1'] }];
  const rendered = render(
    [
      { type: 'BODY', text: 'Olá' },
      { type: 'BUTTONS', buttons },
    ],
    {
      'buttons.0.flow_token': 't-1',
      'buttons.2.thumbnail_product_retailer_id': 'sku-1',
      'buttons.2.sections': sections,
    },
  );
  t.same(rendered.buttons, [
    { type: 'flow', text: 'Agendar' },
    { type: 'catalog', text: 'Ver catálogo', thumbnail_product_retailer_id: null },
    { type: 'mpm', text: 'Ver itens', thumbnail_product_retailer_id: 'sku-1', sections },
    { type: 'spm', text: 'Ver' },
    { type: 'voice_call', text: 'Ligar' },
    { type: 'request_contact_info', text: '' },
  ]);
});

t.test(
  'a one-time code stands in body and button; where Meta gave options and no text, its preset words do',
  async (t) => {
    const button = { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE', text: 'Copiar' }] };
    const given = [{ type: 'BODY', text: '*{{1}}* é o seu código.' }, { type: 'FOOTER', text: 'Expira logo.' }, button];
    t.same(render(given, { 'buttons.0.otp': '481516' }), {
      header: null,
      body: '*481516* é o seu código.',
      footer: 'Expira logo.',
      buttons: [{ type: 'otp', text: 'Copiar', code: '481516' }],
    });
    const options = [
      { type: 'BODY', add_security_recommendation: true },
      { type: 'FOOTER', code_expiration_minutes: 5 },
      button,
    ];
    const { filled } = checkParameters(readSlots(options, 'positional'), { 'buttons.0.otp': '481516' });
    t.match(renderTemplate(options, filled, 'pt_BR'), {
      body: 'Seu código de verificação é *481516*. Para sua segurança, não o compartilhe.',
      footer: 'Este código expira em 5 minutos.',
    });
    t.match(renderTemplate(options, filled, 'es'), {
      body: '*481516* is your verification code. For your security, do not share this code.',
      footer: 'This code expires in 5 minutes.',
    });
  },
);

t.test('a limited-time offer and the cards of a carousel have their own lines in the history', async (t) => {
  const offer = { type: 'LIMITED_TIME_OFFER', limited_time_offer: { text: 'Oferta', has_expiration: true } };
  const offered = render([offer, { type: 'BODY', text: 'Corra' }], {
    'limited_time_offer.expires_at': '2026-12-31T21:00:00-03:00',
  });
  t.same(offered.limited_time_offer, { text: 'Oferta', expires_at: '2027-01-01T00:00:00.000Z' });
  t.equal(renderedText(offered), 'Oferta – 2027-01-01T00:00:00.000Z\n\nCorra');
  const card = (body?: string) => ({
    components: [
      { type: 'HEADER', format: 'IMAGE' },
      ...(body === undefined ? [] : [{ type: 'BODY', text: body }]),
      { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Ver', url: 'https://x.example/{{1}}' }] },
    ],
  });
  const cards = [card('Tênis por {{1}}'), card()];
  const link = 'https://cdn.example/a.jpg';
  const carousel = render(
    [
      { type: 'BODY', text: 'Veja' },
      { type: 'CAROUSEL', cards },
    ],
    {
      'cards.0.header.image': { link },
      'cards.0.body.1': 'R$ 9',
      'cards.0.buttons.0.url': 'tenis',
      'cards.1.header.image': { link },
      'cards.1.buttons.0.url': 'meia',
    },
  );
  t.same(carousel.cards, [
    { header: null, body: 'Tênis por R$ 9', buttons: [{ type: 'url', text: 'Ver', url: 'https://x.example/tenis' }] },
    { header: null, body: null, buttons: [{ type: 'url', text: 'Ver', url: 'https://x.example/meia' }] },
  ]);
  t.equal(renderedText(carousel), 'Veja\n\nTênis por R$ 9');
});

t.test('a place without a value stays to be seen', async (t) => {
  const rendered = renderTemplate(order, []);
  t.equal(rendered.header, 'Pedido {{1}}');
  t.equal(rendered.body, 'Olá {{1}}, o pedido {{2}} está pronto, {{1}}.');
  t.match(rendered.buttons, [{}, { url: 'https://x.example/p/{{1}}' }, {}, { coupon_code: null }, {}]);
});

t.test('strange components render to empty texts', async (t) => {
  t.same(renderTemplate([], []), { header: null, body: '', footer: null, buttons: [] });
  t.same(renderTemplate([{ type: 'BUTTONS', buttons: [null] }, { type: 'BODY' }, {}], []), {
    header: null,
    body: '',
    footer: null,
    buttons: [{ type: '', text: '' }],
  });
});
