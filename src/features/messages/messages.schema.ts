import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Nullable, OneOf, Page, ProviderAnswer, Timestamp } from '../../schema.ts';
import { TimelineEntry } from '../events/events.schema.ts';
import { message_errors } from './message-error-kinds.ts';

const code_list = Object.keys(message_errors)
  .map((code) => `\`${code}\``)
  .join(', ');
const inbound_types =
  '`text`, `image`, `video`, `audio`, `document`, `sticker`, `location`, `contacts`, `button_reply`, `list_reply`, `form_reply`, `order`, `product`, `reaction`, `unsupported`';

export const message_statuses = [
  'queued',
  'sending',
  'unknown',
  'accepted',
  'held',
  'sent',
  'delivered',
  'read',
  'failed',
  'cancelled',
  'received',
] as const;
export type MessageStatus = (typeof message_statuses)[number];

export const resolve_actions = ['resend', 'mark_sent', 'mark_failed'] as const;

const actions = ['fix_number', 'sync_template', 'wait', 'ask_opt_in', 'pay', 'reconnect_channel'] as const;

export const MessageError = Closed(
  {
    code: Type.String({ description: `Ours: stable, snake_case. One of ${code_list}; more may come.` }),
    detail: Type.String({
      description: 'What happened and what to do; in English in events, in the language asked for in answers.',
    }),
    retryable: Type.Boolean({ description: 'The same message may be accepted later without a change.' }),
    action: Nullable(OneOf(actions, { description: 'What would help; null where nothing on this side does.' })),
    provider: Nullable(Type.Ref(ProviderAnswer)),
  },
  { $id: 'MessageError', title: 'MessageError', description: 'Why a message did not go, or is in doubt.' },
);

const MessageAttempt = Closed(
  {
    number: Type.Integer({ minimum: 1, description: 'From 1.' }),
    started_at: Timestamp('When it was claimed for sending.'),
    finished_at: Nullable(Timestamp('When its outcome was written.')),
    outcome: Nullable(
      OneOf(['accepted', 'refused', 'unavailable', 'ambiguous', 'lost', 'given_back'], {
        description: '`unavailable`: surely not sent, tried again; `ambiguous` and `lost`: nobody can tell.',
      }),
    ),
    error: Nullable(Type.Ref(MessageError)),
  },
  { $id: 'MessageAttempt', title: 'MessageAttempt', description: 'One try to hand a message to the provider.' },
);

const MessageTemplate = Closed(
  {
    id: Id('The template.'),
    name: Type.String({ description: 'Its name at the provider.' }),
    language: Type.String({ description: 'Such as `pt_BR`.' }),
    parameters: Type.Record(Type.String(), Type.Unknown(), { description: 'As given, by slot key.' }),
  },
  { $id: 'MessageTemplate', title: 'MessageTemplate', description: 'The template a message was made of.' },
);

const MessageResolution = Closed(
  {
    action: OneOf(resolve_actions),
    reason: Nullable(Type.String({ description: 'As given.' })),
    decided_by: Closed({
      policy: Nullable(Type.String({ description: "The channel's `on_unknown`, where that decided." })),
      api_key_id: Nullable(Id('The key that decided.')),
      actor: Nullable(Type.Record(Type.String(), Type.String(), { description: 'The person, as given.' })),
    }),
    at: Timestamp('When.'),
  },
  { $id: 'MessageResolution', title: 'MessageResolution', description: 'What was decided of a doubt, and by whom.' },
);

const members = {
  id: Id('The message.'),
  attendance_id: Id('Its attendance.'),
  contact_id: Id('Who it goes to or came from.'),
  channel_id: Id('Over which channel.'),
  direction: OneOf(['inbound', 'outbound']),
  type: Type.String({
    description: `Outbound \`template\` or \`text\`; inbound (and typed on the company's phone) ${inbound_types}; more may come.`,
  }),
  text: Nullable(Type.String({ description: 'The text, or the template with its parameters filled in.' })),
  template: Nullable(Type.Ref(MessageTemplate)),
  media: Nullable(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        "What comes with it, as far as the provider tells: `id`, `url`, `mime_type`, `filename` of a file (its bytes are never served here: fetch them from the provider), place, button, order, `referral` of an advertisement, `reply_to` (the provider's id of the message that it answers), `edited_at`, `revoked_at`. An edit or a withdrawal changes the message and is no event.",
    }),
  ),
  status: OneOf(message_statuses, {
    description:
      "`unknown`: it may or may not have been sent; never repeated, unless the channel's `on_unknown` or a person says so. `received`: the contact's.",
  }),
  stuck: Type.Boolean({
    description: 'Accepted for longer than its channel allows (`stuck_after_s`), and never heard of since.',
  }),
  error: Nullable(Type.Ref(MessageError)),
  provider_message_id: Nullable(Type.String({ description: "The provider's id, once accepted." })),
  attempts: Type.Array(Type.Ref(MessageAttempt), { description: 'Oldest first.' }),
  resolutions: Type.Array(Type.Ref(MessageResolution), {
    description: 'What people and policies decided while it was `unknown`, oldest first.',
  }),
  created_at: Timestamp('When it was accepted here.'),
  accepted_at: Nullable(Timestamp('When the provider took it.')),
  held_at: Nullable(Timestamp('When the provider said that it holds it back.')),
  sent_at: Nullable(Timestamp('When it left the provider.')),
  delivered_at: Nullable(Timestamp('When it arrived.')),
  read_at: Nullable(Timestamp('When it was read.')),
  failed_at: Nullable(Timestamp('When it was refused or given up.')),
};

const example = {
  id: '019a0000-0000-7000-8000-0000000000f1',
  attendance_id: '019a0000-0000-7000-8000-0000000000e1',
  contact_id: '019a0000-0000-7000-8000-000000000001',
  channel_id: '019a0000-0000-7000-8000-0000000000c1',
  direction: 'outbound',
  type: 'text',
  text: 'Olá!',
  template: null,
  media: null,
  status: 'accepted',
  stuck: false,
  error: null,
  provider_message_id: '3EB0C1D2E3F4A5B6C7D8',
  attempts: [
    {
      number: 1,
      started_at: '2026-11-22T12:00:00.010Z',
      finished_at: '2026-11-22T12:00:00.090Z',
      outcome: 'accepted',
      error: null,
    },
  ],
  resolutions: [],
  created_at: '2026-11-22T12:00:00.000Z',
  accepted_at: '2026-11-22T12:00:00.090Z',
  held_at: null,
  sent_at: null,
  delivered_at: null,
  read_at: null,
  failed_at: null,
};

export const Message = Closed(members, {
  $id: 'Message',
  title: 'Message',
  description:
    'One message and what is known of it. The status is the first that is true of: read, delivered, failed, sent, held, accepted, unknown, sending, queued.',
  examples: [example],
});
export const MessagePage = Page(Message, 'MessagePage');

export const MessageDetail = Closed(
  { ...members, timeline: Type.Array(Type.Ref(TimelineEntry), { description: 'What happened to it, in order.' }) },
  {
    $id: 'MessageDetail',
    title: 'MessageDetail',
    description: 'A message with its timeline.',
    examples: [{ ...example, timeline: [{ type: 'message.accepted', sequence: 2, at: '2026-11-22T12:00:00.090Z' }] }],
  },
);

export const message_schemas = [
  TimelineEntry,
  MessageError,
  MessageAttempt,
  MessageResolution,
  MessageTemplate,
  Message,
  MessagePage,
  MessageDetail,
];
export type MessageView = Static<typeof Message>;
export type MessageErrorView = Static<typeof MessageError>;
