import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Closed, Id, Line, Metadata, Nullable, OneOf, Page, Timestamp } from '../../schema.ts';

const identity_kinds = ['phone', 'wa_id', 'bsuid', 'parent_bsuid', 'lid'] as const;

const identity_example = {
  kind: 'phone',
  scope: 'account',
  value: '+5531988880001',
  source: 'user',
  first_seen_at: '2026-11-22T12:00:00.000Z',
  last_seen_at: '2026-11-22T12:00:00.000Z',
};

const contact_example = {
  id: '019a0000-0000-7000-8000-0000000000e1',
  name: 'Ana Souza',
  profile_name: null,
  phone: '+5531988880001',
  phone_national: '(31) 98888-0001',
  email: 'ana@example.com',
  external_ref: 'crm-123',
  metadata: { plan: 'gold' },
  identities: [identity_example],
  marketing_opted_out_at: null,
  created_at: '2026-11-22T12:00:00.000Z',
  updated_at: '2026-11-22T12:00:00.000Z',
};

const phone_example = {
  input: '(31) 98888-0001',
  e164: '+5531988880001',
  national: '(31) 98888-0001',
  country: 'BR',
  kind: 'mobile',
  alternates: ['+553188880001'],
};

const ContactIdentity = Closed(
  {
    kind: OneOf(identity_kinds, {
      description: '`phone`: what people dial; the others are what a provider calls the person.',
    }),
    scope: Type.String({
      description: 'Where the value is unique: `account` for a phone, a portfolio or a channel for the others.',
    }),
    value: Type.String({ description: 'E.164 for a phone, else as the provider gave it.' }),
    source: Type.String({ description: 'Who told us: `user`, or a provider.' }),
    first_seen_at: Timestamp('When it was first told.'),
    last_seen_at: Timestamp('When it was last told.'),
  },
  {
    $id: 'ContactIdentity',
    title: 'ContactIdentity',
    description: 'One name under which the person is known.',
    examples: [identity_example],
  },
);

export const Contact = Closed(
  {
    id: Id('The contact.'),
    name: Nullable(Type.String({ description: 'As the company calls the person.' })),
    profile_name: Nullable(Type.String({ description: 'As the person calls herself on WhatsApp.' })),
    phone: Nullable(Type.String({ description: 'E.164; a Brazilian mobile always with its ninth digit.' })),
    phone_national: Nullable(Type.String({ description: 'The same number as people of its country write it.' })),
    email: Nullable(Type.String({ description: 'As it was given.' })),
    external_ref: Nullable(Type.String({ description: "The caller's own id of the person." })),
    metadata: Metadata("The caller's own members."),
    identities: Type.Array(Type.Ref(ContactIdentity), { description: 'Oldest first.' }),
    marketing_opted_out_at: Nullable(Timestamp('When the person stopped marketing messages.')),
    created_at: Timestamp('When it was made.'),
    updated_at: Timestamp('When it was last changed.'),
  },
  {
    $id: 'Contact',
    title: 'Contact',
    description: 'A person the company talks with; one per number, whichever form of the ninth digit was written.',
    examples: [contact_example],
  },
);
export const ContactPage = Page(Contact, 'ContactPage');

export const NewContact = Closed(
  {
    name: Type.Optional(
      Nullable(Line(1, 200, { description: 'As the company calls the person.', examples: ['Ana Souza'] })),
    ),
    phone: Line(1, 32, {
      description:
        "As people write it; without a country code it is read as a number of the account's default country.",
      examples: ['(31) 98888-0001'],
    }),
    email: Type.Optional(
      Nullable(Type.String({ minLength: 3, maxLength: 320, format: 'email', description: 'Kept as given.' })),
    ),
    external_ref: Type.Optional(
      Nullable(Line(1, 200, { description: "The caller's own id of the person.", examples: ['crm-123'] })),
    ),
    metadata: Type.Optional(Metadata("The caller's own members.")),
  },
  {
    $id: 'NewContact',
    title: 'NewContact',
    description: 'A contact to register.',
    examples: [{ name: 'Ana Souza', phone: '(31) 98888-0001' }],
  },
);

export const ContactChange = Closed(
  {
    name: Type.Optional(
      Nullable(Line(1, 200, { description: 'As the company calls the person.', examples: ['Ana Souza'] })),
    ),
    phone: Type.Optional(
      Nullable(
        Line(1, 32, {
          description: 'The new number, as people write it. Open attendances keep the address they use.',
          examples: ['(31) 98888-0002'],
        }),
      ),
    ),
    email: Type.Optional(
      Nullable(Type.String({ minLength: 3, maxLength: 320, format: 'email', description: 'Kept as given.' })),
    ),
    external_ref: Type.Optional(
      Nullable(Line(1, 200, { description: "The caller's own id of the person.", examples: ['crm-123'] })),
    ),
    metadata: Type.Optional(Nullable(Metadata("The caller's own members; these take the place of all that were."))),
  },
  {
    $id: 'ContactChange',
    title: 'ContactChange',
    description: 'What to change of a contact: `null` clears, what is absent stays.',
    minProperties: 1,
    examples: [{ name: 'Ana Souza Lima', email: null }],
  },
);

const PhoneReading = Closed(
  {
    input: Type.String({ description: 'As it was typed.' }),
    e164: Type.String({ description: 'With `+` and country code; a Brazilian mobile always with its ninth digit.' }),
    national: Type.String({ description: 'As people of that country write it.' }),
    country: Nullable(Type.String({ description: 'ISO 3166-1; null for numbers of no single country.' })),
    kind: OneOf(['mobile', 'landline', 'toll_free', 'other'], {
      description: '`other`: special services, and where the plan does not tell mobiles from landlines.',
    }),
    alternates: Type.Array(Type.String(), {
      description: 'Other E.164 forms under which WhatsApp may know the same line.',
    }),
  },
  {
    $id: 'PhoneReading',
    title: 'PhoneReading',
    description: 'How a number was understood.',
    examples: [phone_example],
  },
);

export const ContactLookup = Closed(
  {
    phone: Type.Ref(PhoneReading),
    contacts: Type.Array(Type.Ref(Contact), { description: 'Those with this number; empty when none has it.' }),
  },
  {
    $id: 'ContactLookup',
    title: 'ContactLookup',
    description: 'A number and who has it.',
    examples: [{ phone: phone_example, contacts: [contact_example] }],
  },
);

export const contact_schemas: TSchema[] = [
  ContactIdentity,
  Contact,
  ContactPage,
  NewContact,
  ContactChange,
  PhoneReading,
  ContactLookup,
];

export type ContactView = Static<typeof Contact>;
export type NewContactBody = Static<typeof NewContact>;
export type ContactChangeBody = Static<typeof ContactChange>;
export type ContactLookupView = Static<typeof ContactLookup>;
