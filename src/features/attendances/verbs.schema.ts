import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Line, Nullable, OneOf } from '../../schema.ts';
import { resolve_actions } from '../messages/messages.schema.ts';
import { RenderedTemplate } from '../templates/templates.schema.ts';
import { Actor } from './attendances.schema.ts';
import { first_text, send_within, templateChoice } from './start.schema.ts';

const template_example = {
  name: 'retomar_atendimento',
  language: 'pt_BR',
  parameters: { 'body.1': 'Ana', 'body.2': '8841' },
};

export const DryRunStart = Closed(
  {
    would_start: Type.Literal(true, { description: 'Nothing speaks against it now.' }),
    rendered: Nullable(Type.Ref(RenderedTemplate)),
  },
  {
    $id: 'DryRunStart',
    title: 'DryRunStart',
    description: 'What a start would send: null when nothing. Nothing was written.',
    examples: [
      { would_start: true, rendered: { header: null, body: 'Olá Ana, podemos continuar?', footer: null, buttons: [] } },
    ],
  },
);

export const RetryAttendance = Nullable(
  Closed(
    {
      template: Type.Optional(templateChoice('On official channels, in the place of what was said before.')),
      text: Type.Optional(first_text),
      send_within_s: send_within,
    },
    {
      $id: 'RetryAttendance',
      title: 'RetryAttendance',
      description: 'What to say this time; without template and text the same as before. No body, or `{}`, is fine.',
      examples: [{ template: template_example }],
    },
  ),
);

export const TransferAttendance = Closed(
  { team_id: Id('The team that looks after it from now on.') },
  {
    $id: 'TransferAttendance',
    title: 'TransferAttendance',
    description: 'Where an attendance goes.',
    examples: [{ team_id: '019a0000-0000-7000-8000-0000000000d2' }],
  },
);

export const CloseAttendance = Nullable(
  Closed(
    {
      reason: Type.Optional(Line(1, 200, { description: 'Yours; given back.', examples: ['resolved'] })),
      force: Type.Optional(
        Type.Boolean({ description: 'Close although a message is in doubt. Later facts still land on it.' }),
      ),
    },
    {
      $id: 'CloseAttendance',
      title: 'CloseAttendance',
      description: 'How to close. No body, or `{}`, is fine.',
      examples: [{ reason: 'resolved' }],
    },
  ),
);

const TextMessage = Closed(
  { text: first_text, send_within_s: send_within },
  { $id: 'TextMessage', title: 'TextMessage', description: 'A free text.', examples: [{ text: 'Já volto, Ana.' }] },
);
const TemplateMessage = Closed(
  { template: templateChoice('On official channels at any time.'), send_within_s: send_within },
  {
    $id: 'TemplateMessage',
    title: 'TemplateMessage',
    description: 'A template, on official channels.',
    examples: [{ template: template_example }],
  },
);
export const NewMessage = Type.Unsafe<NewMessageBody>({
  ...Type.Union([Type.Ref(TextMessage), Type.Ref(TemplateMessage)]),
  $id: 'NewMessage',
  title: 'NewMessage',
  description: 'A later message of an attendance: a text or a template.',
  example_names: ['Text', 'Template'],
  examples: [{ text: 'Já volto, Ana.' }, { template: template_example }],
});

export const ResolveMessage = Closed(
  {
    action: OneOf(resolve_actions, {
      description: '`resend`: it may arrive twice. `mark_sent`, `mark_failed`: nothing is sent.',
    }),
    reason: Type.Optional(Line(1, 200, { description: 'Kept with the decision.' })),
    actor: Type.Optional(Type.Ref(Actor)),
  },
  {
    $id: 'ResolveMessage',
    title: 'ResolveMessage',
    description: 'What a person decides of a message that is `unknown`.',
    examples: [{ action: 'mark_sent', reason: 'Ana answered by phone' }],
  },
);

export const verb_schemas = [
  DryRunStart,
  RetryAttendance,
  TransferAttendance,
  CloseAttendance,
  TextMessage,
  TemplateMessage,
  NewMessage,
  ResolveMessage,
];
export type RetryBody = Static<typeof RetryAttendance>;
export type TransferBody = Static<typeof TransferAttendance>;
export type CloseBody = Static<typeof CloseAttendance>;
export type NewMessageBody = Static<typeof TextMessage> | Static<typeof TemplateMessage>;
export type ResolveBody = Static<typeof ResolveMessage>;
export type DryRunView = Static<typeof DryRunStart>;
