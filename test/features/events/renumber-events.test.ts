import pino from 'pino';
import t from 'tap';
import { renumberRestoredEvents } from '../../../src/features/events/renumber-events.ts';
import { renumberReadPlaces } from '../../../src/features/webhooks/endpoints.repository.ts';
import type { Document } from '../../support/document.ts';
import { createEventWriter, untilSettled } from '../../support/events.ts';
import { type Body, type Client, startService } from '../../support/service.ts';

const env = { CONVERSAR_ALLOWED_PRIVATE_RANGES: '127.0.0.0/8' };
const service = await startService(t, { with_lanes: false, env });
const { db, ctx } = service;
const { write } = await createEventWriter(t, service.settings, service.server.swagger() as unknown as Document);

const feedOf = async (client: Client): Promise<string[]> =>
  (await client.get('/v1/events?limit=100')).body.data.map(({ id }: Body) => id);
const placesOf = async (account_id: string) => {
  const { rows } = await db.raw(
    'select id, cast(txid as text) as txid, position from events where account_id = ? order by txid, position',
    [account_id],
  );
  return rows as { id: string; txid: string; position: number }[];
};
/** As rows are after a dump of a busier PostgreSQL was restored: each transaction lies as far ahead. */
const restore = (account_id: string) =>
  db.raw(
    `update events set txid = cast(cast(cast(txid as text) as bigint) + 1000000 as text)::xid8 where account_id = ?`,
    [account_id],
  );
const renumber = () => renumberRestoredEvents(ctx, renumberReadPlaces);

t.test('a database whose own events these are is left as it is', async (t) => {
  const client = await service.createClient();
  await write(client.account_id, 2);
  const places = await placesOf(client.account_id);
  await renumber();
  t.same(await placesOf(client.account_id), places);
});

t.test('events from another database are numbered anew, and seen again in their order', async (t) => {
  const [client, other] = [await service.createClient(), await service.createClient()];
  const ids = [
    ...(await write(client.account_id, 2)),
    ...(await write(client.account_id)),
    ...(await write(client.account_id, 3)),
  ];
  const theirs = await write(other.account_id, 2);
  await untilSettled(db);
  const untouched = await placesOf(other.account_id);
  await restore(client.account_id);
  t.same(await feedOf(client), [], 'they are hidden');
  t.match(await client.get(`/v1/events?after=${ids[0]}`), { status: 410, body: { code: 'cursor_expired' } });

  const lines: Body[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  await Promise.all([1, 2, 3].map(() => renumberRestoredEvents({ db, log }, renumberReadPlaces)));
  t.match(lines, [{ msg: 'events.renumbered', accounts: 1, events: 6 }], 'once, by one of three processes');
  t.same(
    await placesOf(client.account_id),
    ids.map((id, place) => ({ id, txid: '1', position: place + 1 })),
  );
  t.same(await feedOf(client), ids);
  t.same(await placesOf(other.account_id), untouched);
  t.same(await feedOf(other), theirs);
  const more = await write(client.account_id);
  await untilSettled(db);
  const { body } = await client.get(`/v1/events?after=${ids[4]}`);
  t.same(
    body.data.map(({ id }: Body) => id),
    [ids[5], ...more],
    'after an id as before, and new ones behind',
  );
});

t.test('the place of a webhook endpoint stays where it was among them', async (t) => {
  const client = await service.createClient();
  const ids = await write(client.account_id, 5);
  for (const path of ['none', 'middle', 'end'])
    t.equal((await client.post('/v1/webhook-endpoints', { url: `http://127.0.0.1:9/${path}` })).status, 201);
  const [, , third] = await placesOf(client.account_id);
  const move = (path: string, txid: string, position: number) =>
    db('webhook_endpoints')
      .where({ account_id: client.account_id, url: `http://127.0.0.1:9/${path}` })
      .update({ read_txid: txid, read_position: position });
  await restore(client.account_id);
  const [, , ahead] = await placesOf(client.account_id);
  await move('none', '0', 0);
  await move('middle', ahead?.txid ?? '', ahead?.position ?? 0);
  await move('end', '99999999999', 0);
  t.not(ahead?.txid, third?.txid);
  await renumber();
  const rows = await db('webhook_endpoints').where({ account_id: client.account_id }).orderBy('id');
  t.same(
    rows.map(({ read_txid, read_position }) => `${read_txid}:${read_position}`),
    ['1:0', '1:3', `1:${ids.length}`],
  );
});

t.test('a failure of those who keep places changes nothing', async (t) => {
  const client = await service.createClient();
  await write(client.account_id, 2);
  await restore(client.account_id);
  const places = await placesOf(client.account_id);
  await t.rejects(
    renumberRestoredEvents(ctx, async () => {
      throw new Error('not now');
    }),
    { message: 'not now' },
  );
  t.same(await placesOf(client.account_id), places);
  await renumber();
  t.equal((await feedOf(client)).length, 2);
});
