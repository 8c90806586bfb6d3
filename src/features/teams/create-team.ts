import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import { uuid } from '../../random.ts';
import { lockAccount } from '../accounts/accounts.repository.ts';
import { channel_not_found } from '../references.ts';
import { clearDefaultTeam, countTeams, insertTeam, insertTeamChannels, toTeam } from './teams.repository.ts';
import type { NewTeamBody, TeamView } from './teams.schema.ts';

export const team_exists = defineProblem({
  code: 'team_exists',
  status: 409,
  title: { en: 'A team has this name', pt: 'Já existe uma equipe com este nome' },
  detail: {
    en: 'There is a team named "{name}"; take another name.',
    pt: 'Já existe a equipe "{name}"; use outro nome.',
  },
  example: { pointer: '/name', params: { name: 'Comercial' } },
});
export const team_channels_contradict = defineProblem({
  code: 'team_channels_contradict',
  status: 422,
  title: { en: 'Scope and channels contradict each other', pt: 'Escopo e canais se contradizem' },
  detail: {
    en: 'channel_ids goes with scope `selected`, which needs at least one.',
    pt: 'channel_ids acompanha o escopo `selected`, que exige pelo menos um.',
  },
  example: { pointer: '/channels' },
});

/** The channels of a team as they are kept; throws `team_channels_contradict`. */
export function readTeamChannels({ scope, channel_ids = [] }: NonNullable<NewTeamBody['channels']>): {
  channel_scope: string;
  channel_ids: string[];
} {
  if ((scope === 'selected') !== channel_ids.length > 0) throw team_channels_contradict({ pointer: '/channels' });
  return { channel_scope: scope, channel_ids: [...new Set(channel_ids.map((id) => id.toLowerCase()))] };
}

/** A new team; the first one of an account is its default. Throws `team_exists`, `channel_not_found`, `team_channels_contradict`. */
export async function createTeam(scope: Scope, body: NewTeamBody): Promise<TeamView> {
  const { channel_scope, channel_ids } = readTeamChannels(body.channels ?? { scope: 'all' });
  const now = scope.now();
  try {
    return await inTransaction(scope, async (trx) => {
      // Whether there are others is asked by those who delete the last but one, too.
      await lockAccount(trx);
      const is_default = body.is_default === true || (await countTeams(trx)) === 0;
      // Only who asks for the mark takes it: of two first teams at once the second must not.
      if (body.is_default === true) await clearDefaultTeam(trx);
      const row = {
        account_id: scope.account_id,
        id: uuid(),
        name: body.name,
        is_default,
        channel_scope,
        created_at: now,
        updated_at: now,
      };
      await insertTeam(trx, row);
      await insertTeamChannels(trx, row.id, channel_ids);
      return toTeam({ ...row, channel_ids });
    });
  } catch (error) {
    switch (violatedConstraint(error)) {
      case 'teams_name':
        throw team_exists({ pointer: '/name', params: { name: body.name } });
      case 'team_channels_account_id_channel_id_fkey':
      case 'team_channels_live_channel':
        throw channel_not_found({ pointer: '/channels/channel_ids', params: { id: channel_ids.join(', ') } });
      // Two first teams at once: this one comes second and is not the default.
      case 'teams_one_default':
        return createTeam(scope, body);
      default:
        throw error;
    }
  }
}
