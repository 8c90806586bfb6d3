import { Type } from '@sinclair/typebox';
import { type AnswerRecord, inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import { type Phone, readPhone } from '../contacts/phone-number.ts';
import { queueBehind } from '../messages/order.repository.ts';
import { loadAttendances } from './attendance-view.ts';
import { lockActiveAttendance } from './attendances.repository.ts';
import { CurrentAttendance, current_attendance_example, type StartedAttendanceView } from './attendances.schema.ts';
import { type CheckedStart, checkStart, start_check_problems } from './check-start.ts';
import { composeStart } from './compose-start.ts';
import { createRefusals } from './refusals.ts';
import { lost_race_constraints } from './start.repository.ts';
import type { StartAttendanceBody } from './start.schema.ts';
import type { OpenAttendance, StartFacts, StartQuestion } from './start-facts.repository.ts';
import { type StartRows, single_start_rows } from './start-rows.ts';
import type { DryRunView } from './verbs.schema.ts';

export const attendance_already_open = defineProblem({
  code: 'attendance_already_open',
  status: 409,
  title: { en: 'There is an open attendance', pt: 'Já existe um atendimento aberto' },
  detail: {
    en: 'This contact has an attendance on this channel since {since}: see `attendance`. Write in that one, or close it; a start may say `on_open: "reuse"`.',
    pt: 'Este contato tem um atendimento neste canal desde {since}: veja `attendance`. Escreva nele ou encerre-o; um início pode dizer `on_open: "reuse"`.',
  },
  extra: { attendance: Type.Ref(CurrentAttendance) },
  example: {
    pointer: '/contact',
    params: { since: '2026-11-22T12:00:00.000Z' },
    extra: { attendance: current_attendance_example },
  },
});
export const start_contended = defineProblem({
  code: 'start_contended',
  status: 503,
  retryable: true,
  retry_after_s: 1,
  title: { en: 'Too many starts for this contact at once', pt: 'Inícios demais para este contato ao mesmo tempo' },
  detail: { en: 'Nothing was started. Try again.', pt: 'Nada foi iniciado. Tente de novo.' },
});

const start_refused = defineProblem({
  code: 'start_refused',
  status: 422,
  title: { en: 'The start would be refused', pt: 'O início seria recusado' },
  detail: {
    en: 'errors has everything that speaks against it, in the order of the checks; a start answers with the first.',
    pt: 'errors traz tudo o que impede o início, na ordem das verificações; um início responde com o primeiro.',
  },
  example: {
    errors: [
      {
        pointer: '/template',
        code: 'template_required',
        detail: {
          en: 'An attendance on an official channel opens with an approved template.',
          pt: 'Um atendimento em canal oficial abre com um template aprovado.',
        },
      },
    ],
  },
});

export const start_problems = [...start_check_problems, attendance_already_open, start_contended, start_refused];

export interface StartedAnswer {
  status: 200 | 201;
  location: string;
  body: StartedAttendanceView;
}

/** A race lost to another start is read again: by then its winner is visible. */
export const most_rounds = 4;

/**
 * Starts an attendance: read all it is decided on, decide, write all of it in one statement. 201 with a new attendance, or
 * with `on_open: reuse` 200 with the open one. The message, if any, is queued; nobody has been called yet. Throws `start_problems`.
 */
export async function startAttendance(
  scope: Scope,
  body: StartAttendanceBody,
  record: AnswerRecord | null,
  rows: StartRows,
): Promise<StartedAnswer> {
  const phone = phoneOf(scope, body);
  for (let round = 0; round < most_rounds; round += 1) {
    const facts = await rows.read(scope, toQuestion(scope, body, phone));
    const { checked, refusals } = checkStart(body, facts, phone);
    if (!checked) throw refusals[0] ?? new Error('a start without a refusal was not checked');
    const answer = await writeStart(scope, rows, { body, phone, facts, checked, record });
    if (answer) return answer;
  }
  throw start_contended();
}

function phoneOf(scope: Scope, { contact }: StartAttendanceBody): Phone | null {
  return 'phone' in contact ? readPhone(contact.phone, scope.default_country, '/contact/phone') : null;
}

/** The same checks, nothing written: what would be sent. Throws `start_refused` with every violation. */
export async function dryRunStart(scope: Scope, body: StartAttendanceBody): Promise<DryRunView> {
  const { check, found } = createRefusals();
  const phone = check(() => phoneOf(scope, body)) ?? null;
  const facts = await single_start_rows.read(scope, toQuestion(scope, body, phone));
  const { checked, refusals } = checkStart(body, facts, phone);
  // Where no channel was chosen there is none that an attendance could be open on.
  const open = facts.channels.length === 1 ? facts.open : null;
  found.push(...refusals);
  if (open && body.on_open !== 'reuse') check(() => refuseOpen(open));
  if (!checked || found.length > 0) throw start_refused({ errors: found.flatMap((problem) => problem.violations) });
  return { would_start: true, rendered: checked.message?.rendered ?? null };
}

function toQuestion({ account_id }: Scope, body: StartAttendanceBody, phone: Phone | null): StartQuestion {
  const template = body.template;
  return {
    account_id,
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
async function writeStart(scope: Scope, rows: StartRows, plan: StartPlan): Promise<StartedAnswer | null> {
  const { open } = plan.facts;
  if (open) return plan.body.on_open === 'reuse' ? reuseAttendance(scope, plan, open) : refuseOpen(open);
  const { write, answer } = composeStart(scope, plan, null);
  try {
    await rows.insert(scope, write);
    return answer;
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint !== undefined && lost_race_constraints.has(constraint)) return null;
    throw error;
  }
}

/** Throws `attendance_already_open`. */
export function refuseOpen({ id, status, since, team }: OpenAttendance): never {
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
    // Its contact was merged into another one meanwhile: that one is read.
    if (!attendance || attendance.contact_id !== plan.checked.contact?.id) return null;
    const [view] = await loadAttendances(trx, [attendance], 'en');
    const { write, answer } = composeStart(trx, plan, view ? { view, address: open.address } : null);
    await single_start_rows.insert(trx, write);
    if (write.message) await queueBehind(trx, { id: write.message.id, attendance_id: write.attendance_id });
    return answer;
  });
}
