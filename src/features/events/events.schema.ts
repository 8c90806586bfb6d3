/** Every type of event there is; each is written in the transaction of the change it tells of. */
export const event_types = [
  'contact.created',
  'attendance.started',
  'attendance.opened',
  'attendance.failed',
  'message.accepted',
  'message.held',
  'message.failed',
  'message.unknown',
  'channel.status_changed',
] as const;

export type EventType = (typeof event_types)[number];

/** An event as it is written: `data` has the shape of the REST answer for what it tells of. */
export interface NewEvent {
  account_id: string;
  id: string;
  type: EventType;
  attendance_id: string | null;
  /** Per attendance from 1 without gaps, taken under the attendance's row lock; null without one. */
  attendance_sequence: number | null;
  contact_id: string | null;
  data: unknown;
  created_at: Date;
}
