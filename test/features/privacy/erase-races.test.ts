import t from 'tap';
import { findTraces } from '../../support/dump.ts';
import { allSent } from '../../support/refusal.ts';
import { eventually, type Reply, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const erase = (id: string) => company.call('DELETE', `/v1/contacts/${id}`);
/** As a caller is told to: again, until nothing is on its way to the contact. */
const eraseInTheEnd = (id: string) =>
  eventually(
    () => erase(id),
    ({ status, body }) => status !== 503 && body.code !== 'contact_busy',
  );

t.test('starts, messages, changes and erasures at once, many rounds: nothing of the person is left', async (t) => {
  const answered = new Set<string>();
  const keep = (replies: Reply[]) => {
    for (const { status, body } of replies) answered.add(status < 300 ? String(status) : `${status} ${body.code}`);
  };
  for (let round = 0; round < 12; round += 1) {
    const phone = `319812345${String(round).padStart(2, '0')}`;
    const name = `Zuleica ${round}`;
    const { body: contact } = await company.post('/v1/contacts', { phone, name });
    const by_id = { contact: { id: contact.id }, on_open: 'reuse', metadata: { name } };
    const gateway = { channel_id: company.unofficial_id, text: `Olá ${name}` };
    const before = round % 2 === 0 ? await company.start({ ...by_id, channel_id: company.unofficial_id }) : null;
    keep(
      await Promise.all([
        company.start({ ...by_id, ...gateway }),
        company.start({ ...by_id, ...gateway }),
        company.start(by_id),
        erase(contact.id),
        company.start({ ...gateway, on_open: 'reuse', contact: { phone, name } }),
        company.call('PATCH', `/v1/contacts/${contact.id}`, { name: `${name} do Prado` }),
        ...(before ? [company.post(`/v1/attendances/${before.body.id}/messages`, { text: `Olá ${name}` })] : []),
        erase(contact.id),
        company.start({ ...by_id, ...gateway, external_ref: name }),
      ]),
    );
    const last = await eraseInTheEnd(contact.id);
    t.ok([204, 404].includes(last.status), last.text);
    const { body: found } = await company.get(`/v1/contacts/lookup?phone=${phone}`);
    for (const { id } of found.contacts) t.equal((await eraseInTheEnd(id)).status, 204);
  }
  await allSent(service);
  t.same(await findTraces(service.db, ['zuleica', '9812345']), []);
  const unexpected = [...answered].filter((one) => /^5(?!03)/.test(one));
  t.same(unexpected, [], 'no accident');
  t.ok(answered.has('204') && answered.has('404 contact_not_found') && answered.has('201'), [...answered].join(', '));
  const live = await service
    .db('attendances as a')
    .join('contacts as c', 'c.id', 'a.contact_id')
    .where('a.is_live', true);
  t.same(live, [], 'none is open with nobody');
});
