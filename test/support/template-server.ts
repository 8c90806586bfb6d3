import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { v7 as uuid } from 'uuid';
import type { ChannelView } from '../../src/features/channels/channels.schema.ts';
import type { TemplateSyncView, TemplateView } from '../../src/features/templates/templates.schema.ts';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { startTypedService, type TypedClient, type TypedReply } from './typed-client.ts';

export interface TemplatePageView {
  data: TemplateView[];
  next_cursor: string | null;
}

type Members = Record<string, unknown>;

/** The service, with a way to make official channels. */
export async function startTemplates(t: Test) {
  const service = await startTypedService(t);

  /** An official channel; without a `base_url` its provider is the simulator. */
  const addChannel = async (
    client: TypedClient,
    {
      base_url = `${service.simulator.url}/graph`,
      ...credentials
    }: { base_url?: string; access_token?: string; waba_id?: string } = {},
  ): Promise<ChannelView> => {
    const reply = await client.post<ChannelView>('/v1/channels', {
      name: `Vendas ${uuid()}`,
      provider: 'whatsapp_cloud',
      base_url,
      credentials: { ...demo_values.graph, ...credentials },
    });
    if (reply.status !== 201) throw new Error(`POST /v1/channels: ${reply.text}`);
    return reply.body;
  };
  return { ...service, addChannel };
}

export function sync(client: TypedClient, channel: ChannelView): Promise<TypedReply<TemplateSyncView>> {
  return client.post<TemplateSyncView>(`/v1/channels/${channel.id}/templates/sync`);
}

export async function listNames(client: TypedClient, query = ''): Promise<string[]> {
  const { body } = await client.get<TemplatePageView>(`/v1/templates?limit=100${query}`);
  return body.data.map(({ name }) => name);
}

/** Graph's template listing in pages of 250, with templates that the test changes; closed when `t` ends. */
export async function startGraph(t: Test, templates: Members[]) {
  const graph = {
    templates,
    /** Called with the number of the request; what it answers is the status. */
    beforeAnswer: async (_: number): Promise<number> => 200,
  };
  const page_size = 250;
  let asked = 0;
  const server = createServer(async (request, response) => {
    const start = Number(new URL(request.url ?? '/', 'http://graph.example').searchParams.get('after') ?? 0);
    const data = graph.templates.slice(start, start + page_size);
    const after = String(start + page_size);
    const more = start + page_size < graph.templates.length ? { next: 'https://graph.example/next' } : {};
    asked += 1;
    response.statusCode = await graph.beforeAnswer(asked);
    response.setHeader('content-type', 'application/json');
    response.end(response.statusCode === 200 ? JSON.stringify({ data, paging: { cursors: { after }, ...more } }) : '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(graph, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** A template as Graph lists it. */
export function graphTemplate(name: string, members: Members = {}): Members {
  return {
    id: `id-${name}`,
    name,
    language: 'pt_BR',
    category: 'UTILITY',
    status: 'APPROVED',
    parameter_format: 'POSITIONAL',
    components: [{ type: 'BODY', text: 'Olá {{1}}', example: { body_text: [['Ana']] } }],
    ...members,
  };
}
