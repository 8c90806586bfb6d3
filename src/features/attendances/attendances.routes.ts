import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerRecord } from '../../context.ts';
import { type RequestScope, scopeOf } from '../../http/authenticate.ts';
import { answerOnce, type FindStored } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import { refreshWhenAsked } from '../../http/prefer-wait.ts';
import { languageOf } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import type { Wake } from '../../lanes/wake.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { listTimeline } from '../events/events.repository.ts';
import { listAttempts, listMessages, toMessage } from '../messages/messages.repository.ts';
import { MessagePage } from '../messages/messages.schema.ts';
import type { WaitForMessage } from '../messages/wait-for-message.ts';
import { attendance_not_found, getAttendance } from './attendance-state.ts';
import { loadAttendances } from './attendance-view.ts';
import { findAttendance, listAttendances } from './attendances.repository.ts';
import {
  AttendanceDetail,
  AttendancePage,
  AttendanceQuery,
  attendance_schemas,
  reused_example,
  StartedAttendance,
  type StartedAttendanceView,
} from './attendances.schema.ts';
import { dispatch_topic } from './dispatch-lane.ts';
import { StartAttendance, start_schemas } from './start.schema.ts';
import { dryRunStart, start_problems, startAttendance } from './start-attendance.ts';
import type { StartRows } from './start-rows.ts';
import { DryRunStart } from './verbs.schema.ts';

const tags = ['Attendances'];
const AttendancePath = Closed({ attendance_id: Id('The attendance.') });

interface StartDoor {
  wake: Wake;
  waitFor: WaitForMessage;
  rows: StartRows;
  /** Looks for the answer that is kept under a key. */
  findStored: FindStored;
}

export function attendanceRoutes(app: App, door: StartDoor): void {
  for (const schema of [...attendance_schemas, ...start_schemas]) app.addSchema(schema);
  startRoute(app, door);
  readRoutes(app);
}

function startRoute(app: App, { wake, waitFor, rows, findStored }: StartDoor): void {
  app.post(
    '/v1/attendances',
    {
      config: {
        scope: 'attendances:write',
        problems: start_problems,
        points: { phone_invalid: '/contact/phone', phone_area_code_missing: '/contact/phone' },
        idempotent: true,
        waits: true,
        limited: true,
      },
      schema: {
        operationId: 'startAttendance',
        tags,
        summary: 'Start an attendance',
        description:
          'On an official channel with an approved template; on an unofficial one with a text, or with none. 201 with a new attendance; with `on_open: "reuse"` 200 with the one that is open. Nothing is sent twice: repeat with the same `Idempotency-Key`. With `dry_run=true` the same checks are made and nothing is written: 200 with what would be sent, or 422 `start_refused` with all that speaks against it.',
        querystring: Closed({
          dry_run: Type.Optional(
            Type.Boolean({ default: false, description: 'Check and show, and write nothing. Not kept under a key.' }),
          ),
        }),
        body: Type.Ref(StartAttendance),
        response: {
          200: Type.Union([Type.Ref(StartedAttendance), Type.Ref(DryRunStart)], {
            examples: [reused_example, ...(DryRunStart.examples ?? [])],
            description: 'The attendance that was open already, and what was done in it; or what a dry run found.',
          }),
          201: Type.Ref(StartedAttendance, { description: 'A new attendance.' }),
        },
      },
    },
    async (request, reply) => {
      if (request.query.dry_run) return dryRunStart(scopeOf(request), request.body);
      const start = async (scope: RequestScope, record: AnswerRecord | null) => {
        const answer = await startAttendance(scope, request.body, record, rows);
        if (answer.body.outcome.message_id) wake.call(dispatch_topic);
        return answer;
      };
      return answerOnce(request, reply, start, { refresh: refreshAfterWait(request, reply, waitFor), findStored });
    },
  );
}

/** With `Prefer: wait` the answer shows the attendance as it is when its message has left, or when the time is up. */
function refreshAfterWait(request: FastifyRequest, reply: FastifyReply, waitFor: WaitForMessage) {
  return refreshWhenAsked<StartedAttendanceView>(
    request,
    reply,
    async ({ outcome }, until) => {
      if (outcome.message_id) await waitFor(scopeOf(request), outcome.message_id, until);
    },
    async (stored) => {
      const row = await findAttendance(scopeOf(request), stored.id);
      const [view] = row ? await loadAttendances(scopeOf(request), [row], languageOf(request)) : [];
      return view ? { ...view, outcome: stored.outcome } : stored;
    },
  );
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
      const [view] = await loadAttendances(scope, [await getAttendance(scope, attendance_id)], languageOf(request));
      if (!view) throw new Error('an attendance without a view');
      return { ...view, timeline: await listTimeline(scope, { attendance_id }) };
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
      await getAttendance(scope, attendance_id);
      const page = readPage(request.query);
      const { data, next_cursor } = toPage(await listMessages(scope, attendance_id, page), page.limit, (row) => row);
      const attempts = await listAttempts(scope, data);
      return { data: data.map((row) => toMessage(row, attempts.get(row.id) ?? [], languageOf(request))), next_cursor };
    },
  );
}
