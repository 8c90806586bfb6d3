import type { InboundCase } from '../support/provider-fixtures.ts';
import { at, bodyOf, bodyWith, from, identities, metadata, seconds } from './whatsapp-cloud-inbound.bodies.ts';

export type Json = Record<string, unknown>;

/** A message of the known person, and what of it must be told beside that. */
function said(title: string, message: Json, expected: Json, beside: Json = {}): InboundCase {
  const common = { kind: 'message' as const, provider_message_id: 'wamid.T1', at, from, reply_to: null, opens: true };
  return { title, body: bodyWith(message, beside), expected: [{ ...common, ...expected }] };
}

function dropped(title: string, message: Json, reason: string, beside: Json = {}): InboundCase {
  return { title, body: bodyWith(message, beside), expected: [{ kind: 'ignored', reason }] };
}

const file = { id: '900000000000001', mime_type: 'image/jpeg', sha256: 'c2hh', url: 'https://lookaside.example/5min' };
const kept_file = { id: '900000000000001', mime_type: 'image/jpeg', sha256: 'c2hh', url: undefined };

const media_cases: InboundCase[] = [
  said(
    'an image with a caption, quoting us',
    { type: 'image', image: { ...file, caption: 'a foto' }, context: { from: '5531988880000', id: 'wamid.OUT1' } },
    { type: 'image', text: 'a foto', media: kept_file, reply_to: 'wamid.OUT1' },
  ),
  said('a video', { type: 'video', video: file }, { type: 'video', text: null, media: kept_file }),
  said(
    'a voice message',
    { type: 'audio', audio: { ...file, voice: true } },
    { type: 'audio', media: { voice: true } },
  ),
  said(
    'a document',
    { type: 'document', document: { ...file, filename: 'contrato.pdf', caption: 'segue' } },
    { type: 'document', text: 'segue', media: { filename: 'contrato.pdf' } },
  ),
  said(
    'a sticker',
    { type: 'sticker', sticker: { ...file, animated: false } },
    { type: 'sticker', media: { animated: false } },
  ),
  said(
    'a place',
    { type: 'location', location: { latitude: -19.92, longitude: -43.94, name: 'Loja', address: 'Rua Sergipe, 1' } },
    { type: 'location', text: null, media: { latitude: -19.92, longitude: -43.94, name: 'Loja' } },
  ),
  said(
    'a card of somebody',
    {
      type: 'contacts',
      contacts: [{ name: { formatted_name: 'Bia' }, phones: [{ phone: '+55 31 98888-0002', type: 'CELL' }] }],
    },
    { type: 'contacts', from, media: { contacts: [{ name: { formatted_name: 'Bia' } }] } },
  ),
  {
    title: 'their own card, for which we asked: the number is theirs',
    body: bodyWith(
      {
        from: undefined,
        type: 'contacts',
        contacts: [{ origin: 'contact_request', phones: [{ phone: '+55 31 98888-0001', wa_id: '553188880001' }] }],
      },
      { contacts: [{ profile: { name: 'José' }, user_id: 'BR.1A2B3C' }] },
    ),
    expected: [{ kind: 'message', type: 'contacts', from: { identities, profile_name: 'José' }, opens: true }],
  },
  {
    title: 'the same without WhatsApp’s own id of it',
    body: bodyWith(
      {
        from: undefined,
        type: 'contacts',
        contacts: [{ origin: 'contact_request', phones: [{ phone: '+55 31 98888-0001', type: 'CELL' }] }],
      },
      { contacts: [{ profile: { name: 'José' }, user_id: 'BR.1A2B3C' }] },
    ),
    expected: [
      {
        kind: 'message',
        type: 'contacts',
        from: {
          identities: [
            { kind: 'phone', value: '+5531988880001' },
            { kind: 'bsuid', value: 'BR.1A2B3C' },
          ],
        },
      },
    ],
  },
];

const reply_cases: InboundCase[] = [
  said(
    'a button of an interactive message',
    { type: 'interactive', interactive: { type: 'button_reply', button_reply: { id: 'yes', title: 'Sim' } } },
    { type: 'button_reply', text: 'Sim', media: { id: 'yes' } },
  ),
  said(
    'a row of a list',
    {
      type: 'interactive',
      interactive: { type: 'list_reply', list_reply: { id: 'r1', title: 'Manhã', description: '8 às 12' } },
    },
    { type: 'list_reply', text: 'Manhã', media: { id: 'r1', description: '8 às 12' } },
  ),
  said(
    'a form that was filled in',
    {
      type: 'interactive',
      interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', body: 'Sent', response_json: '{"a":1}' } },
    },
    { type: 'form_reply', text: 'Sent', media: { name: 'flow', response_json: '{"a":1}' } },
  ),
  dropped(
    'a permission to call',
    {
      type: 'interactive',
      interactive: { type: 'call_permission_reply', call_permission_reply: { response: 'accept' } },
    },
    'call_permission',
  ),
  said(
    'a button of a template, without context',
    { type: 'button', button: { payload: 'opt-1', text: 'Quero' } },
    { type: 'button_reply', text: 'Quero', media: { payload: 'opt-1' } },
  ),
  said(
    'an order',
    {
      type: 'order',
      order: { catalog_id: 'c1', text: 'para hoje', product_items: [{ product_retailer_id: 'p1', quantity: 2 }] },
    },
    { type: 'order', text: 'para hoje', media: { catalog_id: 'c1', product_items: [{ product_retailer_id: 'p1' }] } },
  ),
  said(
    'a question about a product',
    {
      type: 'text',
      text: { body: 'tem?' },
      context: {
        from: '5531988880000',
        id: 'wamid.OUT1',
        referred_product: { catalog_id: 'c1', product_retailer_id: 'p1' },
      },
    },
    { type: 'text', reply_to: 'wamid.OUT1', media: { referred_product: { product_retailer_id: 'p1' } } },
  ),
  said(
    'a click on an ad',
    {
      type: 'text',
      text: { body: 'vi o anúncio' },
      referral: {
        source_url: 'https://fb.example/1',
        source_id: '1',
        source_type: 'ad',
        headline: 'Promo',
        ctwa_clid: 'x',
      },
    },
    { type: 'text', media: { referral: { source_type: 'ad', ctwa_clid: 'x' } } },
  ),
];

const change_cases: InboundCase[] = [
  said(
    'a reaction joins, and opens nothing',
    { type: 'reaction', reaction: { message_id: 'wamid.OUT1', emoji: '👍' } },
    { type: 'reaction', text: '👍', reply_to: 'wamid.OUT1', opens: false },
  ),
  said(
    'a reaction taken back',
    { type: 'reaction', reaction: { message_id: 'wamid.OUT1' } },
    { type: 'reaction', text: null, reply_to: 'wamid.OUT1', opens: false },
  ),
  {
    title: 'an edit',
    body: bodyWith({
      type: 'edit',
      edit: { original_message_id: 'wamid.T0', message: { type: 'text', text: { body: 'digo, 8' } } },
    }),
    expected: [{ kind: 'edit', original_id: 'wamid.T0', at, text: 'digo, 8' }],
  },
  {
    title: 'a message taken back',
    body: bodyWith({ type: 'revoke', revoke: { original_message_id: 'wamid.T0' } }),
    expected: [{ kind: 'revoke', original_id: 'wamid.T0', at, text: null }],
  },
  ...(
    [
      ['poll_creation', true],
      [undefined, true],
      ['edit', false],
      ['pin', false],
    ] as const
  ).map(([type, opens]) =>
    said(
      `what Cloud API cannot show: ${type ?? 'of no kind'}`,
      {
        type: 'unsupported',
        errors: [{ code: 131051, title: 'Message type unknown' }],
        ...(type ? { unsupported: { type } } : {}),
      },
      { type: 'unsupported', text: null, media: type ? { unsupported_type: type } : null, opens },
    ),
  ),
  {
    title: 'a body that Meta could not read itself',
    body: bodyWith({ type: 'interactive' }, { errors: [{ code: 131000, title: 'Something went wrong' }] }),
    expected: [
      { kind: 'ignored', reason: 'no_content' },
      { kind: 'ignored', reason: 'provider_error' },
    ],
  },
  dropped('a first look at the chat', { type: 'request_welcome', request_welcome: {} }, 'request_welcome'),
  dropped('a type from the future', { type: 'hologram', hologram: { id: '1' } }, 'unknown_type'),
  {
    title: 'an error of the whole number',
    body: bodyOf('messages', { metadata, errors: [{ code: 131031, title: 'Account locked' }] }),
    expected: [{ kind: 'channel', at, news: { status: 'restricted', detail: '131031: Account locked' } }],
  },
  {
    title: 'clicks in marketing messages',
    body: bodyOf('messages', {
      metadata,
      user_actions: [{ action_type: 'marketing_messages_link_click', timestamp: seconds }],
    }),
    expected: [{ kind: 'ignored', reason: 'user_action' }],
  },
];

export const message_cases: InboundCase[] = [...media_cases, ...reply_cases, ...change_cases];
