import t from 'tap';
import { v7 as uuid } from 'uuid';
import { addContact, type ContactPageView, searchNames } from '../../support/contacts.ts';
import { type Refusal, startTypedService } from '../../support/typed-client.ts';

const { ctx, createClient } = await startTypedService(t);

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
    ['%', [], 'and no wildcard'],
    ['jo', ['João da Conceição'], 'two letters begin a word'],
    ['d', ['Maria 50% Desconto', 'João da Conceição'], 'so does one, of any word'],
    ['ao', [], 'and are not looked for inside of one'],
    ['31', ['João da Conceição'], 'two digits begin a number'],
    ['55', ['Loja 98765', 'Fixo_Matriz', 'João da Conceição'], 'with its country code too'],
    ['3', ['Maria 50% Desconto', 'João da Conceição'], 'one digit as well'],
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
      t.same(await searchNames(client, text), names);
    });
  }

  t.test('with the ninth digit finds a contact that was registered without it', async (t) => {
    const client = await createClient();
    await addContact(client, { name: 'Ana', phone: '(31) 8765-0001' });
    for (const text of ['(31) 98765-0001', '31987650001', '(31) 8765-0001', '553187650001']) {
      t.same(await searchNames(client, text), ['Ana'], text);
    }
  });

  t.test('of more than 200 characters, or with NUL: 400', async (t) => {
    t.equal((await client.get(`/v1/contacts?search=${'a'.repeat(201)}`)).status, 400);
    t.match(await client.get('/v1/contacts?search=%00'), { status: 400, body: { errors: [{ pointer: '?search' }] } });
  });
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
    t.same(await searchNames(client, 'perfil'), ['Without'], 'and is found by what WhatsApp calls the person');
  },
);
