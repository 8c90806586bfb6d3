import { type Static, type TObject, type TSchema, Type } from '@sinclair/typebox';
import { Closed, Id, Nullable, OneOf, Timestamp } from '../../schema.ts';
import { type EventKind, event_kinds, example_at, type ShownThing, unwritten_kinds } from './event-kinds.ts';

export type EventType = keyof typeof event_kinds;

export const event_types = Object.keys(event_kinds) as EventType[];

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

const example_id = '019a0000-0000-7000-8000-0000000000a1';
/** An object that has an example to show. */
type ShownSchema = TObject & { examples?: Record<string, unknown>[] };

/** The schemas of all events; `sent` are those that endpoints get. Those of what they show are handed in: their features stand on this one. */
export function createEventSchemas(things: Record<ShownThing, ShownSchema>) {
  const { Contact } = things;
  const MergedContact: ShownSchema = Closed(
    { ...Contact.properties, merged_contact_id: Id('The contact that is no more; its id answers with this one.') },
    {
      $id: 'MergedContact',
      title: 'MergedContact',
      description: 'A contact, and the one that was merged into it.',
      examples: [{ ...Contact.examples?.[0], merged_contact_id: '019a0000-0000-7000-8000-000000000002' }],
    },
  );
  const ErasedContact: ShownSchema = Closed(
    { id: Id('The contact.'), erased_at: Timestamp('When.') },
    {
      $id: 'ErasedContact',
      title: 'ErasedContact',
      description: 'What is left of a person who was erased.',
      examples: [{ id: '019a0000-0000-7000-8000-000000000001', erased_at: example_at }],
    },
  );
  const shown = { ...things, MergedContact, ErasedContact };
  const describe = (kinds: Record<string, EventKind>) =>
    Object.entries(kinds).map(([type, kind]) => createEventSchema(type, kind, shown[kind.data]));
  const told = describe(event_kinds);
  const sent = [...told, ...describe(unwritten_kinds)];
  const Event = Type.Unsafe<object>({
    $id: 'Event',
    title: 'Event',
    description: 'Something that happened; `type` says what, and which form `data` has. More types may come.',
    type: 'object',
    required: ['type'],
    discriminator: { propertyName: 'type' },
    oneOf: told.map(({ $id }) => ({ $ref: String($id) })),
    examples: told.slice(0, 1).flatMap(({ examples }) => examples),
  });
  return { sent, Event, components: [MergedContact, ErasedContact, ...sent, Event] as TSchema[] };
}

/** The component of one type of event; its example shows that of its data, changed as the kind says. */
function createEventSchema(type: string, { data, says, example = {} }: EventKind, thing: ShownSchema): TSchema {
  const name = `${pascal(type)}Event`;
  const is_numbered = data === 'Attendance' || data === 'Message';
  return Closed(
    {
      id: Id('The event; the same wherever and however often it is told.'),
      type: OneOf([type]),
      timestamp: Timestamp('When it happened.'),
      sequence: Nullable(
        Type.Integer({ minimum: 1, description: 'Its number in the attendance, without gaps; null outside of one.' }),
      ),
      data: Type.Unsafe<object>({ $ref: String(thing.$id) }),
    },
    {
      $id: name,
      title: name,
      description: says,
      examples: [
        {
          id: example_id,
          type,
          timestamp: example_at,
          sequence: is_numbered ? 1 : null,
          data: overlay(thing.examples?.[0] ?? {}, example),
        },
      ],
    },
  );
}

export type EventSchemas = ReturnType<typeof createEventSchemas>;

const pascal = (type: string) => type.replace(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase());

type Members = Record<string, unknown>;
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Members of `over` in the place of those there are, into the depth of both. */
function overlay(members: Members, over: Members): Members {
  const changed = Object.entries(over).map(([name, value]) => {
    const known = members[name];
    return [name, isMembers(value) && isMembers(known) ? overlay(known, value) : value];
  });
  return { ...members, ...Object.fromEntries(changed) };
}
