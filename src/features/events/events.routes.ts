import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { cursor_invalid } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import { Closed } from '../../schema.ts';
import type { Place } from './event-place.ts';
import type { EventSchemas } from './events.schema.ts';
import { createEventPage, feed_query } from './feed.schema.ts';
import { cursor_expired, event_not_found, placeAfter, readFeed } from './read-feed.ts';

const listOf = (types: string | undefined) => types?.split(',') ?? null;

export function eventRoutes(app: App, { schemas }: { schemas: EventSchemas }): void {
  const EventPage = createEventPage(schemas.Event.examples);
  for (const schema of [...schemas.components, EventPage]) app.addSchema(schema);

  app.get(
    '/v1/events',
    {
      config: { scope: 'events:read', problems: [cursor_invalid, event_not_found, cursor_expired] },
      schema: {
        operationId: 'listEvents',
        tags: ['Events'],
        summary: 'Catch up with what happened',
        description:
          'Oldest first, each event once, in an order that never changes: keep `next_cursor`, which is never null, and ask again with it. While `has_more` is true ask at once, even where `data` is empty; else after a while.',
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
}
