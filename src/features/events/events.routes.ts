import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { cursor_invalid } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import { Closed } from '../../schema.ts';
import type { Place } from './event-place.ts';
import type { EventSchemas } from './events.schema.ts';
import {
  createEventPage,
  createStreamAnswer,
  feed_query,
  stream_description,
  stream_headers,
  stream_query,
} from './feed.schema.ts';
import { cursor_expired, event_not_found, placeAfter, readFeed, startOfStream } from './read-feed.ts';
import { type EventStreams, no_stream_free, too_many_streams } from './stream-events.ts';

const listOf = (types: string | undefined) => types?.split(',') ?? null;

interface Dependencies {
  schemas: EventSchemas;
  streams: EventStreams;
}

export function eventRoutes(app: App, { schemas, streams }: Dependencies): void {
  const EventPage = createEventPage(schemas.Event.examples);
  for (const schema of [...schemas.components, EventPage]) app.addSchema(schema);

  app.get(
    '/v1/events',
    {
      config: {
        scope: 'events:read',
        problems: [cursor_invalid, event_not_found, cursor_expired],
        points: { cursor_invalid: '?after' },
      },
      schema: {
        operationId: 'listEvents',
        tags: ['Events'],
        summary: 'Catch up with what happened',
        description:
          'Oldest first, each event once, in an order that never changes: keep `next_cursor`, which is never null, and ask again with it. While `has_more` is true ask at once, even where `data` is empty; else after a while. Events are kept for 365 days unless the operator says otherwise: a cursor from before that goes on with the oldest there is, an event id is 404.',
        querystring: Closed(feed_query),
        response: { 200: Type.Ref(EventPage) },
      },
      // It is written out of the texts that the database has, to be neither parsed nor judged by two dozen forms.
      serializerCompiler: () => (text) => text as string,
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const { after: given, types, limit = 25 } = request.query;
      const after: Place | null = await placeAfter(scope, given);
      if (!after) throw cursor_invalid({ pointer: '?after' });
      const page = await readFeed(scope, { after, types: listOf(types), limit });
      return reply.type('application/json; charset=utf-8').send(page as never);
    },
  );

  app.get(
    '/v1/events/stream',
    {
      config: {
        scope: 'events:read',
        problems: [cursor_invalid, event_not_found, cursor_expired, too_many_streams, no_stream_free],
        points: { cursor_invalid: '?after' },
      },
      schema: {
        operationId: 'streamEvents',
        tags: ['Events'],
        summary: 'Listen to what happens',
        description: stream_description,
        querystring: Closed(stream_query),
        headers: Type.Object(stream_headers),
        response: { 200: createStreamAnswer(schemas.Event.examples) },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const { types, attendance_id = null, after } = request.query;
      const start = await startOfStream(scope, { last_event_id: request.headers['last-event-id'], after });
      if (!start) throw cursor_invalid({ pointer: '?after' });
      const filter = { types: listOf(types), attendance_id };
      const stream = streams.open({ account_id: scope.account_id, filter, ...start });
      // A connection that outlives its stream would hold up a stop.
      reply.headers({ 'x-accel-buffering': 'no', connection: 'close' });
      return reply.type('text/event-stream; charset=utf-8').send(stream as never);
    },
  );
}
