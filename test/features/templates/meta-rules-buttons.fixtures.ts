import { fits, type Kind, type Rule, refused, silent, textRules } from './meta-rules.fixtures.ts';

export const buttonsOf = (...buttons: Record<string, unknown>[]) => [
  { type: 'BODY', text: 'Olá.' },
  { type: 'BUTTONS', buttons },
];

/** The rules of a text in a button's parameter: a button that is left out is missing, not a count. */
const suffixRules = (key: string): Rule[] =>
  textRules(key).map((rule) => (rule.meta === 'parameter_count' ? { ...rule, meta: 'parameter_missing' } : rule));

const codeKind = (kind: string, button: Record<string, unknown>): Kind => ({
  kind,
  components: [
    { type: 'BODY', text: '*{{1}}* é o seu código.', add_security_recommendation: true },
    { type: 'FOOTER', text: 'Expira em 10 minutos.', code_expiration_minutes: 10 },
    { type: 'BUTTONS', buttons: [button] },
  ],
  good: { 'buttons.0.otp': '481516' },
  rules: [
    fits('15 characters', { 'buttons.0.otp': 'A'.repeat(15) }),
    refused('16 characters', { 'buttons.0.otp': 'A'.repeat(16) }, 'buttons.0.otp too_long', 'parameter_value_invalid'),
    refused('left out', { 'buttons.0.otp': undefined }, 'buttons.0.otp missing', 'parameter_count'),
    refused('empty', { 'buttons.0.otp': '' }, 'buttons.0.otp blank', 'parameter_missing'),
    refused('a number', { 'buttons.0.otp': 481516 }, 'buttons.0.otp wrong_type', 'parameter_missing'),
    refused('a line break', { 'buttons.0.otp': '48\n15' }, 'buttons.0.otp forbidden_characters', 'parameter_text'),
    refused(
      'an emoji',
      { 'buttons.0.otp': '🔑481516' },
      'buttons.0.otp forbidden_characters',
      'parameter_value_invalid',
      'Meta: not supported, without a code',
    ),
    refused(
      'another code in the body',
      { 'body.1': '108' },
      'body.1 unknown',
      'parameter_value_invalid',
      'Meta: the same code in both, without a code',
    ),
  ],
});

/** Buttons of every kind. */
export const button_kinds: Kind[] = [
  {
    kind: 'button, end of a URL, behind a plain one',
    components: buttonsOf(
      { type: 'PHONE_NUMBER', text: 'Ligar', phone_number: '+553133330000' },
      { type: 'URL', text: 'Ver', url: 'https://loja.example/{{1}}' },
    ),
    good: { 'buttons.1.url': '8841' },
    rules: [
      ...suffixRules('buttons.1.url'),
      fits('2,000 characters', { 'buttons.1.url': 'a'.repeat(2000 - 'https://loja.example/'.length) }),
      refused(
        '2,001 characters',
        { 'buttons.1.url': 'a'.repeat(2001 - 'https://loja.example/'.length) },
        'buttons.1.url too_long',
        'parameter_value_invalid',
      ),
      refused('one for the plain button', { 'buttons.0.url': 'a' }, 'buttons.0.url unknown', 'parameter_format'),
      refused('one for no button', { 'buttons.2.url': 'a' }, 'buttons.2.url unknown', 'parameter_format'),
      refused(
        'another kind',
        { 'buttons.1.url': undefined, 'buttons.1.payload': 'a' },
        'buttons.1.url missing, buttons.1.payload unknown',
        'parameter_format',
      ),
    ],
  },
  {
    kind: 'button, URL without a variable',
    components: buttonsOf({ type: 'URL', text: 'Site', url: 'https://loja.example' }),
    good: {},
    rules: [refused('a value', { 'buttons.0.url': 'a' }, 'buttons.0.url unknown', 'parameter_format')],
  },
  {
    kind: 'button, code to copy',
    components: buttonsOf({ type: 'COPY_CODE', text: 'Copiar' }),
    good: { 'buttons.0.coupon_code': 'AURORA15' },
    rules: [
      fits('20 characters', { 'buttons.0.coupon_code': 'A'.repeat(20) }, '15 until 2025-12-03'),
      refused(
        '21 characters',
        { 'buttons.0.coupon_code': 'A'.repeat(21) },
        'buttons.0.coupon_code too_long',
        'parameter_value_invalid',
      ),
      refused('left out', { 'buttons.0.coupon_code': undefined }, 'buttons.0.coupon_code missing', 'parameter_missing'),
      refused('empty', { 'buttons.0.coupon_code': '' }, 'buttons.0.coupon_code blank', 'parameter_missing'),
      refused('a number', { 'buttons.0.coupon_code': 15 }, 'buttons.0.coupon_code wrong_type', 'parameter_missing'),
      refused(
        'a tab',
        { 'buttons.0.coupon_code': 'A\tB' },
        'buttons.0.coupon_code forbidden_characters',
        'parameter_text',
        silent,
      ),
    ],
  },
  {
    kind: 'button, quick reply',
    components: buttonsOf({ type: 'QUICK_REPLY', text: 'Sim' }),
    good: {},
    rules: [
      fits('with a payload', { 'buttons.0.payload': 'sim' }),
      fits('a payload over lines', { 'buttons.0.payload': '{\n\t"a": 1}' }, 'opaque, so taken as it is'),
      fits(
        '128 characters',
        { 'buttons.0.payload': 'a'.repeat(128) },
        'no documented maximum; 128 is the cautious one',
      ),
      refused(
        '129 characters',
        { 'buttons.0.payload': 'a'.repeat(129) },
        'buttons.0.payload too_long',
        'parameter_value_invalid',
        silent,
      ),
      refused('empty', { 'buttons.0.payload': '' }, 'buttons.0.payload blank', 'parameter_missing'),
      refused('an object', { 'buttons.0.payload': {} }, 'buttons.0.payload wrong_type', 'parameter_missing'),
    ],
  },
  codeKind('button, one-time code to copy', { type: 'OTP', otp_type: 'COPY_CODE', text: 'Copiar' }),
  codeKind('button, one-time code by one tap', { type: 'OTP', otp_type: 'ONE_TAP', text: 'Preencher' }),
  codeKind('button, one-time code by no tap', { type: 'OTP', otp_type: 'ZERO_TAP', text: 'Copiar' }),
  codeKind('button, one-time code as listings show it', {
    type: 'URL',
    text: 'Copiar',
    url: 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}',
  }),
  {
    kind: 'button, flow',
    components: buttonsOf({ type: 'FLOW', text: 'Agendar', flow_id: '1' }),
    good: {},
    rules: [
      fits('with a token', { 'buttons.0.flow_token': 'pedido-8841' }),
      fits('with data', { 'buttons.0.flow_action_data': { horarios: ['9h', '10h'], vip: true } }),
      fits('with empty data', { 'buttons.0.flow_action_data': {} }, 'the reference shows it empty'),
      refused(
        'an empty token',
        { 'buttons.0.flow_token': '' },
        'buttons.0.flow_token blank',
        'parameter_value_invalid',
        silent,
      ),
      refused(
        'a token of 513',
        { 'buttons.0.flow_token': 'a'.repeat(513) },
        'buttons.0.flow_token too_long',
        'parameter_value_invalid',
        silent,
      ),
      refused(
        'a token that is a number',
        { 'buttons.0.flow_token': 1 },
        'buttons.0.flow_token wrong_type',
        'parameter_value_invalid',
      ),
      refused(
        'data as a text',
        { 'buttons.0.flow_action_data': '{}' },
        'buttons.0.flow_action_data wrong_type',
        'parameter_value_invalid',
      ),
      refused(
        'data as a list',
        { 'buttons.0.flow_action_data': [] },
        'buttons.0.flow_action_data wrong_type',
        'parameter_value_invalid',
      ),
      refused(
        'data beyond 8,192',
        { 'buttons.0.flow_action_data': { a: 'a'.repeat(8192) } },
        'buttons.0.flow_action_data too_long',
        'parameter_value_invalid',
        silent,
      ),
    ],
  },
  {
    kind: 'buttons that take nothing',
    components: buttonsOf({ type: 'VOICE_CALL', text: 'Ligar' }, { type: 'REQUEST_CONTACT_INFO' }),
    good: {},
    rules: [refused('a payload', { 'buttons.1.payload': 'a' }, 'buttons.1.payload unknown', 'parameter_format')],
  },
];
