import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { channel_not_found, team_not_found } from '../references.ts';
import { createTeam, team_channels_contradict, team_exists } from './create-team.ts';
import { findTeam, listTeams, toTeam } from './teams.repository.ts';
import { NewTeam, Team, TeamChannels, TeamPage } from './teams.schema.ts';

const tags = ['Teams'];

export function teamRoutes(app: App): void {
  for (const schema of [TeamChannels, Team, TeamPage, NewTeam]) app.addSchema(schema);

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
      config: { scope: 'teams:write', problems: [team_exists, channel_not_found, team_channels_contradict] },
      schema: {
        operationId: 'createTeam',
        tags,
        summary: 'Make a team',
        body: Type.Ref(NewTeam),
        response: { 201: Type.Ref(Team) },
      },
    },
    async (request, reply) => {
      const team = await createTeam(scopeOf(request), request.body);
      return reply.code(201).header('location', `/v1/teams/${team.id}`).send(team);
    },
  );

  app.get(
    '/v1/teams/:team_id',
    {
      config: { scope: 'teams:read', problems: [team_not_found] },
      schema: {
        operationId: 'getTeam',
        tags,
        summary: 'Read a team',
        params: Closed({ team_id: Id('The team.') }),
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
}
