import type { GraphErrorName } from '../../../src/simulator/graph-errors.ts';

type Parameters = Record<string, unknown>;

export interface Rule {
  title: string;
  /** What differs from the good parameters of its kind; undefined leaves one out. */
  change: Parameters;
  /** Our violations as `key code`, or `fits`. */
  ours: string;
  /** What Graph answers, or `fits`. */
  meta: GraphErrorName | 'fits';
  /** Where Meta's pages say nothing, or not the same: what we took for the rule. */
  doubt?: string;
  /** The header as Graph would get it, where our mapping cannot even write the fault. */
  header?: Parameters;
}

export interface Kind {
  kind: string;
  components: Record<string, unknown>[];
  format?: 'named';
  good: Parameters;
  rules: Rule[];
}

export const fits = (title: string, change: Parameters, doubt?: string): Rule => ({
  title,
  change,
  ours: 'fits',
  meta: 'fits',
  ...(doubt === undefined ? {} : { doubt }),
});
export const refused = (
  title: string,
  change: Parameters,
  ours: string,
  meta: GraphErrorName,
  doubt?: string,
): Rule => ({ title, change, ours, meta, ...(doubt === undefined ? {} : { doubt }) });

export const link = 'https://loja.example/arquivo';
export const silent = 'no page says it; refused on both sides';
/** One space and no more: what is left of a body of 1,024 characters beside `Oi {{1}} e {{2}}.` */
const room = 1024 - 'Oi  e .'.length;

/** What every value of a text has to keep to, wherever it stands. */
export const textRules = (key: string): Rule[] => [
  refused('left out', { [key]: undefined }, `${key} missing`, 'parameter_count'),
  refused('null', { [key]: null }, `${key} missing`, 'parameter_count'),
  refused('empty', { [key]: '' }, `${key} blank`, 'parameter_missing'),
  refused('one space', { [key]: ' ' }, `${key} blank`, 'parameter_missing', silent),
  refused('a zero-width space', { [key]: '\u200b' }, `${key} blank`, 'parameter_missing', silent),
  refused('a number', { [key]: 7 }, `${key} wrong_type`, 'parameter_missing'),
  refused('an object', { [key]: { text: 'Ana' } }, `${key} wrong_type`, 'parameter_missing'),
  refused('a line break', { [key]: 'a\nb' }, `${key} forbidden_characters`, 'parameter_text'),
  refused('a carriage return', { [key]: 'a\rb' }, `${key} forbidden_characters`, 'parameter_text'),
  refused('a tab', { [key]: 'a\tb' }, `${key} forbidden_characters`, 'parameter_text'),
  refused('five spaces', { [key]: 'a     b' }, `${key} forbidden_characters`, 'parameter_text'),
  refused('a bell', { [key]: 'a\u0007b' }, `${key} forbidden_characters`, 'parameter_text', silent),
  refused('a line separator', { [key]: 'a\u2028b' }, `${key} forbidden_characters`, 'parameter_text', silent),
  fits('four spaces', { [key]: 'a    b' }),
  fits('braces, emoji and accents', { [key]: '{{1}} 👨‍👩‍👧 ção' }),
];

/** Texts and offers: the header and body of a message. */
export const text_kinds: Kind[] = [
  {
    kind: 'no variables',
    components: [
      { type: 'BODY', text: 'Olá.' },
      { type: 'FOOTER', text: 'Loja' },
    ],
    good: {},
    rules: [
      refused('a body value', { 'body.1': 'Ana' }, 'body.1 unknown', 'parameter_count'),
      refused('a header value', { 'header.1': 'Ana' }, 'header.1 unknown', 'parameter_count'),
      refused('a header image', { 'header.image': { link } }, 'header.image unknown', 'parameter_count'),
      refused('the end of a URL', { 'buttons.0.url': 'a' }, 'buttons.0.url unknown', 'parameter_format'),
      refused('a card', { 'cards.0.body.1': 'a' }, 'cards.0.body.1 unknown', 'parameter_count'),
      refused(
        'the end of an offer',
        { 'limited_time_offer.expires_at': '2027-01-01T00:00:00Z' },
        'limited_time_offer.expires_at unknown',
        'parameter_format',
      ),
    ],
  },
  {
    kind: 'body, numbered',
    components: [{ type: 'BODY', text: 'Oi {{1}} e {{2}}.' }],
    good: { 'body.1': 'Ana', 'body.2': '8841' },
    rules: [
      ...textRules('body.1'),
      refused('one more', { 'body.3': 'x' }, 'body.3 unknown', 'parameter_count'),
      fits('1,024 characters in all', { 'body.1': 'a'.repeat(room - 1), 'body.2': 'b' }),
      refused('1,025 in one value', { 'body.1': 'a'.repeat(room), 'body.2': 'b' }, 'body.1 too_long', 'text_too_long'),
      refused(
        '1,025 in two values',
        { 'body.1': 'a'.repeat(600), 'body.2': 'b'.repeat(room - 599) },
        'body.1 too_long',
        'text_too_long',
      ),
      fits(
        '1,024 with emoji',
        { 'body.1': '🎉'.repeat(room - 1), 'body.2': 'b' },
        'an emoji is taken for one character',
      ),
    ],
  },
  {
    kind: 'body, named',
    format: 'named',
    components: [{ type: 'BODY', text: 'Oi {{nome}}, {{nome}}: {{pedido}}.' }],
    good: { 'body.nome': 'Ana', 'body.pedido': '8841' },
    rules: [
      ...textRules('body.nome'),
      refused(
        'another name',
        { 'body.nome': undefined, 'body.name': 'Ana' },
        'body.nome missing, body.name unknown',
        'parameter_format',
      ),
      refused('one more', { 'body.3': 'x' }, 'body.3 unknown', 'parameter_count'),
      fits('in any order', { 'body.pedido': '8841', 'body.nome': 'Ana' }),
      refused(
        'too long because it stands twice',
        { 'body.nome': 'a'.repeat(510) },
        'body.nome too_long',
        'text_too_long',
      ),
    ],
  },
  {
    kind: 'header, text',
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'Oi {{1}}!' },
      { type: 'BODY', text: 'Olá.' },
    ],
    good: { 'header.1': 'Ana' },
    rules: [
      ...textRules('header.1'),
      fits('60 characters', { 'header.1': 'a'.repeat(56) }),
      refused('61 characters', { 'header.1': 'a'.repeat(57) }, 'header.1 too_long', 'text_too_long'),
      refused(
        'an image instead',
        { 'header.1': undefined, 'header.image': { link } },
        'header.1 missing, header.image unknown',
        'parameter_format',
      ),
    ],
  },
  {
    kind: 'limited-time offer with an end',
    components: [
      { type: 'LIMITED_TIME_OFFER', limited_time_offer: { text: 'Oferta', has_expiration: true } },
      { type: 'BODY', text: 'Oi {{1}}.' },
    ],
    good: { 'limited_time_offer.expires_at': '2027-01-01T00:00:00.000Z', 'body.1': 'Ana' },
    rules: [
      fits('with another zone', { 'limited_time_offer.expires_at': '2026-12-31T21:00:00-03:00' }),
      fits('in the past', { 'limited_time_offer.expires_at': '2020-01-01T00:00:00Z' }, 'no page says it must come'),
      refused(
        'left out',
        { 'limited_time_offer.expires_at': undefined },
        'limited_time_offer.expires_at missing',
        'parameter_count',
      ),
      ...['amanhã', '', '2027-13-01T00:00:00Z', {}].map((value) =>
        refused(
          `an end of ${JSON.stringify(value)}`,
          { 'limited_time_offer.expires_at': value },
          'limited_time_offer.expires_at wrong_type',
          'parameter_value_invalid',
          'ours is a time with its zone, Meta gets its milliseconds',
        ),
      ),
      fits('a body of 600 characters', { 'body.1': 'a'.repeat(596) }),
      refused('a body of 601 characters', { 'body.1': 'a'.repeat(597) }, 'body.1 too_long', 'text_too_long'),
    ],
  },
  {
    kind: 'limited-time offer without an end',
    components: [
      { type: 'LIMITED_TIME_OFFER', limited_time_offer: { text: 'Oferta', has_expiration: false } },
      { type: 'BODY', text: 'Olá.' },
    ],
    good: {},
    rules: [
      refused(
        'an end',
        { 'limited_time_offer.expires_at': '2027-01-01T00:00:00Z' },
        'limited_time_offer.expires_at unknown',
        'parameter_format',
      ),
    ],
  },
];
