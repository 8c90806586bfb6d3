import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { languageOf } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import { Closed, Id } from '../../schema.ts';
import { listTimeline } from '../events/events.repository.ts';
import { message_not_found } from '../references.ts';
import { findMessage, listAttempts, toMessage } from './messages.repository.ts';
import { MessageDetail, message_schemas } from './messages.schema.ts';

export function messageRoutes(app: App): void {
  for (const schema of message_schemas) app.addSchema(schema);

  app.get(
    '/v1/messages/:message_id',
    {
      config: { scope: 'attendances:read', problems: [message_not_found] },
      schema: {
        operationId: 'getMessage',
        tags: ['Messages'],
        summary: 'Read a message',
        description: 'With its attempts, its timeline and all that is known of it.',
        params: Closed({ message_id: Id('The message.') }),
        response: { 200: Type.Ref(MessageDetail) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { message_id } = request.params;
      const row = await findMessage(scope, message_id);
      if (!row) throw message_not_found({ pointer: ':message_id', params: { id: message_id } });
      const attempts = await listAttempts(scope, [row]);
      const message = toMessage(row, attempts.get(row.id) ?? [], languageOf(request));
      return { ...message, timeline: await listTimeline(scope, { message_id }) };
    },
  );
}
