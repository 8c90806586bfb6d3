import { type Static, Type } from '@sinclair/typebox';
import { Closed, Nullable } from '../../schema.ts';
import { Attendance } from '../attendances/attendances.schema.ts';
import { Contact } from '../contacts/contacts.schema.ts';
import { Message } from '../messages/messages.schema.ts';

export const ContactExport = Closed(
  {
    contact: Type.Ref(Contact),
    attendances: Type.Array(Type.Ref(Attendance), { description: 'Of this page, oldest first.' }),
    messages: Type.Array(Type.Ref(Message), { description: 'Of this page, oldest first, with their attempts.' }),
    next_cursor: Nullable(Type.String({ description: 'Pass it as `cursor` for the next page; null on the last one.' })),
  },
  {
    $id: 'ContactExport',
    title: 'ContactExport',
    description:
      'What is held of one person. Attendances and messages go through the pages in the order they were made; all pages together have each once.',
    examples: [
      {
        contact: Contact.examples?.[0],
        attendances: Attendance.examples,
        messages: Message.examples,
        next_cursor: null,
      },
    ],
  },
);
export type ContactExportView = Static<typeof ContactExport>;
