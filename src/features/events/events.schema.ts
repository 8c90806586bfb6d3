import { type Static, Type } from '@sinclair/typebox';
import { Closed, Timestamp } from '../../schema.ts';

/** Every type of event there is; each is written in the transaction of the change it tells of. */
export const event_types = [
  'contact.created',
  'contact.updated',
  'contact.merged',
  'contact.erased',
  'contact.opted_out',
  'contact.opted_in',
  'attendance.started',
  'attendance.opened',
  'attendance.failed',
  'attendance.transferred',
  'attendance.closed',
  'message.accepted',
  'message.held',
  'message.sent',
  'message.delivered',
  'message.read',
  'message.failed',
  'message.cancelled',
  'message.unknown',
  'message.stuck',
  'message.id_conflict',
  'message.received',
  'service_window.opened',
  'channel.status_changed',
  'template.status_changed',
  'webhook_endpoint.disabled',
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
  message_id?: string;
  contact_id: string | null;
  data: unknown;
  created_at: Date;
}

export const TimelineEntry = Closed(
  {
    type: Type.String({ description: 'The type of event.' }),
    sequence: Type.Integer({ minimum: 1, description: 'Its number in the attendance.' }),
    at: Timestamp('When.'),
  },
  { $id: 'TimelineEntry', title: 'TimelineEntry', description: 'One thing that happened.' },
);
export type TimelineEntryView = Static<typeof TimelineEntry>;
