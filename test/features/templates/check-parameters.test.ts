import t from 'tap';
import { checkParameters, template_parameters_invalid } from '../../../src/features/templates/check-parameters.ts';
import type { Slot } from '../../../src/features/templates/slot.ts';
import { readSlots } from '../../../src/features/templates/template-slots.ts';
import { Problem, type Violation } from '../../../src/problem.ts';

const bodySlots = (text: string) => readSlots([{ type: 'BODY', text }], 'positional');
const headerSlots = (format: string) => readSlots([{ type: 'HEADER', format }], 'positional');
const buttonSlots = (button: object) => readSlots([{ type: 'BUTTONS', buttons: [button] }], 'positional');

function violationsOf(slots: Slot[], parameters?: Record<string, unknown>, pointer_base?: string): Violation[] {
  try {
    checkParameters(slots, parameters, pointer_base);
    return [];
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== template_parameters_invalid.kind) throw error;
    return error.violations;
  }
}

/** A test's title must stay on one line, and U+2028 ends one. */
const onOneLine = (text: string) => text.replace(/[^ -~]/g, (unit) => `U+${unit.charCodeAt(0).toString(16)}`);

/** `pointer code` of each violation; the pointer without its base. */
function faultsOf(slots: Slot[], parameters?: Record<string, unknown>): string[] {
  return violationsOf(slots, parameters).map(
    ({ pointer, code }) => `${pointer.replace('/template/parameters/', '')} ${code}`,
  );
}

t.test('a template without slots takes no parameters, {} or nothing', async (t) => {
  t.same(checkParameters([], undefined), { filled: [] });
  t.same(checkParameters([], {}), { filled: [] });
  t.equal(template_parameters_invalid.kind.status, 422);
  t.same(faultsOf([], { 'body.1': 'Ana' }), ['body.1 unknown']);
});

t.test('values come back as filled slots, in the order of the template', async (t) => {
  const components = [
    { type: 'BODY', text: 'Oi {{1}}, {{2}}' },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY' }, { type: 'URL', url: 'https://x.example/{{1}}' }] },
  ];
  const slots = readSlots(components, 'positional');
  t.same(checkParameters(slots, { 'buttons.1.url': '8841', 'body.2': ' {{1}} $& ', 'body.1': 'Ana' }).filled, [
    { key: 'body.1', component: 'body', type: 'text', value: 'Ana' },
    { key: 'body.2', component: 'body', type: 'text', value: ' {{1}} $& ' },
    { key: 'buttons.1.url', component: 'button', index: 1, type: 'url_suffix', value: '8841' },
  ]);
});

t.test('every slot that is wrong has one entry, with pointer, code and what to do in both languages', async (t) => {
  const slots = bodySlots('{{1}} {{2}} {{3}} {{4}}');
  const parameters = { 'body.2': ' ', 'body.3': 7, 'body.4': 'a\nb', 'nome/x~y': 'Ana' };
  t.match(violationsOf(slots, parameters), [
    {
      pointer: '/template/parameters/body.1',
      code: 'missing',
      detail: { en: /Send .*"body.1"/, pt: /Envie .*"body.1"/ },
    },
    { pointer: '/template/parameters/body.2', code: 'blank', detail: { en: /blank/, pt: /branco/ } },
    {
      pointer: '/template/parameters/body.3',
      code: 'wrong_type',
      detail: { en: /takes a text/, pt: /recebe um texto/ },
    },
    {
      pointer: '/template/parameters/body.4',
      code: 'forbidden_characters',
      detail: { en: /line break/, pt: /quebra/ },
    },
    {
      pointer: '/template/parameters/nome~1x~0y',
      code: 'unknown',
      detail: { en: /body.1, body.2/, pt: /body.1, body.2/ },
    },
  ]);
  t.match(violationsOf(slots, undefined, '/parameters')[0], { pointer: '/parameters/body.1', code: 'missing' });
});

t.test('null is a missing value; names of the language itself are keys like others', async (t) => {
  t.same(faultsOf(bodySlots('{{1}}'), { 'body.1': null }), ['body.1 missing']);
  const parameters = JSON.parse('{"body.1": "Ana", "__proto__": "x", "constructor": "y"}');
  t.same(faultsOf(bodySlots('{{1}}'), parameters), ['__proto__ unknown', 'constructor unknown']);
});

t.test('text: blank of any kind and characters that WhatsApp refuses', async (t) => {
  const slots = bodySlots('{{1}}');
  for (const value of ['', ' ', '\u00a0', '\u200b', '\n'])
    t.same(faultsOf(slots, { 'body.1': value }), ['body.1 blank']);
  for (const value of ['a\nb', 'a\rb', 'a\tb', 'a     b', 'a\u0000b', 'a\u2028b', 'a\u0085b', 'a\ud83d']) {
    t.same(faultsOf(slots, { 'body.1': value }), ['body.1 forbidden_characters'], onOneLine(value));
  }
  for (const value of ['a    b', '👨‍👩‍👧 ção', '-', '{x}']) t.same(faultsOf(slots, { 'body.1': value }), [], value);
  for (const value of [1, true, {}, ['a']]) t.same(faultsOf(slots, { 'body.1': value }), ['body.1 wrong_type']);
});

t.test('length: the rendered header holds 60 characters, the rendered body 1,024, an emoji is one', async (t) => {
  const header = readSlots([{ type: 'HEADER', text: 'Olá {{1}}!' }], 'positional');
  t.same(faultsOf(header, { 'header.1': '🎉'.repeat(55) }), []);
  t.same(faultsOf(header, { 'header.1': 'a'.repeat(56) }), ['header.1 too_long']);
  t.same(faultsOf(bodySlots('Olá {{1}}'), { 'body.1': 'a'.repeat(1020) }), []);
  t.match(violationsOf(bodySlots('Olá {{1}}'), { 'body.1': 'a'.repeat(1021) }), [
    { code: 'too_long', detail: { en: /has 1021 characters; at most 1020/, pt: /1021.*1020/ } },
  ]);
});

t.test('length: values that fit one by one but not together name the longest', async (t) => {
  const slots = bodySlots('Olá {{1}} {{2}} {{3}}'); // 6 fixed characters, so 1018 together
  const parameters = { 'body.1': 'a'.repeat(400), 'body.2': 'b'.repeat(417), 'body.3': 'c'.repeat(201) };
  t.same(faultsOf(slots, parameters), []);
  t.match(violationsOf(slots, { ...parameters, 'body.3': 'c'.repeat(203) }), [
    {
      pointer: '/template/parameters/body.2',
      code: 'too_long',
      detail: { en: /2 characters shorter/, pt: /em 2 caracteres/ },
    },
  ]);
});

t.test('length: a value that stands twice in the text counts twice', async (t) => {
  const slots = readSlots([{ type: 'BODY', text: '{{a}} {{a}} {{b}}' }], 'named'); // 1022 together
  t.same(faultsOf(slots, { 'body.a': 'a'.repeat(510), 'body.b': 'bb' }), []);
  t.same(faultsOf(slots, { 'body.a': 'a'.repeat(511), 'body.b': 'b' }), ['body.a too_long']);
  t.same(faultsOf(slots, { 'body.a': 'a'.repeat(500), 'body.b': 'b'.repeat(22) }), []);
  t.same(faultsOf(slots, { 'body.a': 'a'.repeat(500), 'body.b': 'b'.repeat(23) }), ['body.a too_long']);
});

t.test('buttons: coupon code, optional payload, end of a URL', async (t) => {
  const coupon = buttonSlots({ type: 'COPY_CODE' });
  t.same(faultsOf(coupon, {}), ['buttons.0.coupon_code missing']);
  t.same(faultsOf(coupon, { 'buttons.0.coupon_code': 'A'.repeat(20) }), []);
  t.same(faultsOf(coupon, { 'buttons.0.coupon_code': 'A'.repeat(21) }), ['buttons.0.coupon_code too_long']);
  const reply = buttonSlots({ type: 'QUICK_REPLY' });
  t.same(checkParameters(reply, {}), { filled: [] });
  t.same(checkParameters(reply, { 'buttons.0.payload': null }), { filled: [] });
  t.match(checkParameters(reply, { 'buttons.0.payload': '{\n      "a": 1}' }), {
    filled: [{ index: 0, type: 'payload' }],
  });
  t.same(faultsOf(reply, { 'buttons.0.payload': '' }), ['buttons.0.payload blank']);
  t.same(faultsOf(reply, { 'buttons.0.payload': 'a\u0000' }), ['buttons.0.payload forbidden_characters']);
  t.same(faultsOf(reply, { 'buttons.0.payload': 'a'.repeat(129) }), ['buttons.0.payload too_long']);
  const url = buttonSlots({ type: 'URL', url: 'https://x.example/{{1}}' });
  t.same(faultsOf(url, { 'buttons.0.url': 'a'.repeat(1983) }), ['buttons.0.url too_long']);
});

t.test('media: exactly one of link and media_id; only a document has a filename', async (t) => {
  const link = 'https://cdn.example/a.jpg';
  for (const format of ['IMAGE', 'VIDEO', 'DOCUMENT']) {
    const key = `header.${format.toLowerCase()}`;
    const slots = headerSlots(format);
    for (const value of [{ link }, { media_id: '1234567890' }]) {
      t.match(checkParameters(slots, { [key]: value }).filled, [{ key, component: 'header', value }]);
    }
    t.same(checkParameters(slots, { [key]: { link, media_id: null } }).filled[0]?.value, { link });
    const wrong = [
      link,
      7,
      [],
      {},
      { link, media_id: '1' },
      { link: 7 },
      { link, id: '1' },
      { media_id: 1 },
      { filename: 'a' },
    ];
    for (const value of wrong) t.same(faultsOf(slots, { [key]: value }), [`${key} wrong_type`], JSON.stringify(value));
    t.same(faultsOf(slots, { [key]: { media_id: ' ' } }), [`${key} blank`]);
  }
  const document = { link, filename: 'contrato.pdf' };
  t.same(checkParameters(headerSlots('DOCUMENT'), { 'header.document': document }).filled[0]?.value, document);
  t.same(faultsOf(headerSlots('IMAGE'), { 'header.image': document }), ['header.image wrong_type']);
  t.same(faultsOf(headerSlots('DOCUMENT'), { 'header.document': { link, filename: '' } }), ['header.document blank']);
});

t.test('a link is judged by its form: https, no user, no private address, at most 2,048 characters', async (t) => {
  const codeOf = (link: string) => faultsOf(headerSlots('IMAGE'), { 'header.image': { link } })[0];
  const long = `https://cdn.example/${'a'.repeat(2028)}`;
  for (const link of ['https://cdn.example/á?b=c#d', 'HTTPS://CDN.EXAMPLE/', 'https://1.1.1.1/a', long]) {
    t.equal(codeOf(link), undefined, link.slice(0, 40));
  }
  t.equal(codeOf(`${long}a`), 'header.image too_long');
  t.equal(codeOf(''), 'header.image blank');
  t.equal(codeOf('https://cdn.exa\nmple/'), 'header.image forbidden_characters');
  const wrong = [
    ...['http://cdn.example/a', 'ftp://cdn.example/a', 'cdn.example/a', 'https:/cdn.example', 'https://', 'data:,a'],
    ...['https://u:p@cdn.example/', 'https://u@cdn.example/', 'https://cdn.example/a b', 'https:\\\\cdn.example\\a'],
    ...[
      'https://127.0.0.1/',
      'https://2130706433/',
      'https://0x7f.1/',
      'https://10.0.0.1/',
      'https://169.254.169.254/',
    ],
    ...['https://[::1]/', 'https://[::ffff:10.0.0.1]/', 'https://[fd00::1]/', 'https://168.63.129.16/', 'https://0/'],
  ];
  for (const link of wrong) t.equal(codeOf(link), 'header.image wrong_type', link);
});

t.test('location: four members, degrees in range, numbers become plain decimal texts', async (t) => {
  const slots = headerSlots('LOCATION');
  const place = { latitude: '-19.92', longitude: -43.94, name: 'Loja', address: 'Rua A, 1' };
  const filledWith = (value: object) =>
    checkParameters(slots, { 'header.location': { ...place, ...value } }).filled[0]?.value;
  t.same(filledWith({}), { ...place, longitude: '-43.94' });
  t.match(filledWith({ latitude: 1e-9, longitude: '180.0' }), { latitude: '0', longitude: '180' });
  t.match(filledWith({ latitude: 0.000001, longitude: -180 }), { latitude: '0.000001', longitude: '-180' });
  for (const latitude of [90.1, '-91', '19,92', '1e1', '', '0x10', Number.NaN, true, ['1']]) {
    t.same(
      faultsOf(slots, { 'header.location': { ...place, latitude } }),
      ['header.location wrong_type'],
      `${latitude}`,
    );
  }
  for (const value of [
    '-19.92,-43.94',
    {},
    { ...place, name: undefined },
    { ...place, url: 'x' },
    { ...place, name: 7 },
  ]) {
    t.same(faultsOf(slots, { 'header.location': value }), ['header.location wrong_type'], JSON.stringify(value));
  }
  t.same(faultsOf(slots, { 'header.location': { ...place, name: ' ' } }), ['header.location blank']);
});

t.test('a body full of strange keys is not answered with a longer one', async (t) => {
  const parameters = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x${index}`, 'a']));
  t.equal(faultsOf(bodySlots('Oi'), parameters).length, 100);
});
