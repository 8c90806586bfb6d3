import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import { channel_not_found, team_not_found } from '../references.ts';
import { readTeamChannels, team_exists } from './create-team.ts';
import {
  clearDefaultTeam,
  deleteTeamChannels,
  findTeam,
  insertTeamChannels,
  lockTeam,
  type TeamWithChannels,
  toTeam,
  updateTeam,
} from './teams.repository.ts';
import type { TeamChangeBody, TeamView } from './teams.schema.ts';

export const default_team_required = defineProblem({
  code: 'default_team_required',
  status: 422,
  title: { en: 'One team is the default', pt: 'Uma equipe precisa ser a padrão' },
  detail: {
    en: 'Team {name} is the default one. To take that from it, send is_default: true to another team.',
    pt: 'A equipe {name} é a padrão. Para mudar isso, envie is_default: true para outra equipe.',
  },
  example: { pointer: '/is_default', params: { name: 'Comercial' } },
});

/**
 * Changes what is given; where nothing differs, nothing is written. Throws `team_not_found`, `team_exists`,
 * `channel_not_found`, `team_channels_contradict`, `default_team_required`.
 */
export async function changeTeam(scope: Scope, id: string, body: TeamChangeBody): Promise<TeamView> {
  const channels = body.channels && readTeamChannels(body.channels);
  try {
    return await inTransaction(scope, async (trx) => {
      const missing = () => team_not_found({ pointer: ':team_id', params: { id } });
      const before = await lockTeam(trx, id);
      if (!before) throw missing();
      await keepChange(trx, before, body, channels);
      const after = await findTeam(trx, id);
      if (!after) throw missing();
      return toTeam(after);
    });
  } catch (error) {
    switch (violatedConstraint(error)) {
      case 'teams_name':
        throw team_exists({ pointer: '/name', params: { name: body.name } });
      case 'team_channels_account_id_channel_id_fkey':
      case 'team_channels_live_channel':
        throw channel_not_found({
          pointer: '/channels/channel_ids',
          params: { id: channels?.channel_ids.join(', ') },
        });
      // Two take the mark at once: this one comes second, and takes it from the first.
      case 'teams_one_default':
        return changeTeam(scope, id, body);
      default:
        throw error;
    }
  }
}

async function keepChange(
  trx: Scope,
  before: TeamWithChannels,
  body: TeamChangeBody,
  channels: ReturnType<typeof readTeamChannels> | undefined,
): Promise<void> {
  if (body.is_default === false && before.is_default)
    throw default_team_required({ pointer: '/is_default', params: { name: before.name } });
  const wanted = {
    name: body.name ?? before.name,
    is_default: body.is_default ?? before.is_default,
    channel_scope: channels?.channel_scope ?? before.channel_scope,
  };
  const channel_ids = channels ? channels.channel_ids.toSorted() : before.channel_ids;
  const { name, is_default, channel_scope } = before;
  const has_same_channels = isDeepStrictEqual(channel_ids, before.channel_ids);
  if (has_same_channels && isDeepStrictEqual(wanted, { name, is_default, channel_scope })) return;
  if (wanted.is_default && !is_default) await clearDefaultTeam(trx);
  await updateTeam(trx, before.id, wanted);
  if (has_same_channels) return;
  await deleteTeamChannels(trx, before.id);
  await insertTeamChannels(trx, before.id, channel_ids);
}
