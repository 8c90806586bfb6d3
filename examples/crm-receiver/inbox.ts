/** An event as every receiver gets it; `data` is what REST shows of the thing. */
export interface Told {
  id: string;
  type: string;
  timestamp: string;
  /** Its number in the attendance, from 1 without gaps; null for events of no attendance. */
  sequence: number | null;
  data: { id?: string; attendance_id?: string };
}

const most_remembered = 10_000;

/** The attendance an event belongs to: messages name it, attendances are it. */
const attendanceOf = ({ type, data }: Told): string | undefined =>
  type.startsWith('message.') ? data.attendance_id : data.id;

/**
 * Takes each event once, whatever is told twice, and knows when one of an attendance is ahead of others. In a CRM this is a table
 * with the event's id as its key, written in the transaction of the work; here it is memory, for at most 10,000 events.
 */
export function createInbox(onEvent: (event: Told, is_gap: boolean) => void) {
  const known = new Set<string>();
  /** Numbers that came, by attendance. */
  const last = new Map<string, number>();
  return {
    take: (event: Told): void => {
      if (known.has(event.id)) return;
      known.add(event.id);
      if (known.size > most_remembered) known.delete(known.values().next().value ?? '');
      const attendance = event.sequence === null ? undefined : attendanceOf(event);
      if (attendance === undefined || event.sequence === null) {
        onEvent(event, false);
        return;
      }
      const before = last.get(attendance) ?? 0;
      last.set(attendance, Math.max(before, event.sequence));
      onEvent(event, event.sequence > before + 1);
    },
  };
}
