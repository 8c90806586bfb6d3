import t from 'tap';
import { v7 as uuid } from 'uuid';
import { learnIdentities, listContactNames } from '../../../src/features/contacts/contacts.repository.ts';
import type { ContactView } from '../../../src/features/contacts/contacts.schema.ts';
import { addContact } from '../../support/contacts.ts';
import { startTypedService, type TypedClient } from '../../support/typed-client.ts';

const { ctx, createClient } = await startTypedService(t);

t.test('learnIdentities', async (t) => {
  const [one, other] = [await createClient(), await createClient()];
  const ana = await addContact(one, { phone: '31988880001' });
  const bia = await addContact(one, { phone: '31988880002' });
  const eva = await addContact(other, { phone: '31988880001' });
  const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, second));
  const learn = (client: TypedClient, contact: { id: string }, value: string, second: number) => ({
    account_id: client.account_id,
    contact_id: contact.id,
    kind: 'wa_id',
    scope: 'channel:x',
    value,
    source: 'whatsapp_cloud',
    at: at(second),
  });
  const known = async (client: TypedClient, contact: { id: string }) =>
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
  const key = (client: TypedClient, contact: { id: string }) => ({ account_id: client.account_id, id: contact.id });
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
