import t from 'tap';
import type { ContactLookupView } from '../../../src/features/contacts/contacts.schema.ts';
import { addContact, searchNames } from '../../support/contacts.ts';
import { startTypedService } from '../../support/typed-client.ts';

const { createClient } = await startTypedService(t);
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
    t.same(await searchNames(client, ''), []);
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

t.test('Argentina’s 9 makes no other person', async (t) => {
  const client = await createClient();
  const made = await addContact(client, { phone: '+54 9 11 2345-6789', name: 'Ana' });
  t.match(made, { phone: '+5491123456789' });
  const { body } = await client.get<ContactLookupView>(
    `/v1/contacts/lookup?phone=${encodeURIComponent('+54 11 2345-6789')}`,
  );
  t.match(body.contacts, [{ id: made.id }]);
  t.match(await client.post('/v1/contacts', { phone: '+54 11 2345-6789' }), {
    status: 409,
    body: { code: 'contact_exists', contact_id: made.id },
  });
});
