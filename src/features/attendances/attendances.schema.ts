import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Line, Metadata, Nullable, OneOf, Page, Timestamp } from '../../schema.ts';
import { channel_types } from '../channels/channels.schema.ts';
import { TimelineEntry } from '../events/events.schema.ts';
import { MessageError, message_statuses } from '../messages/messages.schema.ts';

const attendance_statuses = ['starting', 'open', 'closed', 'failed'] as const;
const attendance_origins = ['active', 'receptive'] as const;

export const Actor = Closed(
  {
    id: Type.Optional(Line(1, 200, { description: 'Your id of the person.' })),
    name: Type.Optional(Line(1, 200, { description: 'Their name.' })),
  },
  { $id: 'Actor', title: 'Actor', description: 'The person of the company behind the key, as your system knows them.' },
);

const ContactOfAttendance = Closed(
  {
    id: Id('The contact.'),
    name: Nullable(Type.String({ description: "The company's name for the person, else the person's own." })),
    phone: Nullable(Type.String({ description: 'E.164.' })),
  },
  { $id: 'ContactOfAttendance', title: 'ContactOfAttendance', description: 'The contact, in short.' },
);
const ChannelOfAttendance = Closed(
  { id: Id('The channel.'), name: Type.String(), type: OneOf(channel_types) },
  { $id: 'ChannelOfAttendance', title: 'ChannelOfAttendance', description: 'The channel, in short.' },
);
const TeamOfAttendance = Closed(
  { id: Id('The team.'), name: Type.String() },
  { $id: 'TeamOfAttendance', title: 'TeamOfAttendance', description: 'The team, in short.' },
);

const FirstMessage = Closed(
  {
    id: Id('The message.'),
    type: Type.String({ description: '`template` or `text`.' }),
    status: OneOf(message_statuses),
    text: Nullable(Type.String({ description: 'As the contact reads it.' })),
    error: Nullable(Type.Ref(MessageError)),
  },
  { $id: 'FirstMessage', title: 'FirstMessage', description: 'The message that the attendance opened with.' },
);

export const ServiceWindow = Closed(
  {
    status: OneOf(['not_started', 'active', 'expired'], {
      description: '`not_started`: the contact has not written yet.',
    }),
    expires_at: Nullable(Timestamp('24 h after the last message of the contact.')),
  },
  {
    $id: 'ServiceWindow',
    title: 'ServiceWindow',
    description: 'While it is active, free text may be sent on official channels.',
  },
);

const StartedBy = Closed(
  { api_key_id: Id('The key that started it.'), actor: Nullable(Type.Ref(Actor)) },
  { $id: 'StartedBy', title: 'StartedBy', description: 'Who started it.' },
);

const members = {
  id: Id('The attendance.'),
  status: OneOf(attendance_statuses, {
    description:
      '`starting` until the provider takes the first message, then `open`; `failed` when it refuses it, or reports later that it cannot be delivered and the contact has not written. A `failed` one is `starting` again by a retry, and `open` again when the message proves to have arrived or the contact writes within a day or answers it; a `closed` one is `open` again when the contact writes within `reopen_within_s` of the channel (`closed_at` and `close_reason` are null then).',
  }),
  origin: OneOf(attendance_origins, { description: '`active`: the company wrote first.' }),
  contact: Type.Ref(ContactOfAttendance),
  channel: Type.Ref(ChannelOfAttendance),
  team: Nullable(
    Type.Ref(TeamOfAttendance, { description: 'Null where a contact wrote and the account has no team for it.' }),
  ),
  first_message: Nullable(
    Type.Ref(FirstMessage, { description: 'Null where it opened without a message of the company.' }),
  ),
  service_window: Type.Ref(ServiceWindow),
  external_ref: Nullable(Type.String({ description: 'Yours, as given.' })),
  metadata: Metadata('Yours, as given.'),
  started_by: Nullable(Type.Ref(StartedBy, { description: 'Null where the contact wrote first.' })),
  created_at: Timestamp('When it was started.'),
  updated_at: Timestamp('When it last changed.'),
  closed_at: Nullable(Timestamp('When it was closed.')),
  close_reason: Nullable(Type.String({ description: 'As given at the close, or ours, such as `contact_erased`.' })),
};

const example = {
  id: '019a0000-0000-7000-8000-0000000000e1',
  status: 'starting',
  origin: 'active',
  contact: { id: '019a0000-0000-7000-8000-000000000001', name: 'Ana', phone: '+5531988880001' },
  channel: { id: '019a0000-0000-7000-8000-0000000000c1', name: 'Vendas', type: 'official' },
  team: { id: '019a0000-0000-7000-8000-0000000000d1', name: 'Comercial' },
  first_message: {
    id: '019a0000-0000-7000-8000-0000000000f1',
    type: 'template',
    status: 'queued',
    text: 'Olá Ana, podemos continuar?',
    error: null,
  },
  service_window: { status: 'not_started', expires_at: null },
  external_ref: 'crm-123',
  metadata: {},
  started_by: { api_key_id: '019a0000-0000-7000-8000-0000000000b1', actor: { id: 'agent-7', name: 'Bia' } },
  created_at: '2026-11-22T12:00:00.000Z',
  updated_at: '2026-11-22T12:00:00.000Z',
  closed_at: null,
  close_reason: null,
};

export const Attendance = Closed(members, {
  $id: 'Attendance',
  title: 'Attendance',
  description: 'One conversation between the company and a contact over one channel, looked after by one team.',
  examples: [example],
});
export const AttendancePage = Page(Attendance, 'AttendancePage');

export const current_attendance_example = {
  id: example.id,
  status: 'open',
  team: example.team,
  since: '2026-11-22T12:00:00.000Z',
};
/** What the problem `attendance_already_open` tells of the one that is open. */
export const CurrentAttendance = Closed(
  {
    id: Id('The attendance.'),
    status: OneOf(['starting', 'open']),
    team: Nullable(Type.Ref(TeamOfAttendance)),
    since: Timestamp('When it was started.'),
  },
  {
    $id: 'CurrentAttendance',
    title: 'CurrentAttendance',
    description: 'The attendance that is open already.',
    examples: [current_attendance_example],
  },
);

export const AttendanceDetail = Closed(
  {
    ...members,
    timeline: Type.Array(Type.Ref(TimelineEntry), { description: 'What happened, in order: the first 1,000.' }),
  },
  {
    $id: 'AttendanceDetail',
    title: 'AttendanceDetail',
    description: 'An attendance with its timeline.',
    examples: [{ ...example, timeline: [{ type: 'attendance.started', sequence: 1, at: '2026-11-22T12:00:00.000Z' }] }],
  },
);

const StartOutcome = Closed(
  {
    contact: OneOf(['found', 'created']),
    attendance: OneOf(['created', 'reused']),
    message_id: Nullable(Id('The message that this request queued; what `Prefer: wait` watches.')),
    not_applied: Type.Array(Type.String(), {
      description: 'Members of the request that something existing overruled.',
    }),
  },
  { $id: 'StartOutcome', title: 'StartOutcome', description: 'What this request did.' },
);

export const StartedAttendance = Closed(
  { ...members, outcome: Type.Ref(StartOutcome) },
  {
    $id: 'StartedAttendance',
    title: 'StartedAttendance',
    description: 'An attendance and what the start did.',
    examples: [
      {
        ...example,
        outcome: { contact: 'created', attendance: 'created', message_id: example.first_message.id, not_applied: [] },
      },
    ],
  },
);

/** What a start with `on_open: "reuse"` answers. */
export const reused_example = {
  ...example,
  status: 'open',
  first_message: { ...example.first_message, status: 'read' },
  outcome: {
    contact: 'found',
    attendance: 'reused',
    message_id: '019a0000-0000-7000-8000-0000000000f3',
    not_applied: [],
  },
};

export const AttendanceQuery = {
  status: Type.Optional(OneOf(attendance_statuses, { description: 'Only in this status.' })),
  origin: Type.Optional(OneOf(attendance_origins, { description: 'Only of this origin.' })),
  channel_id: Type.Optional(Id('Over this channel.')),
  team_id: Type.Optional(Id('Of this team.')),
  contact_id: Type.Optional(Id('With this contact.')),
  created_after: Type.Optional(Timestamp('Made at or after.')),
  created_before: Type.Optional(Timestamp('Made before.')),
};

export const attendance_schemas = [
  Actor,
  ContactOfAttendance,
  ChannelOfAttendance,
  TeamOfAttendance,
  FirstMessage,
  ServiceWindow,
  StartedBy,
  Attendance,
  AttendancePage,
  CurrentAttendance,
  AttendanceDetail,
  StartOutcome,
  StartedAttendance,
];
export type AttendanceView = Static<typeof Attendance>;
export type StartedAttendanceView = Static<typeof StartedAttendance>;
