import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { inTransaction } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { type RequestScope, scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { refreshWhenAsked } from '../../http/prefer-wait.ts';
import { languageOf } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import type { Wake } from '../../lanes/wake.ts';
import { Closed, Id } from '../../schema.ts';
import type { WaitForMessage } from '../messages/wait-for-message.ts';
import { loadAttendances } from './attendance-view.ts';
import { findAttendance } from './attendances.repository.ts';
import { Attendance, type AttendanceView } from './attendances.schema.ts';
import { close_problems, closeAttendance } from './close-attendance.ts';
import { dispatch_topic } from './dispatch-lane.ts';
import { retry_problems, retryAttendance } from './retry-attendance.ts';
import { transfer_problems, transferAttendance } from './transfer-attendance.ts';
import { CloseAttendance, RetryAttendance, TransferAttendance, verb_schemas } from './verbs.schema.ts';

const tags = ['Attendances'];
const AttendancePath = Closed({ attendance_id: Id('The attendance.') });

interface Waiting {
  wake: Wake;
  waitFor: WaitForMessage;
}

/** What can be done with an attendance that is there: retry, transfer, close. */
export function attendanceVerbRoutes(app: App, waiting: Waiting): void {
  for (const schema of verb_schemas) app.addSchema(schema);
  retryRoute(app, waiting);

  app.post(
    '/v1/attendances/:attendance_id/transfer',
    {
      config: { scope: 'attendances:write', problems: transfer_problems, idempotent: true },
      schema: {
        operationId: 'transferAttendance',
        tags,
        summary: 'Give an attendance to another team',
        params: AttendancePath,
        body: Type.Ref(TransferAttendance),
        response: { 200: Type.Ref(Attendance) },
      },
    },
    (request, reply) =>
      answerAttendance(request, reply, (scope) =>
        transferAttendance(scope, request.params.attendance_id, request.body),
      ),
  );

  app.post(
    '/v1/attendances/:attendance_id/close',
    {
      config: { scope: 'attendances:write', problems: close_problems, idempotent: true },
      schema: {
        operationId: 'closeAttendance',
        tags,
        summary: 'Close an attendance',
        description: 'What is still queued is cancelled.',
        params: AttendancePath,
        body: Type.Ref(CloseAttendance),
        response: { 200: Type.Ref(Attendance) },
      },
    },
    (request, reply) =>
      answerAttendance(request, reply, (scope) => closeAttendance(scope, request.params.attendance_id, request.body)),
  );
}

function retryRoute(app: App, waiting: Waiting): void {
  app.post(
    '/v1/attendances/:attendance_id/retry',
    {
      config: {
        scope: 'attendances:write',
        problems: retry_problems,
        idempotent: true,
        waits: true,
        limited: true,
      },
      schema: {
        operationId: 'retryAttendance',
        tags,
        summary: 'Try a failed attendance again',
        description: 'A new message is queued and becomes `first_message`; the failed one stays in the history.',
        params: AttendancePath,
        body: Type.Ref(RetryAttendance),
        response: { 200: Type.Ref(Attendance) },
      },
    },
    (request, reply) =>
      answerAttendance(
        request,
        reply,
        (scope) => retryAttendance(scope, request.params.attendance_id, request.body),
        waiting,
      ),
  );
}

/** The attendance after the verb, once per key; with `waiting` it queued a message, which `Prefer: wait` watches. */
function answerAttendance(
  request: FastifyRequest,
  reply: FastifyReply,
  verb: (scope: RequestScope) => Promise<AttendancesRow>,
  waiting?: Waiting,
): Promise<void> {
  const show = async (scope: RequestScope, row: AttendancesRow) =>
    (await loadAttendances(scope, [row], languageOf(request)))[0];
  // One transaction, so that the answer shows what the verb did, and not what the lane did since.
  const work = (scope: RequestScope) =>
    inTransaction(scope, async (trx) => {
      const row = await verb(trx);
      const location = `/v1/attendances/${row.id}`;
      return { status: 200, location, body: await show(trx, row), contact_id: row.contact_id };
    });
  if (!waiting) return answerPost(request, reply, work);
  return answerPost(request, reply, work, {
    onDone: () => waiting.wake.call(dispatch_topic),
    refresh: refreshWhenAsked<AttendanceView>(
      request,
      reply,
      async ({ first_message }, until) => {
        if (first_message) await waiting.waitFor(scopeOf(request), first_message.id, until);
      },
      async (stored) => {
        const row = await findAttendance(scopeOf(request), stored.id);
        return row ? show(scopeOf(request), row) : stored;
      },
    ),
  });
}
