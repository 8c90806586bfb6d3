import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import { Closed, Id, Line, page_query } from '../../schema.ts';
import { contact_not_found } from '../references.ts';
import { changeContact } from './change-contact.ts';
import { findContact, listContacts, toContact } from './contacts.repository.ts';
import { Contact, ContactChange, ContactLookup, ContactPage, contact_schemas, NewContact } from './contacts.schema.ts';
import { contact_exists, createContact } from './create-contact.ts';
import { lookupContact } from './lookup-contact.ts';
import { phone_area_code_missing, phone_invalid } from './phone-number.ts';

const tags = ['Contacts'];

const search = Line(0, 200, {
  description:
    'Any part of the name, case and accents aside, or of the number: with or without mask, country code or ninth digit. One or two characters are looked for where words and numbers begin.',
  examples: ['joao', '(31) 98888'],
});
const phone = Type.String({ maxLength: 32, description: 'The number as it was typed.', examples: ['(31) 98888-0001'] });

export function contactRoutes(app: App): void {
  for (const schema of contact_schemas) app.addSchema(schema);

  app.get(
    '/v1/contacts',
    {
      config: { scope: 'contacts:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listContacts',
        tags,
        summary: 'List or search contacts',
        querystring: Closed({ search: Type.Optional(search), ...page_query }),
        response: { 200: Type.Ref(ContactPage) },
      },
    },
    async (request) => {
      const page = readPage(request.query);
      return toPage(await listContacts(scopeOf(request), request.query.search ?? '', page), page.limit, toContact);
    },
  );

  app.post(
    '/v1/contacts',
    {
      config: {
        scope: 'contacts:write',
        problems: [contact_exists, phone_invalid, phone_area_code_missing],
        idempotent: true,
      },
      schema: {
        operationId: 'createContact',
        tags,
        summary: 'Register a contact',
        description:
          'A number that a contact has, in either form of the ninth digit, is refused; `contact_id` in the problem says whose it is.',
        body: Type.Ref(NewContact),
        response: { 201: Type.Ref(Contact) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const body = await createContact(scope, request.body);
        return { status: 201, location: `/v1/contacts/${body.id}`, body, contact_id: body.id };
      }),
  );

  app.get(
    '/v1/contacts/lookup',
    {
      config: { scope: 'contacts:read', problems: [phone_invalid, phone_area_code_missing] },
      schema: {
        operationId: 'lookupContact',
        tags,
        summary: 'Look a number up',
        description:
          'How a number is understood and who has it. Nothing is written; a number that nobody has is no error.',
        querystring: Closed({ phone }),
        response: { 200: Type.Ref(ContactLookup) },
      },
    },
    async (request) => lookupContact(scopeOf(request), request.query.phone),
  );

  app.get(
    '/v1/contacts/:contact_id',
    {
      config: { scope: 'contacts:read', problems: [contact_not_found] },
      schema: {
        operationId: 'getContact',
        tags,
        summary: 'Read a contact',
        params: Closed({ contact_id: Id('The contact.') }),
        response: { 200: Type.Ref(Contact) },
      },
    },
    async (request) => {
      const { contact_id } = request.params;
      const row = await findContact(scopeOf(request), contact_id);
      if (!row) throw contact_not_found({ pointer: ':contact_id', params: { id: contact_id } });
      return toContact(row);
    },
  );

  app.patch(
    '/v1/contacts/:contact_id',
    {
      config: {
        scope: 'contacts:write',
        problems: [contact_not_found, contact_exists, phone_invalid, phone_area_code_missing],
      },
      schema: {
        operationId: 'updateContact',
        tags,
        summary: 'Change a contact',
        description:
          'A change of the number never changes the address that an open attendance uses. Where nothing differs, nothing is written.',
        params: Closed({ contact_id: Id('The contact.') }),
        body: Type.Ref(ContactChange),
        response: { 200: Type.Ref(Contact) },
      },
    },
    async (request) => changeContact(scopeOf(request), request.params.contact_id, request.body),
  );
}
