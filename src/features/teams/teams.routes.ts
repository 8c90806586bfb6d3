import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { channel_not_found, team_not_found } from '../references.ts';
import { changeTeam, default_team_required } from './change-team.ts';
import { createTeam, team_channels_contradict, team_exists } from './create-team.ts';
import { deleteTeam, type TeamUse, team_in_use, team_is_default } from './delete-team.ts';
import { findTeam, listTeams, toTeam } from './teams.repository.ts';
import { NewTeam, Team, TeamChange, TeamChannels, TeamPage } from './teams.schema.ts';

const tags = ['Teams'];

const TeamPath = Closed({ team_id: Id('The team.') });

export function teamRoutes(app: App, { use }: { use: TeamUse }): void {
  for (const schema of [TeamChannels, Team, TeamPage, NewTeam, TeamChange]) app.addSchema(schema);

  app.get(
    '/v1/teams',
    {
      config: { scope: 'teams:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listTeams',
        tags,
        summary: 'List teams',
        querystring: Closed(page_query),
        response: { 200: Type.Ref(TeamPage) },
      },
    },
    async (request) => {
      const page = readPage(request.query);
      return toPage(await listTeams(scopeOf(request), page), page.limit, toTeam);
    },
  );

  app.post(
    '/v1/teams',
    {
      config: {
        scope: 'teams:write',
        problems: [team_exists, channel_not_found, team_channels_contradict],
        points: { channel_not_found: '/channels/channel_ids' },
        idempotent: true,
      },
      schema: {
        operationId: 'createTeam',
        tags,
        summary: 'Make a team',
        body: Type.Ref(NewTeam),
        response: { 201: Type.Ref(Team) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const body = await createTeam(scope, request.body);
        return { status: 201, location: `/v1/teams/${body.id}`, body };
      }),
  );

  app.get(
    '/v1/teams/:team_id',
    {
      config: { scope: 'teams:read', problems: [team_not_found] },
      schema: {
        operationId: 'getTeam',
        tags,
        summary: 'Read a team',
        params: TeamPath,
        response: { 200: Type.Ref(Team) },
      },
    },
    async (request) => {
      const { team_id } = request.params;
      const row = await findTeam(scopeOf(request), team_id);
      if (!row) throw team_not_found({ pointer: ':team_id', params: { id: team_id } });
      return toTeam(row);
    },
  );

  app.patch(
    '/v1/teams/:team_id',
    {
      config: {
        scope: 'teams:write',
        problems: [team_not_found, team_exists, channel_not_found, team_channels_contradict, default_team_required],
        points: { channel_not_found: '/channels/channel_ids' },
      },
      schema: {
        operationId: 'updateTeam',
        tags,
        summary: 'Change a team',
        params: TeamPath,
        body: Type.Ref(TeamChange),
        response: { 200: Type.Ref(Team) },
      },
    },
    async (request) => changeTeam(scopeOf(request), request.params.team_id, request.body),
  );

  app.delete(
    '/v1/teams/:team_id',
    {
      config: { scope: 'teams:write', problems: [team_not_found, team_in_use, team_is_default] },
      schema: {
        operationId: 'deleteTeam',
        tags,
        summary: 'Delete a team',
        description:
          'Refused while it has open attendances or is the default team of a channel. Past attendances go on showing its name.',
        params: TeamPath,
        response: { 204: Type.Null({ description: 'Gone.' }) },
      },
    },
    async (request, reply) => {
      await deleteTeam(scopeOf(request), use, request.params.team_id);
      return reply.code(204).send(null);
    },
  );
}
