import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertTold, createDesk, eventsOf, twins, waiting } from '../../support/attendances.ts';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService, untilServed } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const desk = createDesk(service, company);
const { team_id, other_team_id, official_id } = company;
const pathOf = (id: string) => `/v1/attendances/${id}/transfer`;
const transfer = (id: string, team: string) => company.post(pathOf(id), { team_id: team });

t.test('POST /v1/attendances/{attendance_id}/transfer', async (t) => {
  t.test('gives it to the other team, and tells so', async (t) => {
    const { id } = await desk.start({}, waiting);
    const { status, headers, body } = await transfer(id, other_team_id);
    t.equal(status, 200);
    t.equal(headers.location, `/v1/attendances/${id}`);
    t.match(body, { id, status: 'open', team: { id: other_team_id, name: 'Suporte' } });
    t.same(await desk.get(id), body);
    const types = ['attendance.started', 'message.accepted', 'attendance.opened', 'attendance.transferred'];
    const events = await assertTold(t, service, id, types);
    t.same(events.at(-1)?.data, body, 'as it was answered');
  });
  t.test('one that is starting, too', async (t) => {
    const { id } = await desk.start({ contact: { phone: desk.nextPhone('0499') } }, waiting);
    t.match(await transfer(id, other_team_id), {
      status: 200,
      body: { status: 'starting', team: { id: other_team_id } },
    });
  });
  t.test('to the team that has it: 200, and nothing happened', async (t) => {
    const before = await desk.start({}, waiting);
    const events = await eventsOf(service, before.id);
    const { outcome: _, ...shown } = before;
    const { status, body } = await transfer(before.id, team_id);
    t.equal(status, 200);
    t.same(body, shown);
    t.same(await eventsOf(service, before.id), events);
  });
  t.test('16 twins under one key: one event, equal answers', async (t) => {
    const { id } = await desk.start({}, waiting);
    const replies = await twins(company, 16, pathOf(id), { team_id: other_team_id }, uuid());
    t.equal(new Set(replies.map(({ text }) => text)).size, 1);
    t.same([...new Set(replies.map(({ status }) => status))], [200]);
    t.equal((await eventsOf(service, id)).filter(({ type }) => type === 'attendance.transferred').length, 1);
  });
  t.test('to and fro at once, many times: each change has its event, numbered without a gap', async (t) => {
    const { id } = await desk.start({}, waiting);
    const teams = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? other_team_id : team_id));
    const replies = await Promise.all(teams.map((team) => untilServed(() => transfer(id, team))));
    t.same([...new Set(replies.map(({ status }) => status))], [200]);
    const events = await eventsOf(service, id);
    t.same(
      events.map((one) => one.attendance_sequence),
      events.map((_, place) => place + 1),
    );
    const told = events.filter(({ type }) => type === 'attendance.transferred').map(({ data }) => data.team.id);
    t.ok(told.length > 0);
    t.same(
      told,
      told.map((_, place) => (place % 2 === 0 ? other_team_id : team_id)),
      'never to the team that had it',
    );
    t.equal((await desk.get(id)).team.id, told.at(-1));
  });
});

t.test('POST /v1/attendances/{attendance_id}/transfer is refused, and nothing is saved', async (t) => {
  const { id } = await desk.start({}, waiting);
  const newTeam = async (channels: unknown) => (await company.post('/v1/teams', { name: uuid(), channels })).body.id;
  const teams: [string, () => Promise<string>, number, string][] = [
    ['a team of nobody', async () => uuid(), 404, 'team_not_found'],
    ['a team of another account', async () => (await service.createCompany()).team_id, 404, 'team_not_found'],
    ['a team of no channel', () => newTeam({ scope: 'none' }), 422, 'team_not_on_channel'],
    [
      'a team of other channels',
      () => newTeam({ scope: 'selected', channel_ids: [official_id] }),
      422,
      'team_not_on_channel',
    ],
    [
      'a team that is gone',
      async () => {
        const team = await newTeam({ scope: 'all' });
        t.equal((await company.call('DELETE', `/v1/teams/${team}`)).status, 204);
        return team;
      },
      404,
      'team_not_found',
    ],
  ];
  for (const [title, make, status, code] of teams) {
    t.test(`${title}: ${status} ${code}`, async (t) => {
      const team = await make();
      await assertRefused(t, service, () => transfer(id, team), { status, code, pointer: '/team_id' });
    });
  }
  const attendances: [string, () => Promise<Body>, number, string][] = [
    ['an attendance of nobody', async () => ({ id: uuid() }), 404, 'attendance_not_found'],
    [
      'a failed one',
      () => desk.start({ contact: { phone: desk.nextPhone('0404') } }, waiting),
      409,
      'attendance_not_open',
    ],
    [
      'a closed one',
      async () => {
        const open = await desk.start({}, waiting);
        return (await company.post(`/v1/attendances/${open.id}/close`)).body;
      },
      409,
      'attendance_not_open',
    ],
  ];
  for (const [title, make, status, code] of attendances) {
    t.test(`${title}: ${status} ${code}`, async (t) => {
      const attendance = await make();
      const pointer = ':attendance_id';
      await assertRefused(t, service, () => transfer(attendance.id, other_team_id), { status, code, pointer });
    });
  }
});
