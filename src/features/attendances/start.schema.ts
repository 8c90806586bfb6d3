import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Line, Metadata, OneOf } from '../../schema.ts';
import { Actor } from './attendances.schema.ts';

const channel_id = '019a0000-0000-7000-8000-0000000000c1';
const gateway_id = '019a0000-0000-7000-8000-0000000000c2';
const team_id = '019a0000-0000-7000-8000-0000000000d1';
const contact_by_phone_example = { phone: '(31) 98888-0001', name: 'Ana' };
const contact_by_id_example = { id: '019a0000-0000-7000-8000-000000000001' };
const template_by_id_example = { id: '019a0000-0000-7000-8000-0000000000f2', parameters: { 'body.1': 'Ana' } };
const template_by_name_example = {
  name: 'retomar_atendimento',
  language: 'pt_BR',
  parameters: { 'body.1': 'Ana', 'body.2': '8841' },
};

const ContactById = Closed(
  { id: Id('A registered contact.') },
  { $id: 'ContactById', title: 'ContactById', description: 'By its id.' },
);
const ContactByPhone = Closed(
  {
    phone: Line(1, 32, { description: 'With area code; found or created.', examples: ['(31) 98888-0001'] }),
    name: Type.Optional(Line(1, 200, { description: 'For a contact that is created.' })),
  },
  { $id: 'ContactByPhone', title: 'ContactByPhone', description: 'By number: found, or created.' },
);

const parameters = Type.Optional(
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    maxProperties: 200,
    propertyNames: { type: 'string', maxLength: 120 },
    additionalProperties: true,
    storableDeep: true,
    description: 'Slot key to value: a string; for media `{link}` or `{media_id}`; see the slots of the template.',
  }),
);
const TemplateById = Closed(
  { id: Id('The template.'), parameters },
  {
    $id: 'TemplateById',
    title: 'TemplateById',
    description: 'By its id.',
    examples: [template_by_id_example],
  },
);
const TemplateByName = Closed(
  {
    name: Line(1, 512, { description: 'Its name at the provider.' }),
    language: Line(2, 20, { description: 'Such as `pt_BR`.' }),
    parameters,
  },
  { $id: 'TemplateByName', title: 'TemplateByName', description: 'By name and language, as at the provider.' },
);

export const templateChoice = (description: string) =>
  Type.Union([Type.Ref(TemplateById), Type.Ref(TemplateByName)], { description });
export const first_text = Line(1, 4096, { description: 'Free text.' });
export const send_within = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 604_800,
    description: "Still queued after it: failed with `not_sent_in_time`. Default: the channel's.",
  }),
);

export const StartAttendance = Closed(
  {
    contact: Type.Union([Type.Ref(ContactById), Type.Ref(ContactByPhone)], { description: 'Who to talk with.' }),
    channel_id: Type.Optional(Id('May be left out when exactly one channel is usable.')),
    team_id: Id('Who looks after it.'),
    template: Type.Optional(templateChoice('Mandatory on official channels, refused on others.')),
    text: Type.Optional(
      Line(1, 4096, { description: 'The first message on an unofficial channel; without it nothing is sent.' }),
    ),
    on_open: Type.Optional(OneOf(['reject', 'reuse'], { description: 'When one is open already. Default `reject`.' })),
    send_within_s: send_within,
    external_ref: Type.Optional(Line(1, 200, { description: 'Yours; given back.' })),
    metadata: Type.Optional(Metadata('Yours; given back.')),
    actor: Type.Optional(Type.Ref(Actor)),
  },
  {
    $id: 'StartAttendance',
    title: 'StartAttendance',
    description: 'Whom to talk with, over which channel, for which team, and what to say first.',
    example_names: ['Official channel, with a template', 'Unofficial channel, with a text', 'Nothing sent'],
    examples: [
      { contact: contact_by_phone_example, channel_id, team_id, template: template_by_name_example },
      { contact: contact_by_phone_example, channel_id: gateway_id, team_id, text: 'Olá, Ana! Podemos conversar?' },
      { contact: contact_by_id_example, channel_id: gateway_id, team_id, on_open: 'reuse', external_ref: 'crm-123' },
    ],
  },
);

export const start_schemas = [ContactById, ContactByPhone, TemplateById, TemplateByName, StartAttendance];
export type StartAttendanceBody = Static<typeof StartAttendance>;
