import type { Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import { findAttendance, lockAttendance } from './attendances.repository.ts';

export const attendance_not_found = defineProblem({
  code: 'attendance_not_found',
  status: 404,
  title: { en: 'No such attendance', pt: 'Atendimento inexistente' },
  detail: { en: 'This account has no attendance {id}.', pt: 'Esta conta não tem o atendimento {id}.' },
  example: { pointer: ':attendance_id', params: { id: '019a0000-0000-7000-8000-0000000000e1' } },
});
export const attendance_not_open = defineProblem({
  code: 'attendance_not_open',
  status: 409,
  title: { en: 'The attendance is over', pt: 'O atendimento terminou' },
  detail: {
    en: 'It is {status}. Start a new one with the same contact, or retry it when it is failed.',
    pt: 'Ele está {status}. Inicie outro com o mesmo contato, ou tente-o de novo quando estiver failed.',
  },
  example: { pointer: ':attendance_id', params: { status: 'closed' } },
});

type Ctx = Pick<Scope, 'db' | 'account_id'>;

const mustBe = (row: AttendancesRow | undefined, id: string): AttendancesRow => {
  if (!row) throw attendance_not_found({ pointer: ':attendance_id', params: { id } });
  return row;
};

/** Throws `attendance_not_found`. */
export async function getAttendance(ctx: Ctx, id: string): Promise<AttendancesRow> {
  return mustBe(await findAttendance(ctx, id), id);
}

/** The same, locked until the transaction ends. */
export async function getLocked(ctx: Ctx, id: string): Promise<AttendancesRow> {
  return mustBe(await lockAttendance(ctx, id), id);
}

/** Locked, starting or open. Throws `attendance_not_found`, `attendance_not_open`. */
export async function getActive(ctx: Ctx, id: string): Promise<AttendancesRow> {
  const row = await getLocked(ctx, id);
  if (row.status === 'starting' || row.status === 'open') return row;
  throw attendance_not_open({ pointer: ':attendance_id', params: { status: row.status } });
}
