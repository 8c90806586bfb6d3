import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import type { AttendancesRow, MessagesRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import { insertEvents } from '../events/events.repository.ts';
import { findMessage } from '../messages/messages.repository.ts';
import { insertMessage } from '../messages/outgoing.repository.ts';
import { eventOf } from './attendance-events.ts';
import { readFacts } from './attendance-facts.ts';
import { attendance_not_found, getAttendance, getLocked } from './attendance-state.ts';
import { loadAttendances } from './attendance-view.ts';
import { changeAttendance } from './attendances.repository.ts';
import {
  channel_unavailable,
  checkAvailable,
  checkOptOut,
  checkReachable,
  chooseAddress,
  contact_opted_out,
  contact_unreachable,
} from './check-start.ts';
import { type ChosenMessage, chooseFirstMessage, first_message_problems } from './first-message.ts';
import { gone_party_problems, refuseGone } from './gone-parties.ts';
import { createRefusals, refuseWithin } from './refusals.ts';
import { toOutgoing } from './send-message.ts';
import { attendance_already_open, most_rounds, refuseOpen, start_contended } from './start-attendance.ts';
import type { RetryBody } from './verbs.schema.ts';

const attendance_not_failed = defineProblem({
  code: 'attendance_not_failed',
  status: 409,
  title: { en: 'The attendance did not fail', pt: 'O atendimento não falhou' },
  detail: {
    en: 'It is {status}; only a failed one can be tried again.',
    pt: 'Ele está {status}; só um que falhou (failed) pode ser tentado de novo.',
  },
  example: { pointer: ':attendance_id', params: { status: 'open' } },
});

export const retry_problems = [
  attendance_not_found,
  attendance_not_failed,
  attendance_already_open,
  channel_unavailable,
  ...first_message_problems,
  contact_opted_out,
  contact_unreachable,
  ...gone_party_problems,
  start_contended,
];

type Asked = Pick<NonNullable<RetryBody>, 'template' | 'text'>;

/**
 * Tries a failed attendance again, in place: a new message becomes its first one, to the contact's address of now, and it is
 * `starting` again. Without a template or text what was said before is checked and said again. Throws `retry_problems`.
 */
export async function retryAttendance(scope: Scope, id: string, body: RetryBody): Promise<AttendancesRow> {
  const restart = async () => {
    for (let round = 0; round < most_rounds; round += 1) {
      const row = await tryRestart(scope, id, body ?? {});
      if (row) return row;
    }
    throw start_contended();
  };
  return refuseWithin(isAsked(body ?? {}) ? ['template', 'text'] : [], restart);
}

/** Null when another start was faster and is over already: look again. */
async function tryRestart(scope: Scope, id: string, body: NonNullable<RetryBody>): Promise<AttendancesRow | null> {
  try {
    return await inTransaction(scope, (trx) => restart(trx, id, body));
  } catch (error) {
    if (violatedConstraint(error) !== 'attendances_one_active')
      return refuseGone(error, ':attendance_id', () => getAttendance(scope, id));
    // Another start was faster, this instant: it is visible by now.
    const { open } = await readFacts(scope, await getAttendance(scope, id), {});
    return open ? refuseOpen(open) : null;
  }
}

async function restart(trx: Scope, id: string, body: NonNullable<RetryBody>): Promise<AttendancesRow> {
  const attendance = await getLocked(trx, id);
  const { status } = attendance;
  if (status !== 'failed') throw attendance_not_failed({ pointer: ':attendance_id', params: { status } });
  const asked = isAsked(body) ? body : await askedBefore(trx, attendance);
  const facts = await readFacts(trx, attendance, { template: asked.template });
  if (facts.open) refuseOpen(facts.open);
  checkAvailable(facts.channel);
  const chosen = choose(facts, asked);
  if (chosen.template) checkOptOut(facts.contact, facts.template);
  const chosen_address = chooseAddress(facts.provider, facts.channel, facts.contact, null);
  const address = checkReachable(chosen_address, chosen.template ? facts.template : null);
  const within_s = body.send_within_s ?? facts.channel.send_within_s;
  const message = await insertMessage(trx, toOutgoing(attendance, chosen, address, within_s));
  return tellRestart(trx, attendance.id, message);
}

const isAsked = ({ template, text }: Asked) => template !== undefined || text !== undefined;

/** What the first message said, as it was asked for. */
async function askedBefore(trx: Scope, { first_message_id }: AttendancesRow): Promise<Asked> {
  const before = first_message_id === null ? undefined : await findMessage(trx, first_message_id);
  const template = before?.template as { id: string; parameters: Record<string, unknown> } | null | undefined;
  if (template) return { template: { id: template.id, parameters: template.parameters } };
  return before?.text ? { text: before.text } : {};
}

function choose({ provider, channel, template }: Awaited<ReturnType<typeof readFacts>>, asked: Asked): ChosenMessage {
  const refusals = createRefusals();
  const chosen = chooseFirstMessage(provider.type, asked, template, channel.id, refusals);
  if (!chosen || refusals.found.length > 0) throw refusals.found[0] ?? new Error('a failed attendance said nothing');
  return chosen;
}

async function tellRestart(trx: Scope, id: string, message: MessagesRow): Promise<AttendancesRow> {
  const { recipient_kind, recipient } = message;
  const change = {
    status: 'starting',
    first_message_id: message.id,
    address_kind: recipient_kind,
    address: recipient,
  };
  const row = await changeAttendance(trx, id, change, 1);
  const [data] = await loadAttendances(trx, [row], 'en');
  await insertEvents(trx, [eventOf(trx, row, { type: 'attendance.started', sequence: row.event_sequence, data })]);
  return row;
}
