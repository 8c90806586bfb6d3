import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();

let number = 0;
/** `(31) 98888-1001`, then the next one. */
const nextPhone = () => {
  number += 1;
  return `(31) 98888-1${String(number).padStart(3, '0')}`;
};
async function add(over: Body = {}): Promise<Body> {
  const { status, body, text } = await company.post('/v1/contacts', { name: 'Ana', phone: nextPhone(), ...over });
  if (status !== 201) throw new Error(text);
  return body;
}
const patch = (id: string, body: Body) => company.call('PATCH', `/v1/contacts/${id}`, body);
const eventsOf = (contact_id: string) =>
  service.db('events').where({ contact_id, type: 'contact.updated' }).orderBy('id').select('data');

t.test('PATCH /v1/contacts/{contact_id}', async (t) => {
  t.test('changes what is given, leaves what is absent, and tells of it', async (t) => {
    const before = await add({
      email: 'ana@example.com',
      external_ref: 'crm-1',
      metadata: { plan: 'gold', since: 2020 },
    });
    const { status, body } = await patch(before.id, { name: 'Ana Souza', metadata: { plan: 'blue' } });
    t.equal(status, 200);
    const { updated_at, ...rest } = body;
    const { updated_at: updated_before, ...unchanged } = before;
    t.same(rest, { ...unchanged, name: 'Ana Souza', metadata: { plan: 'blue' } });
    t.ok(updated_at > updated_before);
    t.same((await company.get(`/v1/contacts/${before.id}`)).body, body);
    t.same(
      (await eventsOf(before.id)).map(({ data }) => data),
      [body],
    );
  });

  t.test('null clears', async (t) => {
    const { id } = await add({ email: 'ana@example.com', external_ref: 'crm-1', metadata: { plan: 'gold' } });
    const cleared = { name: null, email: null, external_ref: null, metadata: null, phone: null };
    const { body } = await patch(id, cleared);
    t.match(body, { ...cleared, metadata: {}, phone_national: null, identities: [] });
    t.match((await company.get(`/v1/contacts/lookup?phone=${encodeURIComponent(nextPhone())}`)).body, { contacts: [] });
  });

  t.test('that changes nothing writes nothing', async (t) => {
    const before = await add({ metadata: { a: 1, b: [1, 2] } });
    const { name, phone, email, external_ref } = before;
    const same = { name, phone, email, external_ref, metadata: { b: [1, 2], a: 1 } };
    t.same((await patch(before.id, same)).body, before);
    t.same(
      (await patch(before.id, { phone: phone.replace('+55319', '(31) ') })).body,
      before,
      'without its ninth digit',
    );
    t.same(await eventsOf(before.id), []);
  });

  t.test('a new number takes the place of the old one, which is free at once', async (t) => {
    const before = await add();
    const phone = nextPhone();
    const { body } = await patch(before.id, { phone });
    const e164 = `+55${phone.replace(/\D/g, '')}`;
    t.match(body, { phone: e164, phone_national: phone, identities: [{ kind: 'phone', value: e164, source: 'user' }] });
    t.equal(body.identities.length, 1);
    const find = async (wanted: string) =>
      (await company.get(`/v1/contacts/lookup?phone=${encodeURIComponent(wanted)}`)).body.contacts.map(
        (one: Body) => one.id,
      );
    t.same(await find(phone), [before.id]);
    t.same(await find(before.phone), []);
    const { body: found } = await company.get(`/v1/contacts?search=${e164.slice(-8)}`);
    t.same(
      found.data.map((one: Body) => one.id),
      [before.id],
    );
    t.not((await add({ phone: before.phone })).id, before.id);
  });

  t.test('what a provider calls the person stays', async (t) => {
    const { id } = await add();
    const at = new Date();
    const identity = {
      account_id: company.account_id,
      contact_id: id,
      kind: 'wa_id',
      scope: 'channel:x',
      value: `wa-${id}`,
    };
    await service
      .db('contact_identities')
      .insert({ ...identity, source: 'evolution', first_seen_at: at, last_seen_at: at });
    const { body } = await patch(id, { phone: nextPhone() });
    t.same(body.identities.map((one: Body) => one.kind).toSorted(), ['phone', 'wa_id']);
  });

  t.test('a new number leaves the address of an open attendance as it is', async (t) => {
    const contact = await add();
    const start = { contact: { id: contact.id }, channel_id: company.unofficial_id, text: 'Olá!' };
    const { body: attendance } = await company.start(start);
    await patch(contact.id, { phone: nextPhone() });
    const message = await service.db('messages').where({ attendance_id: attendance.id }).first('recipient');
    t.equal(message?.recipient, contact.phone);
  });

  t.test(
    "another contact's number, in either form: 409 contact_exists with whose it is, and nothing is saved",
    async (t) => {
      const [one, other] = [await add(), await add()];
      for (const phone of [other.phone, other.phone.replace('+55319', '+5531')]) {
        const reply = await assertRefused(t, service, () => patch(one.id, { name: 'Outra', phone }), {
          status: 409,
          code: 'contact_exists',
          pointer: '/phone',
        });
        t.equal(reply.body.contact_id, other.id);
      }
      t.same((await company.get(`/v1/contacts/${one.id}`)).body, one);
    },
  );

  t.test('refuses what is no number: 422, and nothing is saved', async (t) => {
    const one = await add();
    for (const [phone, code] of [
      ['x', 'phone_invalid'],
      ['98888-0001', 'phone_area_code_missing'],
    ])
      await assertRefused(t, service, () => patch(one.id, { name: 'Outra', phone }), {
        status: 422,
        code: code ?? '',
        pointer: '/phone',
      });
    t.same((await company.get(`/v1/contacts/${one.id}`)).body, one);
  });

  t.test('refuses what does not fit', async (t) => {
    const { id } = await add();
    for (const [body, pointer] of [
      [{}, ''],
      [{ name: '' }, '/name'],
      [{ nome: 'Ana' }, '/nome'],
      [{ email: 'ana' }, '/email'],
      [{ metadata: [] }, '/metadata'],
      [{ profile_name: 'x' }, '/profile_name'],
    ] as [Body, string][])
      t.match(await patch(id, body), { status: 400, body: { errors: [{ pointer }] } }, JSON.stringify(body));
  });

  t.test("a missing id and another account's answer the same 404", async (t) => {
    const other = await service.createClient();
    const { body: theirs } = await other.post('/v1/contacts', { phone: nextPhone() });
    for (const id of [uuid(), theirs.id])
      await assertRefused(t, service, () => patch(id, { name: 'x' }), {
        status: 404,
        code: 'contact_not_found',
        pointer: ':contact_id',
      });
  });

  t.test('ten that take one number at once: one has it, nine are refused', async (t) => {
    const contacts = await Promise.all(Array.from({ length: 10 }, () => add()));
    const phone = nextPhone();
    const replies = await Promise.all(contacts.map(({ id }) => patch(id, { phone })));
    const winners = replies.filter(({ status }) => status === 200);
    t.equal(winners.length, 1);
    const refused = replies.filter(({ body }) => body.code === 'contact_exists');
    t.equal(refused.length, 9);
    t.same(new Set(refused.map(({ body }) => body.contact_id)), new Set([winners[0]?.body.id]));
  });
});
