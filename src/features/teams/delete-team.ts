import { Type } from '@sinclair/typebox';
import { inTransaction, type Scope } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import { Id } from '../../schema.ts';
import { lockAccount } from '../accounts/accounts.repository.ts';
import { listChannelsOfDefaultTeam } from '../channels/channels.repository.ts';
import { team_not_found } from '../references.ts';
import { archiveTeam, countTeams, deleteTeamChannels, lockTeam, removeTeam } from './teams.repository.ts';

export const team_in_use = defineProblem({
  code: 'team_in_use',
  status: 409,
  title: { en: 'The team is in use', pt: 'A equipe está em uso' },
  detail: {
    en: 'Team {name} has {attendances} open attendances and is the default team of {channels} channels. Transfer or close those, and give these another team; then delete it.',
    pt: 'A equipe {name} tem {attendances} atendimentos abertos e é a equipe padrão de {channels} canais. Transfira ou feche aqueles e dê outra equipe a estes; depois exclua a equipe.',
  },
  extra: {
    attendances: Type.Integer({ minimum: 0, description: 'How many are starting or open.' }),
    channel_ids: Type.Array(Id('A channel.'), { description: 'The channels that have it as default team.' }),
  },
  example: {
    pointer: ':team_id',
    params: { name: 'Comercial', attendances: 3, channels: 1 },
    extra: { attendances: 3, channel_ids: ['019a0000-0000-7000-8000-0000000000c1'] },
  },
});
export const team_is_default = defineProblem({
  code: 'team_is_default',
  status: 409,
  title: { en: 'The team is the default one', pt: 'A equipe é a padrão' },
  detail: {
    en: 'Team {name} is the default one, and there are others. Send is_default: true to one of those, then delete it.',
    pt: 'A equipe {name} é a padrão e há outras. Envie is_default: true para uma delas e depois exclua esta.',
  },
  example: { pointer: ':team_id', params: { name: 'Comercial' } },
});

/** What those who stand on teams know of one; app.ts brings it, since this feature cannot import them. */
export interface TeamUse {
  /** Starting or open ones, and whether there was ever any. */
  countTeamAttendances: (
    ctx: Pick<Scope, 'db' | 'account_id'>,
    team_id: string,
  ) => Promise<{ live: number; has_any: boolean }>;
}

/**
 * Deletes a team, or archives it when attendances tell of it. Its lock keeps new attendances and channels away meanwhile.
 * Throws `team_not_found`, `team_in_use`, `team_is_default`.
 */
export async function deleteTeam(scope: Scope, { countTeamAttendances }: TeamUse, id: string): Promise<void> {
  await inTransaction(scope, async (trx) => {
    await lockAccount(trx);
    const team = await lockTeam(trx, id);
    if (!team) throw team_not_found({ pointer: ':team_id', params: { id } });
    const { name } = team;
    const { live: attendances, has_any } = await countTeamAttendances(trx, id);
    const channel_ids = (await listChannelsOfDefaultTeam(trx, id)).map((channel) => channel.id);
    if (attendances > 0 || channel_ids.length > 0) {
      const params = { name, attendances, channels: channel_ids.length };
      throw team_in_use({ pointer: ':team_id', params, extra: { attendances, channel_ids } });
    }
    if (team.is_default && (await countTeams(trx)) > 1)
      throw team_is_default({ pointer: ':team_id', params: { name } });
    if (!has_any) return removeTeam(trx, id);
    await deleteTeamChannels(trx, id);
    await archiveTeam(trx, id);
  });
}
