import t from 'tap';
import type { ContactView } from '../../../src/features/contacts/contacts.schema.ts';
import { addContact, searchNames } from '../../support/contacts.ts';
import { startTypedService } from '../../support/typed-client.ts';

const { ctx, createClient } = await startTypedService(t);

t.test('POST /v1/contacts', async (t) => {
  t.test('answers 201 with the whole contact, its place and its phone as identity', async (t) => {
    const client = await createClient();
    const reply = await client.post<ContactView>('/v1/contacts', {
      name: 'Ana Souza',
      phone: '(31) 98888-0001',
      email: 'ana@example.com',
      external_ref: 'crm-1',
      metadata: { plan: 'gold', tags: ['a'] },
    });
    const { id, created_at, updated_at, ...rest } = reply.body;
    const [identity] = rest.identities;
    t.equal(reply.status, 201);
    t.equal(reply.headers.location, `/v1/contacts/${id}`);
    t.equal(created_at, updated_at);
    t.same(rest, {
      name: 'Ana Souza',
      profile_name: null,
      phone: '+5531988880001',
      phone_national: '(31) 98888-0001',
      email: 'ana@example.com',
      external_ref: 'crm-1',
      metadata: { plan: 'gold', tags: ['a'] },
      identities: [
        {
          kind: 'phone',
          scope: 'account',
          value: '+5531988880001',
          source: 'user',
          first_seen_at: created_at,
          last_seen_at: created_at,
        },
      ],
      marketing_opted_out_at: null,
    });
    t.match(identity?.first_seen_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    t.same((await client.get<ContactView>(`/v1/contacts/${id}`)).body, reply.body, 'and reading it shows the same');
  });

  t.test('takes a number alone; null is as good as absent', async (t) => {
    const client = await createClient();
    const contact = await addContact(client, { phone: '3133330001', name: null, email: null, external_ref: null });
    t.match(contact, { name: null, phone: '+553133330001', phone_national: '(31) 3333-0001', metadata: {} });
  });

  t.test('writes one contact.created event with the contact as data', async (t) => {
    const client = await createClient();
    const contact = await addContact(client, { phone: '31988880001' });
    const events = await ctx.db('events').where({ account_id: client.account_id });
    t.match(events, [
      { type: 'contact.created', contact_id: contact.id, attendance_id: null, data: { id: contact.id } },
    ]);
    t.equal(events.length, 1);
  });

  for (const [first, second] of [
    ['(31) 98888-0001', '+55 31 98888-0001'],
    ['(31) 98888-0001', '(31) 8888-0001'],
    ['(31) 8888-0001', '(31) 98888-0001'],
  ] as const) {
    t.test(
      `of ${second} when ${first} is there: 409 contact_exists with contact_id, and nothing is saved`,
      async (t) => {
        const client = await createClient();
        const contact = await addContact(client, { name: 'Ana', phone: first });
        const reply = await client.post('/v1/contacts', { name: 'Bia', phone: second });
        t.equal(reply.status, 409);
        t.match(reply.body, {
          code: 'contact_exists',
          contact_id: contact.id,
          errors: [{ pointer: '/phone', code: 'contact_exists' }],
        });
        t.same(await searchNames(client, ''), ['Ana']);
        t.equal((await ctx.db('events').where({ account_id: client.account_id })).length, 1);
      },
    );
  }

  t.test('ten at once with one number in two forms: one 201, nine 409 with its id', async (t) => {
    const client = await createClient();
    const forms = ['(31) 98888-0001', '(31) 8888-0001'];
    const posts = Array.from({ length: 10 }, (_, n) => client.post('/v1/contacts', { phone: forms[n % 2] }));
    const replies = await Promise.all(posts);
    const created = replies.filter(({ status }) => status === 201);
    t.equal(created.length, 1);
    t.same(
      replies.filter(({ status }) => status === 409).map(({ body }) => body.contact_id),
      Array.from({ length: 9 }, () => created[0]?.body.id),
    );
  });

  t.test('two accounts may have the same number', async (t) => {
    const [one, other] = [await createClient(), await createClient()];
    await addContact(one, { phone: '31988880001' });
    t.equal((await other.post('/v1/contacts', { phone: '31988880001' })).status, 201);
  });

  t.test("reads numbers in the account's country", async (t) => {
    const client = await createClient({ default_country: 'PT' });
    t.equal((await addContact(client, { phone: '912 345 678' })).phone, '+351912345678');
  });

  const refusals: [Record<string, unknown>, number, string, string][] = [
    [{ phone: '98888-0001' }, 422, 'phone_area_code_missing', '/phone'],
    [{ phone: '123' }, 422, 'phone_invalid', '/phone'],
    [{}, 400, 'validation_failed', '/phone'],
    [{ phone: 31988880001 }, 400, 'validation_failed', '/phone'],
    [{ phone: '31988880001', nome: 'Ana' }, 400, 'validation_failed', '/nome'],
    [{ phone: '31988880001', name: '' }, 400, 'validation_failed', '/name'],
    [{ phone: '31988880001', name: 'A\u0000na' }, 400, 'validation_failed', '/name'],
    [{ phone: '31988880001', email: 'no address' }, 400, 'validation_failed', '/email'],
    [{ phone: '31988880001', metadata: { a: '\ud800' } }, 400, 'validation_failed', '/metadata'],
  ];
  for (const [body, status, code, pointer] of refusals) {
    t.test(`${JSON.stringify(body)}: ${status} ${code} at ${pointer}`, async (t) => {
      const client = await createClient();
      const reply = await client.post('/v1/contacts', body);
      t.equal(reply.status, status);
      t.equal(reply.body.code, code);
      t.equal(reply.body.errors[0]?.pointer, pointer);
    });
  }

  t.test('with a key that may only read: 403 scope_missing', async (t) => {
    const client = await createClient({ scopes: ['contacts:read'] });
    const reply = await client.post('/v1/contacts', { phone: '31988880001' });
    t.match(reply, { status: 403, body: { code: 'scope_missing' } });
  });
});
