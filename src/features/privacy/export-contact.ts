import type { Scope } from '../../context.ts';
import type { AttendancesRow, MessagesRow } from '../../db/rows.ts';
import type { Language } from '../../problem.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import { listAttendanceIds, listAttendancesOfContact } from '../attendances/erase.repository.ts';
import { findContact, toContact } from '../contacts/contacts.repository.ts';
import { listMessagesOfAttendances } from '../messages/erase.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { contact_not_found } from '../references.ts';
import type { ContactExportView } from './privacy.schema.ts';

export type ExportRow = { id: string; attendance: AttendancesRow } | { id: string; message: MessagesRow };

/**
 * Attendances and messages of a contact in one order, by id and so by time: `limit + 1` rows, so that one sequence pages
 * through both. Throws `contact_not_found`.
 */
export async function listExportRows(
  scope: Scope,
  given_id: string,
  page: { limit: number; after_id: string | null },
): Promise<ExportRow[]> {
  // That of the survivor, for one that was merged.
  const id = (await findContact(scope, given_id))?.id;
  if (!id) throw contact_not_found({ pointer: ':contact_id', params: { id: given_id } });
  const attendances = await listAttendancesOfContact(scope, id, page);
  const messages = await listMessagesOfAttendances(scope, await listAttendanceIds(scope, id), page);
  const rows: ExportRow[] = [
    ...attendances.map((attendance) => ({ id: attendance.id, attendance })),
    ...messages.map((message) => ({ id: message.id, message })),
  ];
  return rows.sort((one, other) => (one.id < other.id ? -1 : 1)).slice(0, page.limit + 1);
}

/** One page of all that is held of a contact. Throws `contact_not_found` when it was erased meanwhile. */
export async function exportContact(
  scope: Scope,
  id: string,
  { data, next_cursor }: { data: ExportRow[]; next_cursor: string | null },
  language: Language,
): Promise<ContactExportView> {
  const attendances = data.flatMap((row) => ('attendance' in row ? [row.attendance] : []));
  const messages = data.flatMap((row) => ('message' in row ? [row.message] : []));
  const attempts = await listAttempts(scope, messages);
  const views = await loadAttendances(scope, attendances, language);
  // Last: whoever is erased between two of these reads is not exported.
  const contact = await findContact(scope, id);
  if (!contact) throw contact_not_found({ pointer: ':contact_id', params: { id } });
  return {
    contact: toContact(contact),
    attendances: views,
    messages: messages.map((message) => toMessage(message, attempts.get(message.id) ?? [], language)),
    next_cursor,
  };
}
