import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { inTransaction } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { type RequestScope, scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { refreshWhenAsked } from '../../http/prefer-wait.ts';
import { languageOf } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import type { Wake } from '../../lanes/wake.ts';
import { Closed, Id } from '../../schema.ts';
import { findMessage, listAttempts, toMessage } from '../messages/messages.repository.ts';
import { Message, type MessageView } from '../messages/messages.schema.ts';
import type { WaitForMessage } from '../messages/wait-for-message.ts';
import { dispatch_topic } from './dispatch-lane.ts';
import { resolve_problems, resolveMessage } from './resolve-message.ts';
import { send_problems, sendMessage } from './send-message.ts';
import { NewMessage, ResolveMessage } from './verbs.schema.ts';

const tags = ['Messages'];

interface Dependencies {
  wake: Wake;
  waitFor: WaitForMessage;
  public_url: string;
}

/** Later messages of an attendance, and what a person decides of one that is in doubt. */
export function messageVerbRoutes(app: App, { wake, waitFor, public_url }: Dependencies): void {
  const waiting = { wake, waitFor };
  app.post(
    '/v1/attendances/:attendance_id/messages',
    {
      config: {
        scope: 'attendances:write',
        problems: send_problems,
        idempotent: true,
        waits: true,
        limited: true,
      },
      schema: {
        operationId: 'sendMessage',
        tags,
        summary: 'Send a later message',
        description:
          'A text or a template, behind those of the attendance that still wait. Free text goes over an official channel only while the service window is active.',
        params: Closed({ attendance_id: Id('The attendance.') }),
        body: Type.Ref(NewMessage),
        response: { 201: Type.Ref(Message) },
      },
    },
    (request, reply) =>
      answerMessage(request, reply, waiting, 201, (scope) =>
        sendMessage(scope, request.params.attendance_id, request.body),
      ),
  );

  app.post(
    '/v1/messages/:message_id/resolve',
    {
      config: { scope: 'attendances:write', problems: resolve_problems, idempotent: true, waits: true },
      schema: {
        operationId: 'resolveMessage',
        tags,
        summary: 'Decide what becomes of a message in doubt',
        description:
          'For a message that is `unknown`: `resend` sends it again, and the contact may get it twice; `mark_sent` and `mark_failed` send nothing. What the provider reports later still counts.',
        params: Closed({ message_id: Id('The message.') }),
        body: Type.Ref(ResolveMessage),
        response: { 200: Type.Ref(Message) },
      },
    },
    (request, reply) =>
      answerMessage(request, reply, waiting, 200, (scope) =>
        resolveMessage(scope, public_url, request.params.message_id, request.body),
      ),
  );
}

/** The message after the verb, once per key; `Prefer: wait` holds the answer until it has left. */
function answerMessage(
  request: FastifyRequest,
  reply: FastifyReply,
  { wake, waitFor }: Pick<Dependencies, 'wake' | 'waitFor'>,
  status: 200 | 201,
  verb: (scope: RequestScope) => Promise<MessagesRow>,
): Promise<void> {
  const show = async (scope: RequestScope, row: MessagesRow): Promise<MessageView> => {
    const attempts = await listAttempts(scope, [row]);
    return toMessage(row, attempts.get(row.id) ?? [], languageOf(request));
  };
  // One transaction, so that the answer shows what the verb did, and not what the lane did since.
  const work = (scope: RequestScope) =>
    inTransaction(scope, async (trx) => {
      const row = await verb(trx);
      const body = await show(trx, row);
      return { status, location: `/v1/messages/${row.id}`, body, contact_id: row.contact_id };
    });
  const refresh = refreshWhenAsked<MessageView>(
    request,
    reply,
    ({ id }, until) => waitFor(scopeOf(request), id, until),
    async (stored) => {
      const row = await findMessage(scopeOf(request), stored.id);
      return row ? show(scopeOf(request), row) : stored;
    },
  );
  return answerPost(request, reply, work, { onDone: () => wake.call(dispatch_topic), refresh });
}
