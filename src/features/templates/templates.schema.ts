import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Closed, Id, Nullable, OneOf, Page, Timestamp } from '../../schema.ts';
import { slot_example, TemplateSlot } from './slot.schema.ts';

export const template_categories = ['marketing', 'utility', 'authentication', 'unknown'] as const;
export const template_statuses = [
  'approved',
  'pending',
  'rejected',
  'paused',
  'disabled',
  'archived',
  'deleted',
  'unknown',
] as const;

const Component = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: true,
  description: "One part, in the provider's own language.",
});

export const Template = Closed(
  {
    id: Id('The template.'),
    channel_id: Id('The channel it can be sent over.'),
    provider_template_id: Type.String({ description: "The provider's own id." }),
    name: Type.String({ description: 'As at the provider; unique with the language in its channel.' }),
    language: Type.String({ description: 'As at the provider, such as `pt_BR`.' }),
    category: OneOf(template_categories, { description: 'What it may be used for.' }),
    status: OneOf(template_statuses, {
      description: 'Only an `approved` one can be sent; `deleted`: the provider has it no more.',
    }),
    quality: OneOf(['green', 'yellow', 'red', 'unknown'], {
      description:
        'What the provider makes of how its readers took it; one that is `red` can be sent, and is paused next.',
    }),
    parameter_format: OneOf(['positional', 'named'], { description: 'Whether its variables are numbers or names.' }),
    components: Type.Array(Component, { description: 'As the provider gave them.' }),
    slots: Type.Array(Type.Ref(TemplateSlot), { description: 'What a start has to fill in.' }),
    synced_at: Timestamp('When a sync last brought it or changed it; the channel says when it was last asked.'),
  },
  {
    $id: 'Template',
    title: 'Template',
    description:
      'A message that the provider has to approve before an official channel may open a conversation with it.',
    examples: [
      {
        id: '019a0000-0000-7000-8000-0000000000f1',
        channel_id: '019a0000-0000-7000-8000-0000000000c1',
        provider_template_id: '1000000000000001',
        name: 'retomar_atendimento',
        language: 'pt_BR',
        category: 'utility',
        status: 'approved',
        quality: 'green',
        parameter_format: 'positional',
        components: [{ type: 'BODY', text: 'Olá {{1}}, tudo bem?', example: { body_text: [['Ana']] } }],
        slots: [slot_example],
        synced_at: '2026-11-22T12:00:00.000Z',
      },
    ],
  },
);
export const TemplatePage = Page(Template, 'TemplatePage');

/** A POST without fields takes no body or `{}`. */
export const SyncTemplates = Nullable(
  Closed(
    {},
    { $id: 'SyncTemplates', title: 'SyncTemplates', description: 'No fields: no body, or `{}`.', examples: [{}] },
  ),
);

export const TemplateSync = Closed(
  {
    created: Type.Integer({ description: 'Seen for the first time.' }),
    updated: Type.Integer({ description: 'Different from before.' }),
    removed: Type.Integer({ description: 'No longer at the provider; `deleted` from now on.' }),
    unchanged: Type.Integer({ description: 'As before.' }),
    synced_at: Timestamp('When the provider was asked.'),
  },
  {
    $id: 'TemplateSync',
    title: 'TemplateSync',
    description: 'What a sync changed.',
    examples: [{ created: 12, updated: 1, removed: 0, unchanged: 30, synced_at: '2026-11-22T12:00:00.000Z' }],
  },
);

const rendered_example = {
  header: 'Pedido 8841',
  body: 'Olá Ana, o seu pedido está pronto.',
  footer: 'Loja Aurora',
  buttons: [{ type: 'url', text: 'Ver pedido', url: 'https://loja-aurora.example/pedidos/8841' }],
};
const card_example = { header: null, body: 'Tênis Aurora, R$ 199', buttons: [{ type: 'quick_reply', text: 'Quero' }] };

const RenderedButton = Closed(
  {
    type: Type.String({
      description: 'Such as `quick_reply`, `url`, `phone_number`, `copy_code`, `otp`, `flow`, `catalog`, `mpm`, `spm`.',
    }),
    text: Type.String({ description: 'Its label; empty where WhatsApp writes its own.' }),
    url: Type.Optional(Nullable(Type.String({ description: 'Of `url`: the whole address.' }))),
    phone_number: Type.Optional(Nullable(Type.String({ description: 'Of `phone_number`.' }))),
    coupon_code: Type.Optional(Nullable(Type.String({ description: 'Of `copy_code`.' }))),
    code: Type.Optional(Nullable(Type.String({ description: 'Of `otp`: the one-time code.' }))),
    thumbnail_product_retailer_id: Type.Optional(
      Nullable(Type.String({ description: 'Of `catalog` and `mpm`: the product shown as picture.' })),
    ),
    sections: Type.Optional(
      Type.Array(Closed({ title: Type.String(), product_retailer_ids: Type.Array(Type.String()) }), {
        description: 'Of `mpm`: the products behind the button.',
      }),
    ),
  },
  {
    $id: 'RenderedButton',
    title: 'RenderedButton',
    description: 'A button as its reader sees it.',
    examples: rendered_example.buttons,
  },
);

const RenderedCard = Closed(
  {
    header: Nullable(Type.String({ description: 'Null when it is no text: media, product.' })),
    body: Nullable(Type.String({ description: 'Null when the card has none.' })),
    buttons: Type.Array(Type.Ref(RenderedButton)),
  },
  {
    $id: 'RenderedCard',
    title: 'RenderedCard',
    description: 'A card of a carousel as its reader sees it.',
    examples: [card_example],
  },
);

/** A template as its reader sees it: what a preview and a dry run answer. */
export const RenderedTemplate = Closed(
  {
    header: Nullable(Type.String({ description: 'Null when there is none, or when it is no text: media, location.' })),
    limited_time_offer: Type.Optional(
      Closed(
        {
          text: Type.String({ description: 'What is offered.' }),
          expires_at: Nullable(Timestamp('When the offer ends; null when it has no end.')),
        },
        { description: 'Absent when the template has none.' },
      ),
    ),
    body: Type.String({ description: 'With its values.' }),
    footer: Nullable(Type.String({ description: 'Null when there is none.' })),
    buttons: Type.Array(Type.Ref(RenderedButton), { description: 'In their order.' }),
    cards: Type.Optional(
      Type.Array(Type.Ref(RenderedCard), { description: 'Of a carousel, in their order; absent when there is none.' }),
    ),
  },
  {
    $id: 'RenderedTemplate',
    title: 'RenderedTemplate',
    description: 'A template as its reader sees it.',
    examples: [
      rendered_example,
      { header: null, body: 'Veja as novidades, Ana.', footer: null, buttons: [], cards: [card_example, card_example] },
    ],
  },
);

export const PreviewTemplate = Nullable(
  Closed(
    {
      parameters: Type.Optional(
        Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          maxProperties: 200,
          propertyNames: { type: 'string', maxLength: 120 },
          additionalProperties: true,
          storableDeep: true,
          description: 'Slot key to value, as in a start; may be absent when the template has no slots.',
        }),
      ),
    },
    {
      $id: 'PreviewTemplate',
      title: 'PreviewTemplate',
      description: 'The values to see the template with.',
      examples: [{ parameters: { 'body.1': 'Ana', 'buttons.0.url': '8841' } }],
    },
  ),
);

export const TemplatePreview = Closed(
  { rendered: Type.Ref(RenderedTemplate) },
  {
    $id: 'TemplatePreview',
    title: 'TemplatePreview',
    description: 'What a start with these values would send.',
    examples: [{ rendered: rendered_example }],
  },
);

export const template_schemas: TSchema[] = [
  TemplateSlot,
  Template,
  TemplatePage,
  SyncTemplates,
  TemplateSync,
  RenderedButton,
  RenderedCard,
  RenderedTemplate,
  PreviewTemplate,
  TemplatePreview,
];

export type TemplateView = Static<typeof Template>;
export type TemplateSyncView = Static<typeof TemplateSync>;
export type RenderedButtonView = Static<typeof RenderedButton>;
export type RenderedCardView = Static<typeof RenderedCard>;
export type RenderedTemplateView = Static<typeof RenderedTemplate>;
export type TemplatePreviewView = Static<typeof TemplatePreview>;
