import type { EventsRow } from '../../db/rows.ts';

/** An event as it is read to be told: `data` stays the text that the database has, so that it is not parsed to be written again. */
export type ToldEvent = Pick<EventsRow, 'id' | 'type' | 'created_at' | 'attendance_sequence'> & { data_text: string };

/** The JSON of one event, the same in the feed, on the stream and to webhook endpoints. */
export function eventText({ id, type, created_at, attendance_sequence, data_text }: ToldEvent): string {
  const timestamp = created_at.toISOString();
  return `{"id":"${id}","type":"${type}","timestamp":"${timestamp}","sequence":${attendance_sequence},"data":${data_text}}`;
}
