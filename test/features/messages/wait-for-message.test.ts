import t from 'tap';
import type { Scope } from '../../../src/context.ts';
import { createWaiting, settled_topic } from '../../../src/features/messages/wait-for-message.ts';
import { createWake } from '../../../src/lanes/wake.ts';
import { queueMessages } from '../../support/queue.ts';
import { startService } from '../../support/service.ts';
import { timed } from '../../support/timed.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const place = { account_id: company.account_id, channel_id: company.unofficial_id };
const wake = createWake(service.settings, ctx.log);
const waitFor = createWaiting(ctx, wake);
const waitForMessage = (
  id: string,
  wait_s: number,
  { account_id, signal }: Pick<Scope, 'account_id' | 'signal'> = { ...company, signal: ctx.signal },
) => waitFor({ account_id }, id, { wait_s, signal });
t.teardown(() => wake.close());

interface Query {
  options?: { name?: string };
}

let from = 0;
async function queueOne(): Promise<string> {
  from += 1;
  const [id = ''] = await queueMessages(db, place, 1, { from });
  return id;
}

/** When one more look of those who wait has been answered. */
const looked = () =>
  new Promise<void>((resolve) => {
    const hear = (_response: unknown, { options }: Query) => {
      if (options?.name !== 'list_message_statuses') return;
      db.off('query-response', hear);
      resolve();
    };
    db.on('query-response', hear);
  });

const claim = (id: string) =>
  db('messages')
    .where({ id })
    .update({ state: 'sending', fence: 1, lease_until: db.raw(`now() + interval '1 minute'`) });
const settle = (id: string) => db('messages').where({ id }).update({ state: 'settled', accepted_at: db.fn.now() });

t.test('waitForMessage', async (t) => {
  t.test('ends at once for a message that has left the queue', async (t) => {
    const id = await queueOne();
    await settle(id);
    t.ok((await timed(() => waitForMessage(id, 20))).took_ms < 5_000);
  });

  t.test('waits through the queue and the sending, and ends when it is called', async (t) => {
    const id = await queueOne();
    let is_over = false;
    const waiting = waitForMessage(id, 20).then(() => {
      is_over = true;
    });
    wake.call(settled_topic);
    await claim(id);
    wake.call(settled_topic);
    await waitForMessage(id, 0.05);
    t.notOk(is_over, 'a call for another message does not end it');
    await settle(id);
    wake.call(settled_topic);
    await waiting;
  });

  t.test('sees it without a call too: the call may be lost', async (t) => {
    const id = await queueOne();
    const look = looked();
    const { took_ms } = await timed(async () => {
      const waiting = waitForMessage(id, 20);
      await look;
      await settle(id);
      await waiting;
    });
    t.ok(took_ms < 10_000, `${took_ms} ms`);
  });

  t.test('a doubt ends it as well', async (t) => {
    const id = await queueOne();
    await db('messages').where({ id }).update({ state: 'unknown', unknown_at: new Date() });
    t.ok((await timed(() => waitForMessage(id, 20))).took_ms < 5_000);
  });

  t.test('ends when its time is up', async (t) => {
    const id = await queueOne();
    const started_at = performance.now();
    await waitForMessage(id, 0.3);
    const took_ms = performance.now() - started_at;
    t.ok(took_ms >= 290, `${took_ms} ms`);
  });

  t.test('ends when the process stops', async (t) => {
    const stop = new AbortController();
    const id = await queueOne();
    const waiting = timed(() => waitForMessage(id, 25, { ...company, signal: stop.signal }));
    stop.abort();
    t.ok((await waiting).took_ms < 10_000);
  });

  t.test('does not wait for a message that is not there, or another account’s', async (t) => {
    const other = await service.createClient();
    const id = await queueOne();
    t.ok((await timed(() => waitForMessage(id, 20, { ...other, signal: ctx.signal }))).took_ms < 5_000);
  });

  t.test('many who wait look together: a call is no stampede', async (t) => {
    const ids = await Promise.all(Array.from({ length: 200 }, queueOne));
    let looks = 0;
    const count = ({ options }: Query) => {
      if (options?.name === 'list_message_statuses') looks += 1;
    };
    db.on('query', count);
    t.teardown(() => db.removeListener('query', count));
    const waiting = Promise.all(ids.map((id) => waitForMessage(id, 20)));
    await db('messages').whereIn('id', ids).update({ state: 'settled', accepted_at: db.fn.now() });
    wake.call(settled_topic);
    await waiting;
    t.ok(looks < 60, `${looks} statements of 200 who waited`);
  });
});
