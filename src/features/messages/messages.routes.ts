import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { readLanguage } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import { defineProblem } from '../../problem.ts';
import { Closed, Id } from '../../schema.ts';
import { findMessage, listAttempts, toMessage } from './messages.repository.ts';
import { Message, message_schemas } from './messages.schema.ts';

const message_not_found = defineProblem({
  code: 'message_not_found',
  status: 404,
  title: { en: 'No such message', pt: 'Mensagem inexistente' },
  detail: { en: 'This account has no message {id}.', pt: 'Esta conta não tem a mensagem {id}.' },
  example: { pointer: ':message_id', params: { id: '019a0000-0000-7000-8000-0000000000f1' } },
});

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
        description: 'With its attempts and all that is known of it.',
        params: Closed({ message_id: Id('The message.') }),
        response: { 200: Type.Ref(Message) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { message_id } = request.params;
      const row = await findMessage(scope, message_id);
      if (!row) throw message_not_found({ pointer: ':message_id', params: { id: message_id } });
      const attempts = await listAttempts(scope, [row]);
      return toMessage(row, attempts.get(row.id) ?? [], readLanguage(request.headers['accept-language']));
    },
  );
}
