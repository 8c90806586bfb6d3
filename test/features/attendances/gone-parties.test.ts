import t from 'tap';
import { recordOutcomes } from '../../../src/features/attendances/record-outcomes.ts';
import { claimMessages } from '../../../src/features/messages/claim.repository.ts';
import { addChannel } from '../../support/add-channel.ts';
import { outcomeOf } from '../../support/queue.ts';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
let number = 0;

/** An attendance whose message was refused, with everything of its own. */
async function fail(): Promise<Body> {
  number += 1;
  const channel_id = await addChannel(company, service.simulator.url);
  const { body: team } = await company.post('/v1/teams', { name: `Equipe ${number}` });
  const contact = { phone: `3198888400${number}` };
  const { body } = await company.start({ contact, team_id: team.id, channel_id, text: 'Olá!' });
  const [claimed] = (await claimMessages(service.ctx, 1, 60_000)).claimed;
  if (!claimed) throw new Error('nothing to claim');
  const written = [outcomeOf(claimed, 'refused')];
  await recordOutcomes(service.ctx, 'http://conversar.test', { written, learned: [], channel_news: [] });
  return body;
}

t.test('POST /v1/attendances/{attendance_id}/retry', async (t) => {
  const parties = ['contact', 'channel', 'team'] as const;
  for (const party of parties)
    t.test(`with a ${party} that is gone: 404 ${party}_not_found, and nothing is saved`, async (t) => {
      const attendance = await fail();
      const gone = await company.call('DELETE', `/v1/${party}s/${attendance[party].id}`);
      t.equal(gone.status, 204, gone.text);
      const retry = () => company.post(`/v1/attendances/${attendance.id}/retry`, { text: 'Olá de novo!' });
      const refused = { status: 404, code: `${party}_not_found`, pointer: ':attendance_id' };
      await assertRefused(t, service, retry, refused);
      t.equal((await company.get(`/v1/attendances/${attendance.id}`)).body.status, 'failed');
    });
});

t.test('POST /v1/attendances/{attendance_id}/transfer to an archived team: 404 team_not_found', async (t) => {
  const failed = await fail();
  t.equal((await company.call('DELETE', `/v1/teams/${failed.team.id}`)).status, 204);
  const { body: open } = await company.start({
    contact: { phone: '31988884999' },
    channel_id: company.unofficial_id,
  });
  const transfer = () => company.post(`/v1/attendances/${open.id}/transfer`, { team_id: failed.team.id });
  await assertRefused(t, service, transfer, { status: 404, code: 'team_not_found', pointer: '/team_id' });
});

t.test(
  'a transfer and the deletion of its team at once: never an open attendance in a team that is gone',
  async (t) => {
    for (let round = 0; round < 10; round += 1) {
      const { body: open } = await company.start({
        contact: { phone: `319888850${String(round).padStart(2, '0')}` },
        channel_id: company.unofficial_id,
      });
      const failed = round % 2 === 0 ? await fail() : null;
      const team_id = failed?.team.id ?? (await company.post('/v1/teams', { name: `Outra ${round}` })).body.id;
      const [removed, moved] = await Promise.all([
        company.call('DELETE', `/v1/teams/${team_id}`),
        company.post(`/v1/attendances/${open.id}/transfer`, { team_id }),
      ]);
      const said = `${removed.status} ${moved.status}`;
      t.ok(['204 404', '409 200'].includes(said), said);
      const { body: now } = await company.get(`/v1/attendances/${open.id}`);
      t.equal(now.team.id, moved.status === 200 ? team_id : company.team_id);
    }
  },
);
