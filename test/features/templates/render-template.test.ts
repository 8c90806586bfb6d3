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
