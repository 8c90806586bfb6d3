import t from 'tap';
import type { FilledSlot } from '../../src/providers/provider.ts';
import { buildComponents } from '../../src/providers/whatsapp-cloud/template-components.ts';

const text = (key: string, value: string): FilledSlot => ({
  key,
  component: key.split('.')[0] ?? '',
  type: 'text',
  value,
});
const button = (key: string, index: number, type: string, value: string): FilledSlot => ({
  key,
  component: 'button',
  index,
  type,
  value,
});
const positional = (...slots: FilledSlot[]) => buildComponents({ parameter_format: 'positional', slots });
const named = (...slots: FilledSlot[]) => buildComponents({ parameter_format: 'named', slots });

t.test('no slots › no components', async (t) => {
  t.same(positional(), []);
});

t.test('positional body › in the order of the numbers, whatever order they came in', async (t) => {
  const slots = ['10', '2', '1', '9', '3', '8', '4', '7', '5', '6'].map((number) =>
    text(`body.${number}`, `v${number}`),
  );
  const [body] = positional(...slots);
  t.same(body, {
    type: 'body',
    parameters: Array.from({ length: 10 }, (_, place) => ({ type: 'text', text: `v${place + 1}` })),
  });
});

t.test('named body and header › each parameter carries its name', async (t) => {
  t.same(named(text('body.pedido', '8841'), text('header.loja', 'Sergipe'), text('body.nome', 'Ana')), [
    { type: 'header', parameters: [{ type: 'text', parameter_name: 'loja', text: 'Sergipe' }] },
    {
      type: 'body',
      parameters: [
        { type: 'text', parameter_name: 'nome', text: 'Ana' },
        { type: 'text', parameter_name: 'pedido', text: '8841' },
      ],
    },
  ]);
});

t.test('header › text, image, video, document and location', async (t) => {
  const media = (type: string, value: FilledSlot['value']) =>
    positional({ key: `header.${type}`, component: 'header', type, value })[0]?.parameters;
  t.same(positional(text('header.1', 'Ana')), [{ type: 'header', parameters: [{ type: 'text', text: 'Ana' }] }]);
  t.same(media('image', { link: 'https://example.com/a.png' }), [
    { type: 'image', image: { link: 'https://example.com/a.png' } },
  ]);
  t.same(media('video', { media_id: '123' }), [{ type: 'video', video: { id: '123' } }]);
  t.same(media('document', { media_id: '123', filename: 'contrato.pdf' }), [
    { type: 'document', document: { id: '123', filename: 'contrato.pdf' } },
  ]);
  t.same(
    media('image', { media_id: '1', link: 'https://example.com/a.png', filename: 'a.png' }),
    [{ type: 'image', image: { id: '1' } }],
    'exactly one of id and link, and a filename for documents only',
  );
  const place = { latitude: '-19.92', longitude: '-43.94', name: 'Loja', address: 'Rua Sergipe' };
  t.same(media('location', place), [{ type: 'location', location: place }]);
});

t.test('a named template › its media header has no parameter name', async (t) => {
  const [header] = named({ key: 'header.image', component: 'header', type: 'image', value: { media_id: '1' } });
  t.same(header, { type: 'header', parameters: [{ type: 'image', image: { id: '1' } }] });
});

t.test('buttons › keep their index among all buttons, static ones left out', async (t) => {
  const components = named(
    button('buttons.10.url', 10, 'url_suffix', 'z'),
    button('buttons.3.coupon_code', 3, 'coupon_code', 'NATAL25'),
    button('buttons.1.url', 1, 'url_suffix', '8841'),
    button('buttons.0.payload', 0, 'payload', 'sim'),
  );
  t.same(components, [
    { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'sim' }] },
    { type: 'button', sub_type: 'url', index: '1', parameters: [{ type: 'text', text: '8841' }] },
    {
      type: 'button',
      sub_type: 'copy_code',
      index: '3',
      parameters: [{ type: 'coupon_code', coupon_code: 'NATAL25' }],
    },
    { type: 'button', sub_type: 'url', index: '10', parameters: [{ type: 'text', text: 'z' }] },
  ]);
});

t.test('one-time code › stands in the body and in the button', async (t) => {
  const expected = [
    { type: 'body', parameters: [{ type: 'text', text: '481516' }] },
    { type: 'button', sub_type: 'url', index: '0', parameters: [{ type: 'text', text: '481516' }] },
  ];
  t.same(positional(button('buttons.0.otp', 0, 'otp', '481516')), expected);
});

t.test('carousel › one entry per card, each with its own components', async (t) => {
  const image = (card: number): FilledSlot => ({
    key: `cards.${card}.header.image`,
    component: 'card',
    type: 'image',
    value: { media_id: `${card}` },
  });
  t.same(positional(image(1), text('body.1', 'Ana'), image(0), button('cards.0.buttons.1.url', 1, 'url_suffix', 'x')), [
    { type: 'body', parameters: [{ type: 'text', text: 'Ana' }] },
    {
      type: 'carousel',
      cards: [
        {
          card_index: 0,
          components: [
            { type: 'header', parameters: [{ type: 'image', image: { id: '0' } }] },
            { type: 'button', sub_type: 'url', index: '1', parameters: [{ type: 'text', text: 'x' }] },
          ],
        },
        { card_index: 1, components: [{ type: 'header', parameters: [{ type: 'image', image: { id: '1' } }] }] },
      ],
    },
  ]);
});

t.test('limited-time offer › its end in milliseconds', async (t) => {
  const value = '2027-01-01T00:00:00.000Z';
  const slot = { key: 'limited_time_offer.expires_at', component: 'limited_time_offer', type: 'date_time', value };
  t.same(positional(slot), [
    {
      type: 'limited_time_offer',
      parameters: [{ type: 'limited_time_offer', limited_time_offer: { expiration_time_ms: 1798761600000 } }],
    },
  ]);
});

const action = (sub_type: string, index: string, value: object) => ({
  type: 'button',
  sub_type,
  index,
  parameters: [{ type: 'action', action: value }],
});

t.test('flow › token and data in one action', async (t) => {
  const token = button('buttons.1.flow_token', 1, 'flow_token', 'unused');
  const data = { ...button('buttons.1.flow_action_data', 1, 'flow_action_data', ''), value: { vip: true, horas: [9] } };
  t.same(positional(token), [action('flow', '1', { flow_token: 'unused' })]);
  t.same(positional(token, data), [
    action('flow', '1', { flow_token: 'unused', flow_action_data: { vip: true, horas: [9] } }),
  ]);
});

t.test('products › a catalogue, a list, a single one', async (t) => {
  const thumbnail = button('buttons.0.thumbnail_product_retailer_id', 0, 'product_retailer_id', 'sku-1');
  t.same(positional(thumbnail), [action('catalog', '0', { thumbnail_product_retailer_id: 'sku-1' })]);
  const sections = [{ title: 'Tênis', product_retailer_ids: ['sku-1', 'sku-2'] }];
  t.same(positional(thumbnail, { ...button('buttons.0.sections', 0, 'product_sections', ''), value: sections }), [
    action('mpm', '0', {
      thumbnail_product_retailer_id: 'sku-1',
      sections: [
        { title: 'Tênis', product_items: [{ product_retailer_id: 'sku-1' }, { product_retailer_id: 'sku-2' }] },
      ],
    }),
  ]);
  const product = { product_retailer_id: 'sku-1', catalog_id: '700' };
  t.same(positional({ key: 'header.product', component: 'header', type: 'product', value: product }), [
    { type: 'header', parameters: [{ type: 'product', product }] },
  ]);
});
