import { Type } from '@sinclair/typebox';
import { type AnswerRecord, inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import { type Phone, readPhone } from '../contacts/phone-number.ts';
import { loadAttendances } from './attendance-view.ts';
import { lockActiveAttendance } from './attendances.repository.ts';
import { CurrentAttendance, current_attendance_example, type StartedAttendanceView } from './attendances.schema.ts';
import { type CheckedStart, checkStart, start_check_problems } from './check-start.ts';
import { composeStart } from './compose-start.ts';
import {
  insertStart,
  type OpenAttendance,
  readStart,
  type StartFacts,
  type StartQuestion,
} from './start.repository.ts';
import type { StartAttendanceBody } from './start.schema.ts';

const attendance_already_open = defineProblem({
  code: 'attendance_already_open',
  status: 409,
  title: { en: 'There is an open attendance', pt: 'Já existe um atendimento aberto' },
  detail: {
    en: 'This contact has an attendance on this channel since {since}: see `attendance`. Send `on_open: "reuse"` to write in it.',
    pt: 'Este contato tem um atendimento neste canal desde {since}: veja `attendance`. Envie `on_open: "reuse"` para escrever nele.',
  },
  extra: { attendance: Type.Ref(CurrentAttendance) },
  example: {
    pointer: '/contact',
    params: { since: '2026-11-22T12:00:00.000Z' },
    extra: { attendance: current_attendance_example },
  },
});
const start_contended = defineProblem({
  code: 'start_contended',
  status: 503,
  retryable: true,
  retry_after_s: 1,
  title: { en: 'Too many starts for this contact at once', pt: 'Inícios demais para este contato ao mesmo tempo' },
  detail: { en: 'Nothing was started. Try again.', pt: 'Nada foi iniciado. Tente de novo.' },
});

export const start_problems = [...start_check_problems, attendance_already_open, start_contended];

export interface StartedAnswer {
  status: 200 | 201;
  location: string;
  body: StartedAttendanceView;
}

/** A race lost to another start is read again: by then its winner is visible. */
const most_rounds = 4;

/**
 * Starts an attendance: read all it is decided on, decide, write all of it in one statement. 201 with a new attendance, or
 * with `on_open: reuse` 200 with the open one. The message, if any, is queued; nobody has been called yet. Throws `start_problems`.
 */
export async function startAttendance(
  scope: Scope,
  body: StartAttendanceBody,
  record: AnswerRecord | null,
): Promise<StartedAnswer> {
  const phone = 'phone' in body.contact ? readPhone(body.contact.phone, scope.default_country, '/contact/phone') : null;
  for (let round = 0; round < most_rounds; round += 1) {
    const facts = await readStart(scope, toQuestion(body, phone));
    const checked = checkStart(body, facts, phone);
    const answer = await writeStart(scope, { body, phone, facts, checked, record });
    if (answer) return answer;
  }
  throw start_contended();
}

function toQuestion(body: StartAttendanceBody, phone: Phone | null): StartQuestion {
  const template = body.template;
  return {
    contact_id: 'id' in body.contact ? body.contact.id : null,
    phone_key: phone?.key ?? null,
    channel_id: body.channel_id ?? null,
    team_id: body.team_id,
    template_id: template && 'id' in template ? template.id : null,
    template_name: template && 'name' in template ? template.name : null,
    template_language: template && 'name' in template ? template.language : null,
  };
}

export interface StartPlan {
  body: StartAttendanceBody;
  phone: Phone | null;
  facts: StartFacts;
  checked: CheckedStart;
  record: AnswerRecord | null;
}

/** Null when somebody else was faster and the facts must be read again. */
async function writeStart(scope: Scope, plan: StartPlan): Promise<StartedAnswer | null> {
  const { open } = plan.facts;
  if (open) return plan.body.on_open === 'reuse' ? reuseAttendance(scope, plan, open) : refuseOpen(open);
  const { write, answer } = composeStart(scope, plan, null);
  try {
    await insertStart(scope, write);
    return answer;
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === 'contacts_phone_key' || constraint === 'attendances_one_active') return null;
    throw error;
  }
}

function refuseOpen({ id, status, since, team }: OpenAttendance): never {
  const started_at = new Date(since).toISOString();
  throw attendance_already_open({
    pointer: '/contact',
    params: { since: started_at },
    extra: { attendance: { id, status, team, since: started_at } },
  });
}

/** Writes into the open attendance, which its lock keeps open meanwhile. */
async function reuseAttendance(scope: Scope, plan: StartPlan, open: OpenAttendance): Promise<StartedAnswer | null> {
  return inTransaction(scope, async (trx) => {
    const attendance = await lockActiveAttendance(trx, open.id);
    if (!attendance) return null;
    const [view] = await loadAttendances(trx, [attendance], 'en');
    const { write, answer } = composeStart(trx, plan, view ?? null);
    await insertStart(trx, write);
    return answer;
  });
}
