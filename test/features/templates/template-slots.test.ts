import t from 'tap';
import { type Component, readSlots, unsupportedComponents } from '../../../src/features/templates/template-slots.ts';

const slotsOf = (component: Component, format: 'positional' | 'named' = 'positional') => readSlots([component], format);

t.test('a template without variables has no slots', async (t) => {
  const components = [
    { type: 'HEADER', format: 'TEXT', text: 'Olá' },
    { type: 'BODY', text: 'Tudo bem?' },
    { type: 'FOOTER', text: 'Loja {{1}}' },
    { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Ver', url: 'https://x.example' }, { type: 'PHONE_NUMBER' }] },
  ];
  t.same(readSlots(components, 'positional'), []);
  t.same(unsupportedComponents(components), []);
});

t.test('body, positional: a slot per number, in the order of the numbers, with its example', async (t) => {
  const text = 'Pedido {{2}} de {{1}} e {{10}}.';
  const shared = { component: 'body', type: 'text', required: true };
  for (const body_text of [[['Ana', '8841', 'dez']], ['Ana', '8841', 'dez']]) {
    t.same(slotsOf({ type: 'BODY', text, example: { body_text } }), [
      { key: 'body.1', ...shared, max_length: 1024 - 'Pedido  de  e .'.length - 2, example: 'Ana' },
      { key: 'body.2', ...shared, max_length: 1024 - 'Pedido  de  e .'.length - 2, example: '8841' },
      { key: 'body.10', ...shared, max_length: 1024 - 'Pedido  de  e .'.length - 2, example: 'dez' },
    ]);
  }
  t.match(slotsOf({ type: 'body', text }), [{ example: null }, { example: null }, { example: null }]);
});

t.test('body, named: a slot per name, once, in the order of the text', async (t) => {
  const example = { body_text_named_params: [{ param_name: 'nome', example: 'Ana' }, { param_name: 'x' }, null] };
  const slots = slotsOf({ type: 'BODY', text: '{{ nome }}, pedido {{pedido_1}} de {{nome}}', example }, 'named');
  t.match(slots, [
    { key: 'body.nome', example: 'Ana', occurrences: 2 },
    { key: 'body.pedido_1', example: null },
  ]);
  t.equal(slots.length, 2);
  t.notOk('occurrences' in (slots[1] ?? {}));
});

t.test('body, named: examples are read once, however many there are, and of one name the first counts', async (t) => {
  const names = Array.from({ length: 500 }, (_, place) => `v${place}`);
  let read = 0;
  const entries = names.map((name) => ({
    get param_name() {
      read += 1;
      return name;
    },
    example: `de ${name}`,
  }));
  const example = { body_text_named_params: [...entries, { param_name: 'v7', example: 'another' }] };
  const slots = slotsOf({ type: 'BODY', text: names.map((name) => `{{${name}}}`).join(''), example }, 'named');
  t.same(
    slots.map((slot) => slot.example),
    names.map((name) => `de ${name}`),
  );
  t.equal(read, names.length);
});

t.test('a number among names is a name, a name among numbers is plain text', async (t) => {
  t.match(slotsOf({ type: 'BODY', text: '{{1}}' }, 'named'), [{ key: 'body.1' }]);
  t.same(slotsOf({ type: 'BODY', text: 'código {{nome}} {}' }, 'positional'), []);
});

t.test('header text: its limit is what the fixed text leaves of 60, counted in characters', async (t) => {
  const component = { type: 'HEADER', format: 'TEXT', text: '🎉 Oi {{1}}', example: { header_text: ['Ana'] } };
  t.same(slotsOf(component), [
    { key: 'header.1', component: 'header', type: 'text', required: true, max_length: 55, example: 'Ana' },
  ]);
  const example = { header_text_named_params: [{ param_name: 'nome', example: 'Bia' }] };
  t.match(slotsOf({ type: 'header', text: 'Oi {{nome}}', example }, 'named'), [{ key: 'header.nome', example: 'Bia' }]);
});

t.test('header media and location: one slot named after the format', async (t) => {
  for (const format of ['IMAGE', 'Video', 'document', 'LOCATION']) {
    const type = format.toLowerCase();
    t.same(slotsOf({ type: 'HEADER', format, example: { header_handle: ['https://cdn.example/a'] } }), [
      {
        key: `header.${type}`,
        component: 'header',
        type,
        required: true,
        max_length: null,
        example: 'https://cdn.example/a',
      },
    ]);
  }
});

t.test('buttons keep their place among all buttons', async (t) => {
  const buttons = [
    { type: 'QUICK_REPLY', text: 'Ok' },
    { type: 'URL', text: 'Site', url: 'https://x.example' },
    { type: 'url', text: 'Ver', url: 'https://x.example/p/{{1}}', example: ['https://x.example/p/123'] },
    { type: 'COPY_CODE', example: 'PROMO10' },
    { type: 'PHONE_NUMBER', text: 'Ligar', phone_number: '+5531988880001' },
  ];
  const shared = { component: 'button', required: true };
  t.same(slotsOf({ type: 'BUTTONS', buttons }), [
    {
      key: 'buttons.0.payload',
      component: 'button',
      index: 0,
      type: 'payload',
      required: false,
      max_length: 128,
      example: null,
    },
    { key: 'buttons.2.url', ...shared, index: 2, type: 'url_suffix', max_length: 1980, example: '123' },
    { key: 'buttons.3.coupon_code', ...shared, index: 3, type: 'coupon_code', max_length: 20, example: 'PROMO10' },
  ]);
});

t.test('a URL example that is only the end of the URL is taken as it is', async (t) => {
  const button = { type: 'URL', url: 'https://x.example/{{1}}', example: '123' };
  t.match(slotsOf({ type: 'BUTTONS', buttons: [button] }), [{ example: '123' }]);
});

t.test('what cannot be sent is named once, and the rest keeps its slots', async (t) => {
  const components = [
    { type: 'HEADER', format: 'GIF' },
    { type: 'BODY', text: 'Código {{1}}' },
    {
      type: 'BUTTONS',
      buttons: [{ type: 'PIX' }, { type: 'pix' }, { type: 'ORDER_DETAILS' }, { type: 'URL', url: 'https://x/{{1}}' }],
    },
    { type: 'CAROUSEL', cards: [] },
    { type: 'carousel', cards: [{ components: [{ type: 'HEADER', format: 'GIF' }, { type: 'LIST' }] }] },
    { type: 'HOLOGRAM' },
    { type: 'CALL_PERMISSION_REQUEST' },
  ];
  t.same(unsupportedComponents(components), [
    'header.gif',
    'buttons.pix',
    'buttons.order_details',
    'carousel',
    'carousel.header.gif',
    'carousel.list',
    'hologram',
    'call_permission_request',
  ]);
  t.same(
    readSlots(components, 'positional').map((slot) => slot.key),
    ['body.1', 'buttons.3.url'],
  );
});

t.test('nothing that a provider may answer is an accident', async (t) => {
  const strange = [
    {},
    { type: null },
    { type: 'constructor' },
    { type: 'HEADER', format: 7 },
    { type: 'BODY', text: 7 },
    { type: 'BODY', text: '{{1}}', example: 'Ana' },
    { type: 'BUTTONS', buttons: {} },
    { type: 'BUTTONS', buttons: [null, 'x', { type: 'toString' }, { type: 'URL', url: 1, example: {} }] },
  ];
  t.same(
    readSlots(strange, 'positional').map((slot) => slot.key),
    ['body.1'],
  );
  t.same(unsupportedComponents(strange), ['unknown', 'constructor', 'buttons.unknown', 'buttons.tostring']);
});

const keysOf = (component: Component) => slotsOf(component).map(({ key, required }) => (required ? key : `${key}?`));

t.test('flow: token and data may be left out; the token then is what Meta calls it by default', async (t) => {
  const component = { type: 'BUTTONS', buttons: [{ type: 'PHONE_NUMBER' }, { type: 'FLOW', flow_id: '1' }] };
  t.same(keysOf(component), ['buttons.1.flow_token?', 'buttons.1.flow_action_data?']);
  t.match(slotsOf(component), [{ index: 1, type: 'flow_token', default: 'unused' }, { type: 'flow_action_data' }]);
});

t.test(
  'one-time code: one slot, whether Meta shows the button as OTP or as a URL, and none for the body',
  async (t) => {
    const url = 'https://www.whatsapp.com/otp/code/?otp_type=ONE_TAP&code=otp{{1}}';
    for (const button of [
      { type: 'OTP', otp_type: 'ZERO_TAP' },
      { type: 'URL', url },
    ]) {
      const components = [
        { type: 'BODY', text: '*{{1}}*' },
        { type: 'FOOTER' },
        { type: 'BUTTONS', buttons: [button] },
      ];
      t.same(readSlots(components, 'positional'), [
        {
          key: 'buttons.0.otp',
          component: 'button',
          index: 0,
          type: 'otp',
          required: true,
          max_length: 15,
          example: null,
        },
      ]);
    }
  },
);

t.test('products: catalogue, list, single product', async (t) => {
  const buttons = [{ type: 'CATALOG' }, { type: 'MPM' }, { type: 'SPM' }];
  t.same(keysOf({ type: 'BUTTONS', buttons }), [
    'buttons.0.thumbnail_product_retailer_id?',
    'buttons.1.thumbnail_product_retailer_id',
    'buttons.1.sections',
  ]);
  t.match(slotsOf({ type: 'HEADER', format: 'PRODUCT' }), [{ key: 'header.product', type: 'product' }]);
});

t.test('limited-time offer: its end when it shows one, and a body of 600 characters beside it', async (t) => {
  const offer = (has_expiration?: boolean) => ({
    type: 'LIMITED_TIME_OFFER',
    limited_time_offer: { text: 'Oferta', has_expiration },
  });
  const body = { type: 'BODY', text: 'Oi {{1}}' };
  t.match(readSlots([offer(true), body], 'positional'), [
    { key: 'limited_time_offer.expires_at', component: 'limited_time_offer', type: 'date_time', required: true },
    { key: 'body.1', max_length: 597 },
  ]);
  for (const has_expiration of [false, undefined]) t.same(slotsOf(offer(has_expiration)), []);
});

t.test('carousel: the slots of each card under its place; its body holds 160 characters', async (t) => {
  const card = {
    components: [
      { type: 'HEADER', format: 'VIDEO' },
      { type: 'BODY', text: 'Por {{1}}', example: { body_text: [['R$ 9']] } },
      {
        type: 'BUTTONS',
        buttons: [
          { type: 'QUICK_REPLY', text: 'Quero' },
          { type: 'URL', url: 'https://x.example/{{1}}' },
        ],
      },
    ],
  };
  const slots = slotsOf({ type: 'CAROUSEL', cards: [card, card] });
  t.same(
    slots.map(({ key }) => key),
    [0, 1].flatMap((n) =>
      ['header.video', 'body.1', 'buttons.0.payload', 'buttons.1.url'].map((key) => `cards.${n}.${key}`),
    ),
  );
  t.ok(slots.every(({ component }) => component === 'card'));
  t.same(
    slots.map(({ index }) => index),
    [0, 0, 0, 0, 1, 1, 1, 1],
    'the place of the card',
  );
  t.match(slots[1], { max_length: 156, example: 'R$ 9' });
  t.match(slots[2], { required: false, default: 'Quero' }, 'Meta wants the replies of a card named');
});
