import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import { type App, allowSilence } from '../../http/server.ts';
import { Closed, Id, Line, OneOf, page_query } from '../../schema.ts';
import type { Outside } from '../channels/provider-call.ts';
import { channel_not_found, template_not_found } from '../references.ts';
import { preview_problems, previewTemplate } from './preview-template.ts';
import { provider_refused, provider_unavailable, syncTemplates, templates_not_supported } from './sync-templates.ts';
import { toTemplate } from './template-view.ts';
import { findTemplate, listTemplates } from './templates.repository.ts';
import {
  PreviewTemplate,
  SyncTemplates,
  Template,
  TemplatePage,
  TemplatePreview,
  TemplateSync,
  template_categories,
  template_schemas,
  template_statuses,
} from './templates.schema.ts';

const tags = ['Templates'];

const TemplateQuery = Closed({
  channel_id: Type.Optional(Id('Only of this channel.')),
  search: Type.Optional(
    Line(0, 200, { description: 'Any part of the name, letter case aside.', examples: ['atendimento'] }),
  ),
  category: Type.Optional(OneOf(template_categories, { description: 'Only of this category.' })),
  language: Type.Optional(
    Line(2, 20, { description: 'Only of this language, written as in the template.', examples: ['pt_BR'] }),
  ),
  status: Type.Optional(OneOf(template_statuses, { default: 'approved', description: 'Only of this status.' })),
  ...page_query,
});

export function templateRoutes(app: App, { outside }: { outside: Outside }): void {
  for (const schema of template_schemas) app.addSchema(schema);

  app.get(
    '/v1/templates',
    {
      config: { scope: 'templates:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listTemplates',
        tags,
        summary: 'List templates',
        description: 'The approved ones, unless `status` says otherwise.',
        querystring: TemplateQuery,
        response: { 200: Type.Ref(TemplatePage) },
      },
    },
    async (request) => {
      const { limit: _, cursor: __, status = 'approved', ...filter } = request.query;
      const page = readPage(request.query);
      return toPage(await listTemplates(scopeOf(request), { ...filter, status }, page), page.limit, toTemplate);
    },
  );

  app.get(
    '/v1/templates/:template_id',
    {
      config: { scope: 'templates:read', problems: [template_not_found] },
      schema: {
        operationId: 'getTemplate',
        tags,
        summary: 'Read a template',
        params: Closed({ template_id: Id('The template.') }),
        response: { 200: Type.Ref(Template) },
      },
    },
    async (request) => {
      const { template_id } = request.params;
      const row = await findTemplate(scopeOf(request), template_id);
      if (!row) throw template_not_found({ pointer: ':template_id', params: { id: template_id } });
      return toTemplate(row);
    },
  );

  app.post(
    '/v1/templates/:template_id/preview',
    {
      config: { scope: 'templates:read', problems: preview_problems },
      schema: {
        operationId: 'previewTemplate',
        tags,
        summary: 'Preview a template',
        description:
          'The template with its values, as its reader would see it, or the refusal that a start would get. Nothing is written or sent; it need not be approved.',
        params: Closed({ template_id: Id('The template.') }),
        body: Type.Ref(PreviewTemplate),
        response: { 200: Type.Ref(TemplatePreview) },
      },
    },
    async (request) => previewTemplate(scopeOf(request), request.params.template_id, request.body?.parameters),
  );

  app.post(
    '/v1/channels/:channel_id/templates/sync',
    {
      config: {
        scope: 'templates:write',
        problems: [channel_not_found, templates_not_supported, provider_refused, provider_unavailable],
        asks_outside: true,
      },
      schema: {
        operationId: 'syncTemplates',
        tags,
        summary: "Read the provider's templates",
        description:
          'Reads all pages and makes ours the same; when the provider cannot give the whole list, nothing is changed.',
        params: Closed({ channel_id: Id('The channel.') }),
        body: Type.Ref(SyncTemplates),
        response: { 200: Type.Ref(TemplateSync) },
      },
    },
    async (request) => {
      allowSilence(request);
      return syncTemplates(scopeOf(request), outside, request.params.channel_id);
    },
  );
}
