import { fits, type Kind, link, type Rule, refused, textRules } from './meta-rules.fixtures.ts';
import { buttonsOf } from './meta-rules-buttons.fixtures.ts';

const sections = (...lists: string[][]) => lists.map((ids, n) => ({ title: `Seção ${n}`, product_retailer_ids: ids }));
const ids = (count: number) => Array.from({ length: count }, (_, n) => `sku-${n}`);
const listed = (value: unknown) => ({ 'buttons.0.sections': value });
const sectionsRefused = (title: string, value: unknown, code: string, meta: Rule['meta'], doubt?: string) =>
  refused(title, listed(value), `buttons.0.sections ${code}`, meta as 'parameter_missing', doubt);

/** Catalogue, lists of products, one product. */
export const product_kinds: Kind[] = [
  {
    kind: 'button, catalogue',
    components: buttonsOf({ type: 'CATALOG', text: 'Ver catálogo' }),
    good: { 'buttons.0.thumbnail_product_retailer_id': 'sku-1' },
    rules: [
      fits(
        'left out',
        { 'buttons.0.thumbnail_product_retailer_id': undefined },
        'Cloud API: optional; the old API: required',
      ),
      refused(
        'empty',
        { 'buttons.0.thumbnail_product_retailer_id': '' },
        'buttons.0.thumbnail_product_retailer_id blank',
        'parameter_missing',
      ),
      refused(
        'a number',
        { 'buttons.0.thumbnail_product_retailer_id': 1 },
        'buttons.0.thumbnail_product_retailer_id wrong_type',
        'parameter_missing',
      ),
      refused(
        '101 characters',
        { 'buttons.0.thumbnail_product_retailer_id': 'a'.repeat(101) },
        'buttons.0.thumbnail_product_retailer_id too_long',
        'parameter_missing',
        'a catalogue has none so long',
      ),
      refused('sections', listed(sections(['a'])), 'buttons.0.sections unknown', 'parameter_format'),
    ],
  },
  {
    kind: 'button, list of products',
    components: buttonsOf({ type: 'MPM', text: 'Ver itens' }),
    good: { 'buttons.0.thumbnail_product_retailer_id': 'sku-0', ...listed(sections(['sku-0', 'sku-1'])) },
    rules: [
      fits('30 products', listed(sections(ids(15), ids(15)))),
      fits('10 sections', listed(sections(...ids(10).map((id) => [id])))),
      sectionsRefused('31 products', sections(ids(15), ids(16)), 'too_long', 'parameter_value_invalid'),
      sectionsRefused('11 sections', sections(...ids(11).map((id) => [id])), 'wrong_type', 'parameter_value_invalid'),
      sectionsRefused('no sections', [], 'wrong_type', 'parameter_missing'),
      sectionsRefused('a section without products', sections([]), 'wrong_type', 'parameter_missing'),
      sectionsRefused(
        'a title of 25',
        [{ title: 'a'.repeat(25), product_retailer_ids: ['a'] }],
        'too_long',
        'parameter_value_invalid',
      ),
      fits('a title of 24', listed([{ title: 'a'.repeat(24), product_retailer_ids: ['a'] }])),
      sectionsRefused(
        'no title',
        [{ product_retailer_ids: ['a'] }],
        'wrong_type',
        'parameter_missing',
        'some clients leave it out of a single section',
      ),
      sectionsRefused(
        'a product that is a number',
        [{ title: 'A', product_retailer_ids: [1] }],
        'wrong_type',
        'parameter_missing',
      ),
      sectionsRefused('a text', 'sku-0', 'wrong_type', 'parameter_missing'),
      refused('sections left out', listed(undefined), 'buttons.0.sections missing', 'parameter_format'),
      refused(
        'no thumbnail',
        { 'buttons.0.thumbnail_product_retailer_id': undefined },
        'buttons.0.thumbnail_product_retailer_id missing',
        'parameter_missing',
      ),
    ],
  },
  {
    kind: 'header and button, one product',
    components: [{ type: 'HEADER', format: 'PRODUCT' }, ...buttonsOf({ type: 'SPM', text: 'Ver' })],
    good: { 'header.product': { product_retailer_id: 'sku-1', catalog_id: '700' } },
    rules: [
      refused('left out', { 'header.product': undefined }, 'header.product missing', 'parameter_format'),
      refused(
        'no catalogue',
        { 'header.product': { product_retailer_id: 'sku-1' } },
        'header.product wrong_type',
        'parameter_missing',
      ),
      refused('a text', { 'header.product': 'sku-1' }, 'header.product wrong_type', 'parameter_missing'),
      refused(
        'an image',
        { 'header.product': undefined, 'header.image': { link } },
        'header.product missing, header.image unknown',
        'parameter_format',
      ),
      refused('a value for its button', { 'buttons.0.payload': 'a' }, 'buttons.0.payload unknown', 'parameter_format'),
    ],
  },
];

const media_card = {
  components: [
    { type: 'HEADER', format: 'IMAGE' },
    { type: 'BODY', text: 'Por {{1}}' },
    {
      type: 'BUTTONS',
      buttons: [
        { type: 'QUICK_REPLY', text: 'Quero' },
        { type: 'URL', text: 'Ver', url: 'https://loja.example/{{1}}' },
      ],
    },
  ],
};
const product_card = {
  components: [
    { type: 'HEADER', format: 'PRODUCT' },
    { type: 'BUTTONS', buttons: [{ type: 'SPM', text: 'Ver' }] },
  ],
};
const card = (index: number) => ({
  [`cards.${index}.header.image`]: { link },
  [`cards.${index}.body.1`]: 'R$ 199',
  [`cards.${index}.buttons.1.url`]: 'tenis',
});
const product = { product_retailer_id: 'sku-1', catalog_id: '700' };

/** Carousels. */
export const card_kinds: Kind[] = [
  {
    kind: 'carousel of media',
    components: [
      { type: 'BODY', text: 'Oi {{1}}.' },
      { type: 'CAROUSEL', cards: [media_card, media_card] },
    ],
    good: { 'body.1': 'Ana', ...card(0), ...card(1) },
    rules: [
      ...textRules('cards.1.body.1'),
      fits('replies of its own', { 'cards.0.buttons.0.payload': 'quero-0', 'cards.1.buttons.0.payload': 'quero-1' }),
      fits('media by id', { 'cards.0.header.image': { media_id: '1' } }),
      fits('a body of 160', { 'cards.0.body.1': 'a'.repeat(156) }),
      refused('a body of 161', { 'cards.0.body.1': 'a'.repeat(157) }, 'cards.0.body.1 too_long', 'text_too_long'),
      refused(
        'a card without its image',
        { 'cards.0.header.image': undefined },
        'cards.0.header.image missing',
        'parameter_format',
      ),
      refused(
        'a card without its URL',
        { 'cards.1.buttons.1.url': undefined },
        'cards.1.buttons.1.url missing',
        'parameter_missing',
      ),
      refused(
        'a video instead',
        { 'cards.0.header.image': undefined, 'cards.0.header.video': { link } },
        'cards.0.header.image missing, cards.0.header.video unknown',
        'parameter_format',
      ),
      refused('one card more', { 'cards.2.header.image': { link } }, 'cards.2.header.image unknown', 'parameter_count'),
      refused(
        'a link without https',
        { 'cards.0.header.image': { link: 'http://loja.example/a' } },
        'cards.0.header.image wrong_type',
        'invalid_parameter',
      ),
      refused('no body value beside the cards', { 'body.1': undefined }, 'body.1 missing', 'parameter_count'),
    ],
  },
  {
    kind: 'carousel of products',
    components: [
      { type: 'BODY', text: 'Olá.' },
      { type: 'CAROUSEL', cards: [product_card, product_card] },
    ],
    good: { 'cards.0.header.product': product, 'cards.1.header.product': product },
    rules: [
      refused(
        'one card less',
        { 'cards.1.header.product': undefined },
        'cards.1.header.product missing',
        'parameter_count',
      ),
      refused(
        'no catalogue',
        { 'cards.0.header.product': { product_retailer_id: 'a' } },
        'cards.0.header.product wrong_type',
        'parameter_missing',
      ),
      refused('a body', { 'cards.0.body.1': 'a' }, 'cards.0.body.1 unknown', 'parameter_count'),
      refused(
        'a payload for its button',
        { 'cards.0.buttons.0.payload': 'a' },
        'cards.0.buttons.0.payload unknown',
        'parameter_format',
      ),
    ],
  },
];
