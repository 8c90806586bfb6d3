import type { Test } from 'tap';
import { eventually, type Reply, type Service } from './service.ts';

/** How many rows each table has, the limiter's own aside. */
export async function countRows({ db }: Pick<Service, 'db'>): Promise<Record<string, number>> {
  const { rows: tables } = await db.raw<{ rows: { name: string }[] }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'rate_buckets'`,
  );
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*) from "${name}"`).join(' union all ');
  const { rows } = await db.raw<{ rows: { name: string; count: number }[] }>(counts);
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
}

/** Resolves when no message is queued or being sent, so that nothing changes by itself any more. */
export async function allSent({ db }: Pick<Service, 'db'>): Promise<void> {
  await eventually(
    () => db('messages').whereIn('state', ['queued', 'sending']).select('id'),
    (left) => left.length === 0,
  );
}

export interface Refused {
  status: number;
  code: string;
  pointer?: string;
  /** Pointer and code of each entry, where it is not the problem's own. */
  errors?: [string, string][];
}

/** Asks, and holds that the answer is this problem, that no table has a row more or less and that no provider heard of it. */
export async function assertRefused(
  t: Test,
  service: Service,
  ask: () => Promise<Reply>,
  { status, code, pointer, errors }: Refused,
): Promise<Reply> {
  const rows = await countRows(service);
  const received = await service.received();
  const reply = await ask();
  t.match(reply, {
    status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8' },
    body: { type: `urn:conversar:problem:${code}`, status, code },
  });
  const found = (reply.body.errors ?? []).map((one: { pointer: string; code: string }) => [one.pointer, one.code]);
  t.same(found, errors ?? (pointer === undefined ? [] : [[pointer, code]]), 'errors say where');
  t.same(await countRows(service), rows, 'nothing is saved');
  t.same(await service.received(), received, 'nothing is sent');
  return reply;
}
