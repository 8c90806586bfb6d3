import { violatedConstraint } from '../../db/pg-errors.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { channel_not_found, contact_not_found, team_not_found } from '../references.ts';

type Parties = Pick<AttendancesRow, 'contact_id' | 'channel_id' | 'team_id'>;

/** An attendance may not be active with someone erased, or over a channel or in a team that is archived or deleted. */
const parties = new Map([
  ['attendances_live_contact', { problem: contact_not_found, idOf: (row: Parties) => row.contact_id }],
  ['attendances_live_channel', { problem: channel_not_found, idOf: (row: Parties) => row.channel_id }],
  ['attendances_live_team', { problem: team_not_found, idOf: (row: Parties) => row.team_id }],
  ['attendances_account_id_team_id_fkey', { problem: team_not_found, idOf: (row: Parties) => row.team_id }],
]);

export const gone_party_problems = [contact_not_found, channel_not_found, team_not_found];

/** Throws the refusal that a broken foreign key to a party gone by now means, else the error as it is. */
export async function refuseGone(error: unknown, pointer: string, load: () => Promise<Parties>): Promise<never> {
  const party = parties.get(violatedConstraint(error) ?? '');
  if (!party) throw error;
  throw party.problem({ pointer, params: { id: party.idOf(await load()) } });
}
