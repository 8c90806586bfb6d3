import { Type } from '@sinclair/typebox';
import { Closed, Id } from '../../schema.ts';
import { event_types } from './events.schema.ts';

const one_type = `(${event_types.map((type) => type.replace('.', '\\.')).join('|')})`;

/** Event types as a query member. */
const types_query = Type.Optional(
  Type.String({
    maxLength: 1_000,
    pattern: `^${one_type}(,${one_type})*$`,
    description: 'Only events of these types, comma-separated.',
    examples: ['attendance.opened,message.received'],
  }),
);

const after_query = Type.Optional(
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

export const stream_query = {
  attendance_id: Type.Optional(Id('Only events of this attendance.')),
  types: types_query,
  after: Type.Optional({
    ...after_query,
    description: '`next_cursor` of the feed, or the id of an event: begin behind it.',
  }),
};

export const stream_headers = {
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'The id of the last event that came; `EventSource` sends it by itself. It goes before `after`.',
      examples: ['019a0000-0000-7000-8000-0000000000a1'],
    }),
  ),
};

export const stream_description = `Server-Sent Events: \`id\` is the id of the event, \`data\` the event as the feed has it; no \`event\` is named, so that \`onmessage\` hears of all. It begins behind \`Last-Event-ID\`, else behind \`after\`, else now. A comment comes every 15 s; within 5 minutes it ends, and \`EventSource\` comes back for the rest by itself. It gives up on every answer but 200: open a new one then.`;

/** What a stream looks like, with events as they are. */
export const createStreamAnswer = (examples: { id?: unknown }[]) => ({
  description: 'Events as they come, each once, in the order of the feed.',
  content: {
    'text/event-stream': {
      schema: Type.String({
        examples: [
          `retry: 2000\n\n${examples.map((one) => `id: ${one.id}\ndata: ${JSON.stringify(one)}\n\n`).join('')}`,
        ],
      }),
    },
  },
});
