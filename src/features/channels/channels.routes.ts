import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import type { AddressGuard } from '../../outbound/address-guard.ts';
import type { Provider } from '../../providers/provider.ts';
import { registry } from '../../providers/registry.ts';
import { Closed, Id, NoFields, page_query } from '../../schema.ts';
import { phone_area_code_missing, phone_invalid } from '../contacts/phone-number.ts';
import { channel_not_found, checkHost, team_not_found, url_not_allowed } from '../references.ts';
import { changeChannel, credentials_required } from './change-channel.ts';
import { on_unknown_not_supported } from './channel-settings.ts';
import { toChannel } from './channel-view.ts';
import { findChannel, listChannels } from './channels.repository.ts';
import { Channel, ChannelChange, ChannelPage, channel_schemas, NewChannel } from './channels.schema.ts';
import { checkChannel } from './check-channel.ts';
import { channel_exists, createChannel } from './create-channel.ts';
import { type ChannelUse, channel_in_use, deleteChannel } from './delete-channel.ts';
import type { Outside } from './provider-call.ts';

const tags = ['Channels'];
const ChannelPath = Closed({ channel_id: Id('The channel.') });

interface Dependencies {
  guard: AddressGuard;
  outside: Outside;
  public_url: string;
  use: ChannelUse;
}

/** What both a new and a changed channel may be refused with. */
const setting_problems = [
  channel_exists,
  url_not_allowed,
  phone_invalid,
  phone_area_code_missing,
  on_unknown_not_supported,
];

export function channelRoutes(app: App, dependencies: Dependencies): void {
  for (const schema of channel_schemas) app.addSchema(schema);
  readAndMakeRoutes(app, dependencies);
  changeRoutes(app, dependencies);
}

function readAndMakeRoutes(app: App, { guard, outside, public_url }: Dependencies): void {
  app.get(
    '/v1/channels',
    {
      config: { scope: 'channels:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listChannels',
        tags,
        summary: 'List channels',
        querystring: Closed(page_query),
        response: { 200: Type.Ref(ChannelPage) },
      },
    },
    async (request) => {
      const page = readPage(request.query);
      return toPage(await listChannels(scopeOf(request), page), page.limit, (row) => toChannel(row, public_url));
    },
  );

  app.post(
    '/v1/channels',
    {
      config: {
        scope: 'channels:write',
        problems: [team_not_found, ...setting_problems],
        points: { team_not_found: '/default_team_id' },
        idempotent: true,
      },
      schema: {
        operationId: 'createChannel',
        tags,
        summary: 'Add a channel',
        description: 'Credentials go in, are sealed, and never come out. The provider is not asked.',
        body: Type.Ref(NewChannel),
        response: { 201: Type.Ref(Channel) },
      },
    },
    (request, reply) =>
      answerPost(
        request,
        reply,
        async (scope) => {
          const row = await createChannel(scope, request.body);
          return { status: 201, location: `/v1/channels/${row.id}`, body: toChannel(row, public_url) };
        },
        { before: () => checkHost(guard, '/base_url', request.body.base_url) },
      ),
  );

  app.get(
    '/v1/channels/:channel_id',
    {
      config: { scope: 'channels:read', problems: [channel_not_found] },
      schema: {
        operationId: 'getChannel',
        tags,
        summary: 'Read a channel',
        params: ChannelPath,
        response: { 200: Type.Ref(Channel) },
      },
    },
    async (request) => {
      const { channel_id } = request.params;
      const row = await findChannel(scopeOf(request), channel_id);
      if (!row) throw channel_not_found({ pointer: ':channel_id', params: { id: channel_id } });
      return toChannel(row, public_url);
    },
  );

  app.post(
    '/v1/channels/:channel_id/check',
    {
      config: { scope: 'channels:write', problems: [channel_not_found], asks_outside: true },
      schema: {
        operationId: 'checkChannel',
        tags,
        summary: 'Ask the provider how a channel is',
        description:
          'Answers the channel with its fresh `status`. This is how a disconnected or restricted one comes back.',
        params: ChannelPath,
        body: Type.Ref(NoFields),
        response: { 200: Type.Ref(Channel) },
      },
    },
    async (request) => {
      const row = await checkChannel(scopeOf(request), outside, public_url, request.params.channel_id);
      return toChannel(row, public_url);
    },
  );
}

/** The credentials of each provider as a body would hold them, so that faults say `/credentials/…`. */
const credential_forms = new Map(
  Object.values(registry).map(({ name, credentials }) => [name, Type.Object({ credentials })]),
);

function checkCredentialsOf(request: FastifyRequest, provider: Provider, credentials: unknown): void {
  const form = credential_forms.get(provider.name);
  if (!form) throw new Error(`no provider is called ${provider.name}`);
  const validate = request.compileValidationSchema(form, 'body') as (value: unknown) => unknown;
  const result = validate({ credentials }) as { error?: Error };
  if (result.error) throw result.error;
}

function changeRoutes(app: App, { guard, public_url, use }: Dependencies): void {
  app.patch(
    '/v1/channels/:channel_id',
    {
      config: {
        scope: 'channels:write',
        problems: [channel_not_found, team_not_found, ...setting_problems, credentials_required],
        points: { team_not_found: '/default_team_id' },
      },
      schema: {
        operationId: 'updateChannel',
        tags,
        summary: 'Change a channel',
        description:
          'New credentials or another address make its `status` unknown. The provider is not asked. A `base_url` with another scheme, host or port goes with `credentials`: those that are kept are never sent there.',
        params: ChannelPath,
        body: Type.Ref(ChannelChange),
        response: { 200: Type.Ref(Channel) },
      },
    },
    async (request) => {
      const { channel_id } = request.params;
      // Nobody is asked where a host is for a channel that is not there.
      if (request.body.base_url !== undefined && !(await findChannel(scopeOf(request), channel_id)))
        throw channel_not_found({ pointer: ':channel_id', params: { id: channel_id } });
      await checkHost(guard, '/base_url', request.body.base_url);
      const tools = {
        public_url,
        checkCredentials: (provider: Provider, given: unknown) => checkCredentialsOf(request, provider, given),
      };
      const row = await changeChannel(scopeOf(request), tools, request.params.channel_id, request.body);
      return toChannel(row, public_url);
    },
  );

  app.delete(
    '/v1/channels/:channel_id',
    {
      config: { scope: 'channels:write', problems: [channel_not_found, channel_in_use] },
      schema: {
        operationId: 'deleteChannel',
        tags,
        summary: 'Delete a channel',
        description:
          'Refused while it has open attendances or messages that are not settled. Its credentials and templates are gone; past attendances go on showing its name.',
        params: ChannelPath,
        response: { 204: Type.Null({ description: 'Gone.' }) },
      },
    },
    async (request, reply) => {
      await deleteChannel(scopeOf(request), use, request.params.channel_id);
      return reply.code(204).send(null);
    },
  );
}
