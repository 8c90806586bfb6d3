import t from 'tap';
import { v7 as uuid } from 'uuid';
import { addChannel } from '../../support/add-channel.ts';
import { createDesk, waiting } from '../../support/attendances.ts';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const desk = createDesk(service, company);
const boas_vindas = { name: 'boas_vindas', language: 'pt_BR' };
const pathOf = (id: string) => `/v1/attendances/${id}/retry`;
const official = { channel_id: company.official_id, text: undefined, template: boas_vindas };

/** Failed, because nobody has the number. */
async function failed(over: Record<string, unknown> = {}): Promise<Body> {
  const attendance = await desk.start({ contact: { phone: desk.nextPhone('0404') }, ...over }, waiting);
  if (attendance.status !== 'failed') throw new Error(`not failed: ${attendance.status}`);
  return attendance;
}

t.test('POST /v1/attendances/{attendance_id}/retry is refused, and nothing changes', async (t) => {
  const refuses = (title: string, make: () => Promise<[string, unknown]>, status: number, code: string) =>
    t.test(`${title}: ${status} ${code}`, async (t) => {
      const [id, body] = await make();
      const before = await service.db('attendances').where({ id }).first();
      // When a policy looks at a doubt again is no change of the message.
      const messages = async () =>
        (await service.db('messages').where({ attendance_id: id })).map(({ run_at: _, ...row }: Body) => row);
      const rows = await messages();
      const { body: said } = await company.post(pathOf(id), body);
      t.match(said, { status, code });
      const members =
        Object.keys(body ?? {}).length > 0 ? /^(:attendance_id|\/(template|text)\b.*)$/ : /^:attendance_id$/;
      for (const { pointer } of said.errors) t.match(pointer, members, 'points to what this request can have');
      t.same(await service.db('attendances').where({ id }).first(), before);
      t.same(await messages(), rows);
    });
  const states: [string, () => Promise<Body>][] = [
    ['open', () => desk.start({}, waiting)],
    ['starting', () => desk.start({ contact: { phone: desk.nextPhone('0499') } }, waiting)],
    [
      'closed',
      async () => {
        const { id } = await desk.start({}, waiting);
        return (await company.post(`/v1/attendances/${id}/close`)).body;
      },
    ],
  ];
  for (const [status, make] of states) {
    refuses(
      status,
      async () => {
        const attendance = await make();
        t.equal(attendance.status, status);
        return [attendance.id, {}];
      },
      409,
      'attendance_not_failed',
    );
  }
  refuses('one of nobody', async () => [uuid(), {}], 404, 'attendance_not_found');
  refuses(
    'a text on an official channel',
    async () => [(await failed(official)).id, { text: 'Olá!' }],
    422,
    'template_required',
  );
  refuses(
    'a template on a gateway',
    async () => [(await failed()).id, { template: boas_vindas }],
    422,
    'template_not_supported',
  );
  refuses(
    'a template with a slot left out',
    async () => [(await failed(official)).id, { template: { name: 'retomar_atendimento', language: 'pt_BR' } }],
    422,
    'template_parameters_invalid',
  );
  refuses(
    'a contact whose number is gone',
    async () => {
      const { id, contact } = await failed();
      await company.call('PATCH', `/v1/contacts/${contact.id}`, { phone: null });
      return [id, {}];
    },
    422,
    'contact_unreachable',
  );
  refuses(
    'a contact who is erased',
    async () => {
      const { id, contact } = await failed();
      t.equal((await company.call('DELETE', `/v1/contacts/${contact.id}`)).status, 204);
      return [id, {}];
    },
    404,
    'contact_not_found',
  );
  refuses(
    'a channel that is gone',
    async () => {
      const channel_id = await addChannel(company, service.simulator.url);
      const { id } = await failed({ channel_id });
      t.equal((await company.call('DELETE', `/v1/channels/${channel_id}`)).status, 204);
      return [id, {}];
    },
    404,
    'channel_not_found',
  );
  refuses(
    'a marketing template to a contact who opted out since',
    async () => {
      const { id, contact } = await failed(official);
      await service.db('contacts').where({ id: contact.id }).update({ marketing_opted_out_at: new Date() });
      await service
        .db('templates')
        .where({ account_id: company.account_id, name: 'boas_vindas' })
        .update({ category: 'marketing' });
      return [id, {}];
    },
    422,
    'contact_opted_out',
  );
  refuses(
    'the old template, which is paused by now',
    async () => {
      const { id } = await failed(official);
      await service
        .db('templates')
        .where({ account_id: company.account_id, name: 'boas_vindas' })
        .update({ status: 'paused' });
      return [id, {}];
    },
    422,
    'template_not_approved',
  );
  refuses(
    'a channel that is disconnected',
    async () => {
      const channel_id = await addChannel(company, service.simulator.url);
      const { id } = await failed({ channel_id });
      await service.db('channels').where({ id: channel_id }).update({ status: 'disconnected' });
      return [id, {}];
    },
    422,
    'channel_unavailable',
  );
  t.test('another one is open: 409 attendance_already_open, with the open one', async (t) => {
    const attendance = await failed();
    const phone = desk.nextPhone();
    await company.call('PATCH', `/v1/contacts/${attendance.contact.id}`, { phone });
    await desk.forgetPace();
    const open = await desk.start({ contact: { id: attendance.contact.id } }, waiting);
    const { body } = await assertRefused(t, service, () => company.post(pathOf(attendance.id)), {
      status: 409,
      code: 'attendance_already_open',
      pointer: ':attendance_id',
    });
    t.match(body.attendance, { id: open.id, status: 'open', team: { id: company.team_id } });
  });
});
