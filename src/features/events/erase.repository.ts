import type { Scope } from '../../context.ts';
import type { EventsRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export type EventData = Pick<EventsRow, 'id' | 'type' | 'data'>;

/** Events that tell of a contact, by id, at most `limit` after `after_id`. */
export async function listEventsOfContact(
  ctx: Ctx,
  contact_id: string,
  after_id: string | null,
  limit: number,
): Promise<EventData[]> {
  const query = table(ctx, 'events').where({ contact_id }).orderBy('id').limit(limit).select('id', 'type', 'data');
  return after_id === null ? query : query.where('id', '>', after_id);
}

/** What was told of one contact is told of another. */
export async function moveEvents(ctx: Ctx, from: string, to: string): Promise<void> {
  await table(ctx, 'events').where({ contact_id: from }).update({ contact_id: to });
}

/** Puts other data into events; their place in the order stays. */
export async function replaceEventData({ db, account_id }: Ctx, events: EventData[]): Promise<void> {
  if (events.length === 0) return;
  await db.raw(
    `update events e set data = n.data
       from jsonb_to_recordset(cast(:events as jsonb)) as n (id uuid, data jsonb)
      where e.account_id = :account_id and e.id = n.id`,
    { account_id, events: JSON.stringify(events.map(({ id, data }) => ({ id, data }))) },
  );
}
