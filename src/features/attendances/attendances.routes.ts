import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerRecord } from '../../context.ts';
import { type RequestScope, scopeOf } from '../../http/authenticate.ts';
import { answerOnce, idempotency_problems } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import { preferenceApplied, readPreferWait } from '../../http/prefer-wait.ts';
import { readLanguage } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import type { Wake } from '../../lanes/wake.ts';
import { defineProblem } from '../../problem.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { listTimeline } from '../events/events.repository.ts';
import { listAttempts, listMessages, toMessage } from '../messages/messages.repository.ts';
import { MessagePage } from '../messages/messages.schema.ts';
import { waitForMessage } from '../messages/wait-for-message.ts';
import { loadAttendances } from './attendance-view.ts';
import { findAttendance, listAttendances } from './attendances.repository.ts';
import {
  AttendanceDetail,
  AttendancePage,
  AttendanceQuery,
  attendance_schemas,
  StartedAttendance,
  type StartedAttendanceView,
} from './attendances.schema.ts';
import { dispatch_topic } from './dispatch-lane.ts';
import { StartAttendance, start_schemas } from './start.schema.ts';
import { start_problems, startAttendance } from './start-attendance.ts';

const attendance_not_found = defineProblem({
  code: 'attendance_not_found',
  status: 404,
  title: { en: 'No such attendance', pt: 'Atendimento inexistente' },
  detail: { en: 'This account has no attendance {id}.', pt: 'Esta conta não tem o atendimento {id}.' },
  example: { pointer: ':attendance_id', params: { id: '019a0000-0000-7000-8000-0000000000e1' } },
});

const tags = ['Attendances'];
const AttendancePath = Closed({ attendance_id: Id('The attendance.') });
const notFound = (id: string) => attendance_not_found({ pointer: ':attendance_id', params: { id } });
const languageOf = (request: FastifyRequest) => readLanguage(request.headers['accept-language']);

export function attendanceRoutes(app: App, { wake }: { wake: Wake }): void {
  for (const schema of [...attendance_schemas, ...start_schemas]) app.addSchema(schema);
  startRoute(app, wake);
  readRoutes(app);
}

function startRoute(app: App, wake: Wake): void {
  app.post(
    '/v1/attendances',
    {
      config: {
        scope: 'attendances:write',
        problems: [...start_problems, ...idempotency_problems],
        idempotent: true,
        waits: true,
      },
      schema: {
        operationId: 'startAttendance',
        tags,
        summary: 'Start an attendance',
        description:
          'On an official channel with an approved template; on an unofficial one with a text, or with none. 201 with a new attendance; with `on_open: "reuse"` 200 with the one that is open. Nothing is sent twice: repeat with the same `Idempotency-Key`.',
        body: Type.Ref(StartAttendance),
        response: {
          200: Type.Ref(StartedAttendance, {
            description: 'The attendance that was open already, and what was done in it.',
          }),
          201: Type.Ref(StartedAttendance, { description: 'A new attendance.' }),
        },
      },
    },
    async (request, reply) => {
      const start = async (scope: RequestScope, record: AnswerRecord | null) => {
        const answer = await startAttendance(scope, request.body, record);
        if (answer.body.outcome.message_id) wake.call(dispatch_topic);
        return answer;
      };
      await answerOnce(request, reply, start, refreshAfterWait(request, reply, wake));
    },
  );
}

/** With `Prefer: wait` the answer shows the attendance as it is when its message has left, or when the time is up. */
function refreshAfterWait(request: FastifyRequest, reply: FastifyReply, wake: Wake) {
  const wait_s = readPreferWait(request);
  if (wait_s === null) return undefined;
  return async (_: unknown, stored: unknown): Promise<unknown> => {
    const scope = scopeOf(request);
    const { id, outcome } = stored as StartedAttendanceView;
    if (outcome.message_id) await waitForMessage(scope, wake, outcome.message_id, wait_s);
    preferenceApplied(reply, wait_s);
    const row = await findAttendance(scope, id);
    const [view] = row ? await loadAttendances(scope, [row], languageOf(request)) : [];
    return view ? { ...view, outcome } : stored;
  };
}

function readRoutes(app: App): void {
  app.get(
    '/v1/attendances',
    {
      config: { scope: 'attendances:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listAttendances',
        tags,
        summary: 'List attendances',
        description: 'Newest first.',
        querystring: Closed({ ...AttendanceQuery, ...page_query }),
        response: { 200: Type.Ref(AttendancePage) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { limit: _, cursor: __, ...filter } = request.query;
      const page = readPage(request.query);
      const { data, next_cursor } = toPage(await listAttendances(scope, filter, page), page.limit, (row) => row);
      return { data: await loadAttendances(scope, data, languageOf(request)), next_cursor };
    },
  );

  app.get(
    '/v1/attendances/:attendance_id',
    {
      config: { scope: 'attendances:read', problems: [attendance_not_found] },
      schema: {
        operationId: 'getAttendance',
        tags,
        summary: 'Read an attendance',
        description: 'With its timeline.',
        params: AttendancePath,
        response: { 200: Type.Ref(AttendanceDetail) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { attendance_id } = request.params;
      const row = await findAttendance(scope, attendance_id);
      const [view] = row ? await loadAttendances(scope, [row], languageOf(request)) : [];
      if (!view) throw notFound(attendance_id);
      const entries = await listTimeline(scope, attendance_id);
      return {
        ...view,
        timeline: entries.map(({ type, sequence, created_at }) => ({ type, sequence, at: created_at.toISOString() })),
      };
    },
  );

  app.get(
    '/v1/attendances/:attendance_id/messages',
    {
      config: { scope: 'attendances:read', problems: [attendance_not_found, cursor_invalid] },
      schema: {
        operationId: 'listMessages',
        tags: ['Messages'],
        summary: "List an attendance's messages",
        description: 'Oldest first.',
        params: AttendancePath,
        querystring: Closed(page_query),
        response: { 200: Type.Ref(MessagePage) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { attendance_id } = request.params;
      if (!(await findAttendance(scope, attendance_id))) throw notFound(attendance_id);
      const page = readPage(request.query);
      const { data, next_cursor } = toPage(await listMessages(scope, attendance_id, page), page.limit, (row) => row);
      const attempts = await listAttempts(scope, data);
      return { data: data.map((row) => toMessage(row, attempts.get(row.id) ?? [], languageOf(request))), next_cursor };
    },
  );
}
