import t from 'tap';
import { v7 as uuid } from 'uuid';
import { learnIdentities, listContactNames } from '../../../src/features/contacts/contacts.repository.ts';
import { contactRoutes } from '../../../src/features/contacts/contacts.routes.ts';
import type { ContactLookupView, ContactView } from '../../../src/features/contacts/contacts.schema.ts';
import { type Client, type Refusal, startFeature } from '../../support/feature-server.ts';

interface ContactPageView {
  data: ContactView[];
  next_cursor: string | null;
}

const { ctx, createClient } = await startFeature(t, contactRoutes);

async function addContact(client: Client, body: Record<string, unknown>): Promise<ContactView> {
  const reply = await client.post<ContactView>('/v1/contacts', body);
  if (reply.status !== 201) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body;
}

async function search(client: Client, text: string): Promise<(string | null)[]> {
  const reply = await client.get<ContactPageView>(`/v1/contacts?search=${encodeURIComponent(text)}`);
  return reply.body.data.map((contact) => contact.name);
}

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
        t.same(await search(client, ''), ['Ana']);
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

t.test("GET /v1/contacts/{contact_id}: a missing id and another account's answer the same 404", async (t) => {
  const [client, other] = [await createClient(), await createClient()];
  const contact = await addContact(other, { phone: '31988880001' });
  const withoutIds = (refusal: Refusal) =>
    JSON.stringify({ ...refusal, request_id: null }).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id');
  const [foreign, missing] = [
    await client.get(`/v1/contacts/${contact.id}`),
    await client.get(`/v1/contacts/${uuid()}`),
  ];
  t.match(foreign, { status: 404, body: { code: 'contact_not_found', errors: [{ pointer: ':contact_id' }] } });
  t.equal(withoutIds(foreign.body), withoutIds(missing.body));
});

t.test('GET /v1/contacts', async (t) => {
  t.test('lists the newest first, in pages without gap or overlap', async (t) => {
    const client = await createClient();
    for (const n of [1, 2, 3, 4, 5]) await addContact(client, { name: `c${n}`, phone: `3198888000${n}` });
    const names: (string | null)[] = [];
    let cursor = '';
    for (const expected of [2, 2, 1]) {
      const { body } = await client.get<ContactPageView>(`/v1/contacts?limit=2${cursor}`);
      t.equal(body.data.length, expected);
      t.equal(body.next_cursor === null, expected === 1);
      names.push(...body.data.map((contact) => contact.name));
      cursor = `&cursor=${body.next_cursor}`;
    }
    t.same(names, ['c5', 'c4', 'c3', 'c2', 'c1']);
  });

  t.test('pages a search too', async (t) => {
    const client = await createClient();
    for (const n of [1, 2, 3]) await addContact(client, { name: `Ana ${n}`, phone: `3198888000${n}` });
    await addContact(client, { name: 'Bia', phone: '31988880004' });
    const first = await client.get<ContactPageView>('/v1/contacts?search=ana&limit=2');
    const next = await client.get<ContactPageView>(`/v1/contacts?search=ana&limit=2&cursor=${first.body.next_cursor}`);
    t.same(
      [...first.body.data, ...next.body.data].map(({ name }) => name),
      ['Ana 3', 'Ana 2', 'Ana 1'],
    );
    t.equal(next.body.next_cursor, null);
  });

  t.test('asks the database once, however many contacts it shows', async (t) => {
    const client = await createClient();
    for (const n of [1, 2, 3]) await addContact(client, { phone: `3198888000${n}` });
    const statements: string[] = [];
    const listener = ({ sql }: { sql: string }) => void (sql.includes('contact') && statements.push(sql));
    ctx.db.on('query', listener);
    const { body } = await client.get<ContactPageView>('/v1/contacts');
    ctx.db.removeListener('query', listener);
    t.same(
      body.data.map(({ identities }) => identities.length),
      [1, 1, 1],
    );
    t.equal(statements.length, 1);
  });

  t.test('shows nobody of another account, and a bad cursor is 400', async (t) => {
    const [client, other] = [await createClient(), await createClient()];
    await addContact(other, { name: 'Ana', phone: '31988880001' });
    for (const query of ['', '?search=ana', '?search=8888']) {
      t.same((await client.get<ContactPageView>(`/v1/contacts${query}`)).body, { data: [], next_cursor: null });
    }
    t.match(await client.get('/v1/contacts?cursor=x'), { status: 400, body: { code: 'cursor_invalid' } });
  });
});

t.test('GET /v1/contacts?search=', async (t) => {
  const client = await createClient();
  await addContact(client, { name: 'João da Conceição', phone: '(31) 98765-0001' });
  await addContact(client, { name: 'Maria 50% Desconto', phone: '+351 912 345 678' });
  await addContact(client, { name: 'Fixo_Matriz', phone: '(11) 3333-0002' });
  await addContact(client, { name: 'Loja 98765', phone: '(21) 97777-0003' });
  const decomposed = 'Joa\u0303o';

  const searches: [string, string[], string][] = [
    ['joao', ['João da Conceição'], 'accents aside'],
    ['JOÃO', ['João da Conceição'], 'letter case aside'],
    [decomposed, ['João da Conceição'], 'however the accent is composed'],
    ['concei', ['João da Conceição'], 'in the middle of a name'],
    ['ceicao', ['João da Conceição'], 'at its end'],
    ['  joao  ', ['João da Conceição'], 'blanks around it aside'],
    ['50%', ['Maria 50% Desconto'], 'a percent sign is a character'],
    ['５０％', ['Maria 50% Desconto'], 'a full-width one too'],
    ['%', ['Maria 50% Desconto'], 'and no wildcard'],
    ['o_m', ['Fixo_Matriz'], 'an underscore is a character'],
    ['\\', [], 'a backslash is a character'],
    ['98765', ['Loja 98765', 'João da Conceição'], 'digits may be of a name or of a number'],
    ['(31) 98765', ['João da Conceição'], 'with a mask'],
    ['3198765', ['João da Conceição'], 'without one'],
    ['+55 31 98765-0001', ['João da Conceição'], 'with the country code'],
    ['031 98765', ['João da Conceição'], 'with the trunk zero'],
    ['(31) 8765-0001', ['João da Conceição'], 'without the ninth digit'],
    ['5531 8765', ['João da Conceição'], 'with country code and without ninth digit'],
    ['87650001', ['João da Conceição'], 'the eight digits of old'],
    ['0001', ['João da Conceição'], 'the end of a number'],
    ['+351 912', ['Maria 50% Desconto'], 'a foreign number'],
    ['joao 98765', [], 'letters make it a name'],
    ['zz', [], 'what nobody has'],
    ['', ['Loja 98765', 'Fixo_Matriz', 'Maria 50% Desconto', 'João da Conceição'], 'nothing finds all'],
  ];
  for (const [text, names, why] of searches) {
    t.test(`"${text}" finds ${names.join(', ') || 'nobody'}: ${why}`, async (t) => {
      t.same(await search(client, text), names);
    });
  }

  t.test('with the ninth digit finds a contact that was registered without it', async (t) => {
    const client = await createClient();
    await addContact(client, { name: 'Ana', phone: '(31) 8765-0001' });
    for (const text of ['(31) 98765-0001', '31987650001', '(31) 8765-0001', '553187650001']) {
      t.same(await search(client, text), ['Ana'], text);
    }
  });

  t.test('of more than 200 characters, or with NUL: 400', async (t) => {
    t.equal((await client.get(`/v1/contacts?search=${'a'.repeat(201)}`)).status, 400);
    t.match(await client.get('/v1/contacts?search=%00'), { status: 400, body: { errors: [{ pointer: '?search' }] } });
  });
});

t.test('GET /v1/contacts/lookup', async (t) => {
  t.test('tells how a number is read and who has it, in either form', async (t) => {
    const client = await createClient();
    const contact = await addContact(client, { name: 'Ana', phone: '(31) 98765-0001' });
    for (const typed of ['(31) 98765-0001', '(31) 8765-0001', '+553187650001']) {
      const reply = await client.get<ContactLookupView>(`/v1/contacts/lookup?phone=${encodeURIComponent(typed)}`);
      t.equal(reply.status, 200);
      t.same(reply.body, {
        phone: {
          input: typed,
          e164: '+5531987650001',
          national: '(31) 98765-0001',
          country: 'BR',
          kind: 'mobile',
          alternates: ['+553187650001'],
        },
        contacts: [contact],
      });
    }
  });

  t.test('of a number that nobody here has: contacts is empty, and nothing is written', async (t) => {
    const [client, other] = [await createClient(), await createClient()];
    await addContact(other, { phone: '31988880001' });
    const reply = await client.get<ContactLookupView>('/v1/contacts/lookup?phone=31988880001');
    t.match(reply, { status: 200, body: { phone: { e164: '+5531988880001' }, contacts: [] } });
    t.same(await search(client, ''), []);
  });

  const refusals: [string, number, string][] = [
    ['?phone=98888-0001', 422, 'phone_area_code_missing'],
    ['?phone=abc', 422, 'phone_invalid'],
    ['?phone=', 422, 'phone_invalid'],
    ['?phone=%00', 422, 'phone_invalid'],
    ['', 400, 'validation_failed'],
    [`?phone=${'1'.repeat(33)}`, 400, 'validation_failed'],
  ];
  for (const [query, status, code] of refusals) {
    t.test(`lookup${query}: ${status} ${code}`, async (t) => {
      const client = await createClient();
      const reply = await client.get(`/v1/contacts/lookup${query}`);
      t.match(reply, { status, body: { code, errors: [{ pointer: '?phone' }] } });
    });
  }
});

t.test(
  'a contact without a number has null in its place, and one with a strange number shows it as it is',
  async (t) => {
    const client = await createClient();
    const now = new Date();
    const row = { account_id: client.account_id, metadata: '{}', created_at: now, updated_at: now };
    await ctx.db('contacts').insert({ ...row, id: uuid(), name: 'Without', profile_name: 'Perfil' });
    await ctx
      .db('contacts')
      .insert({ ...row, id: uuid(), name: 'Strange', phone: '+999123456', phone_key: '+999123456' });
    const { body } = await client.get<ContactPageView>('/v1/contacts');
    t.match(body.data, [
      { name: 'Strange', phone: '+999123456', phone_national: '+999123456' },
      { name: 'Without', profile_name: 'Perfil', phone: null, phone_national: null, identities: [] },
    ]);
    t.same(await search(client, 'perfil'), ['Without'], 'and is found by what WhatsApp calls the person');
  },
);

t.test('learnIdentities', async (t) => {
  const [one, other] = [await createClient(), await createClient()];
  const ana = await addContact(one, { phone: '31988880001' });
  const bia = await addContact(one, { phone: '31988880002' });
  const eva = await addContact(other, { phone: '31988880001' });
  const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, second));
  const learn = (client: Client, contact: { id: string }, value: string, second: number) => ({
    account_id: client.account_id,
    contact_id: contact.id,
    kind: 'wa_id',
    scope: 'channel:x',
    value,
    source: 'whatsapp_cloud',
    at: at(second),
  });
  const known = async (client: Client, contact: { id: string }) =>
    (await client.get<ContactView>(`/v1/contacts/${contact.id}`)).body.identities
      .filter(({ kind }) => kind === 'wa_id')
      .map(({ value, first_seen_at, last_seen_at }) => [
        value,
        first_seen_at.slice(17, 19),
        last_seen_at.slice(17, 19),
      ]);

  await learnIdentities(ctx, []);
  await learnIdentities(ctx, [
    learn(one, ana, '553188880001', 5),
    learn(one, ana, '553188880001', 2),
    learn(other, eva, '553188880001', 7),
    learn(one, { id: uuid() }, '553100000000', 1),
  ]);
  t.same(await known(one, ana), [['553188880001', '02', '05']], 'a value told twice at once is kept once');
  t.same(
    await known(other, eva),
    [['553188880001', '07', '07']],
    'accounts keep theirs apart, a contact that is gone stops nobody',
  );

  await learnIdentities(ctx, [learn(one, ana, '553188880001', 9)]);
  t.same(await known(one, ana), [['553188880001', '02', '09']], 'a known one moves its last time on');
  await learnIdentities(ctx, [learn(one, ana, '553188880001', 3)]);
  t.same(await known(one, ana), [['553188880001', '02', '09']], 'and never back');
  await learnIdentities(ctx, [learn(one, bia, '553188880001', 10), learn(one, bia, '553188880002', 10)]);
  t.same(await known(one, ana), [['553188880001', '02', '09']], 'what one contact has no other takes');
  t.same(await known(one, bia), [['553188880002', '10', '10']]);
  const both = [learn(one, ana, '77', 4), learn(one, bia, '77', 3)];
  await learnIdentities(ctx, both);
  t.same(
    [...(await known(one, ana)), ...(await known(one, bia))].filter(([value]) => value === '77'),
    [['77', '03', '03']],
    'of two at once it goes to the first',
  );
});

t.test('listContactNames reads contacts of several accounts in one statement, each once', async (t) => {
  const [one, other] = [await createClient(), await createClient()];
  const ana = await addContact(one, { name: 'Ana', phone: '31988880001' });
  const eva = await addContact(other, { name: 'Eva', phone: '31988880001' });
  const key = (client: Client, contact: { id: string }) => ({ account_id: client.account_id, id: contact.id });
  const names = await listContactNames(ctx, [
    key(one, ana),
    key(other, eva),
    key(one, ana),
    key(one, eva),
    key(one, { id: uuid() }),
  ]);
  t.same(
    names.sort((a, b) => String(a.name).localeCompare(String(b.name))),
    [
      { ...key(one, ana), name: 'Ana', profile_name: null, phone: '+5531988880001' },
      { ...key(other, eva), name: 'Eva', profile_name: null, phone: '+5531988880001' },
    ],
  );
  t.same(await listContactNames(ctx, []), []);
});
