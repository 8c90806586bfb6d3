import { Type } from '@sinclair/typebox';
import { Closed } from '../../schema.ts';
import { event_types } from './events.schema.ts';

const one_type = `(${event_types.map((type) => type.replace('.', '\\.')).join('|')})`;

/** Event types as a query member. */
export const types_query = Type.Optional(
  Type.String({
    maxLength: 1_000,
    pattern: `^${one_type}(,${one_type})*$`,
    description: 'Only events of these types, comma-separated.',
    examples: ['attendance.opened,message.received'],
  }),
);

export const after_query = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 100,
    description: '`next_cursor` of the page before, or the id of the last event that you have.',
  }),
);

export const feed_query = {
  after: after_query,
  types: types_query,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 25, description: 'Events a page.' })),
};

/** `examples`: events as they are. */
export const createEventPage = (examples: unknown[]) =>
  Closed(
    {
      data: Type.Array(Type.Unsafe<object>({ $ref: 'Event' })),
      next_cursor: Type.String({ description: 'Pass it as `after` for what comes next. Never null.' }),
      has_more: Type.Boolean({ description: 'More is there already: ask at once.' }),
    },
    {
      $id: 'EventPage',
      title: 'EventPage',
      description: 'One page of the feed.',
      examples: [{ data: examples, next_cursor: 'MTo4MTQ6MzE', has_more: false }],
    },
  );
