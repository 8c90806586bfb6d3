import { Type } from '@sinclair/typebox';
import { Closed, Nullable, OneOf } from '../../schema.ts';
import { slot_components, slot_types } from './slot.ts';

export const slot_example = {
  key: 'body.1',
  component: 'body',
  type: 'text',
  required: true,
  max_length: 1007,
  example: 'Ana',
};

export const TemplateSlot = Closed(
  {
    key: Type.String({ description: 'Its name in `parameters`.' }),
    component: OneOf(slot_components, { description: 'The part it stands in. More may come.' }),
    index: Type.Optional(
      Type.Integer({
        description: 'Zero-based place of the button among all buttons; for `card`, of the card among the cards.',
      }),
    ),
    type: OneOf(slot_types, {
      description: [
        'What it takes. `image`, `video`: `{link}` or `{media_id}`; `document`: the same, and `filename`.',
        '`location`: `{latitude, longitude, name, address}`. `product`: `{product_retailer_id, catalog_id}`.',
        '`product_sections`: `[{title, product_retailer_ids}]`. `flow_action_data`: an object. `date_time`: ISO 8601 with zone.',
        'All others: a string. More may come.',
      ].join(' '),
    }),
    required: Type.Boolean({ description: 'A start without it is refused.' }),
    max_length: Nullable(
      Type.Integer({
        description: 'In characters, when every other slot of its text holds one; null where none applies.',
      }),
    ),
    example: Nullable(Type.String({ description: 'As it was given when the template was submitted.' })),
    occurrences: Type.Optional(
      Type.Integer({ description: 'How often the value stands in the text; absent when once.' }),
    ),
    default: Type.Optional(Type.String({ description: 'What is sent when it is left out; absent when nothing is.' })),
  },
  {
    $id: 'TemplateSlot',
    title: 'TemplateSlot',
    description: 'One thing to fill in: all a form needs to draw one field.',
    examples: [slot_example],
  },
);
