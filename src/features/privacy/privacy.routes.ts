import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { eraseAnswers } from '../../http/idempotency.repository.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import { languageOf } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import type { Wake } from '../../lanes/wake.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { settled_topic } from '../messages/wait-for-message.ts';
import { contact_not_found } from '../references.ts';
import { contact_busy, eraseContact } from './erase-contact.ts';
import { exportContact, listExportRows } from './export-contact.ts';
import { ContactExport } from './privacy.schema.ts';

const tags = ['Contacts'];
const ContactPath = Closed({ contact_id: Id('The contact.') });

export function privacyRoutes(app: App, { wake }: { wake: Wake }): void {
  app.addSchema(ContactExport);

  app.get(
    '/v1/contacts/:contact_id/export',
    {
      config: { scope: 'contacts:read', problems: [contact_not_found, cursor_invalid] },
      schema: {
        operationId: 'exportContact',
        tags,
        summary: 'Export what is held of a person',
        description:
          'The contact with its identities on every page; its attendances and messages, oldest first, page by page.',
        params: ContactPath,
        querystring: Closed(page_query),
        response: { 200: Type.Ref(ContactExport) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const { contact_id } = request.params;
      const page = readPage(request.query);
      const rows = toPage(await listExportRows(scope, contact_id, page), page.limit, (row) => row);
      return exportContact(scope, contact_id, rows, languageOf(request));
    },
  );

  app.delete(
    '/v1/contacts/:contact_id',
    {
      config: { scope: 'contacts:write', problems: [contact_not_found, contact_busy] },
      schema: {
        operationId: 'eraseContact',
        tags,
        summary: 'Erase a contact',
        description:
          'For good. What names the person goes from the contact, its attendances, messages, events and stored answers; what is counted stays. Open attendances are closed, queued messages cancelled. The number is free at once.',
        params: ContactPath,
        response: { 204: Type.Null({ description: 'Erased.' }) },
      },
    },
    async (request, reply) => {
      await eraseContact(scopeOf(request), eraseAnswers, request.params.contact_id);
      wake.call(settled_topic);
      return reply.code(204).send(null);
    },
  );
}
