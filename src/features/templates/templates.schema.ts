import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Closed, Id, Nullable, OneOf, Page, Timestamp } from '../../schema.ts';

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

const slot_example = {
  key: 'body.1',
  component: 'body',
  type: 'text',
  required: true,
  max_length: 1007,
  example: 'Ana',
};

const TemplateSlot = Closed(
  {
    key: Type.String({ description: 'Its name in `parameters`.' }),
    component: OneOf(['header', 'body', 'button', 'card'], { description: 'The part it stands in. More may come.' }),
    index: Type.Optional(Type.Integer({ description: 'Zero-based place of the button among all buttons.' })),
    type: OneOf(['text', 'image', 'video', 'document', 'location', 'url_suffix', 'coupon_code', 'payload', 'otp'], {
      description: 'What it takes: an object for media and location, else a string. More may come.',
    }),
    required: Type.Boolean({ description: 'A start without it is refused.' }),
    max_length: Nullable(
      Type.Integer({ description: 'In characters, when every other slot holds one; null for objects.' }),
    ),
    example: Nullable(Type.String({ description: 'As it was given when the template was submitted.' })),
    occurrences: Type.Optional(
      Type.Integer({ description: 'How often the value stands in the text; absent when once.' }),
    ),
  },
  {
    $id: 'TemplateSlot',
    title: 'TemplateSlot',
    description: 'One thing to fill in: all a form needs to draw one field.',
    examples: [slot_example],
  },
);

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

export const template_schemas: TSchema[] = [TemplateSlot, Template, TemplatePage, SyncTemplates, TemplateSync];

export type TemplateView = Static<typeof Template>;
export type TemplateSyncView = Static<typeof TemplateSync>;
