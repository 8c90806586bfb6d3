import type { Scope, Vault } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

type Locked = Pick<
  MessagesRow,
  'id' | 'attendance_id' | 'channel_id' | 'state' | 'status' | 'unknown_at' | 'provider_message_id'
>;

/** The messages of these attendances, locked until the transaction ends, as they are. */
export async function lockMessagesOf(ctx: Ctx, attendance_ids: string[]): Promise<Locked[]> {
  return table(ctx, 'messages')
    .whereRaw('attendance_id = any (cast(? as uuid[]))', [attendance_ids])
    .orderBy('id')
    .forUpdate()
    .select('id', 'attendance_id', 'channel_id', 'state', 'status', 'unknown_at', 'provider_message_id');
}

/** An error without the provider's words: they may repeat a number, and its trace leads back to the person. */
const withoutWords = (error: string) => `
  case when jsonb_typeof(${error} -> 'provider') = 'object'
       then jsonb_set(${error}, '{provider}', ${error} -> 'provider' || '{"message": null, "trace_id": null}')
       else ${error} end`;

/** SQL: nobody can tell whether it went out, also while it waits to be sent again because of that. */
const is_in_doubt = `(m.status = 'unknown' or (m.status = 'queued' and m.unknown_at is not null))`;

const erase = `
  with blank as (
    update messages m
       set state = case when ${is_in_doubt} then 'settled' when m.state = 'queued' then 'cancelled'
                        when m.state = 'unknown' then 'settled' else m.state end,
           failed_at = case when ${is_in_doubt} then :erased_at else m.failed_at end,
           error = case when ${is_in_doubt} then jsonb_build_object('code', 'contact_erased', 'provider', null)
                                 else ${withoutWords('m.error')} end,
           text = null, media = null, payload = null, recipient_kind = null, recipient = null, provider_message_id = null,
           also_sent_as = '{}',
           forgotten_id = coalesce(decode(cast(:forgotten as jsonb) ->> cast(m.id as text), 'hex'), m.forgotten_id),
           template = case when m.template is null then null else jsonb_set(m.template, '{parameters}', '{}') end,
           resolutions = (select coalesce(jsonb_agg(one || '{"reason": null}' order by place), '[]')
                            from jsonb_array_elements(m.resolutions) with ordinality as r (one, place)),
           -- No late answer of an attempt carries this number any more.
           fence = null, lease_until = null,
           erased_at = :erased_at, updated_at = :erased_at
     where m.account_id = :account_id and m.attendance_id = any (cast(:attendance_ids as uuid[]))
    returning m.*
  ),
  tried as (
    update attempts a set fence = 0, error = ${withoutWords('a.error')}
      from blank b
     where a.account_id = :account_id and a.message_id = b.id
  )
  select * from blank order by id`;

/** What tells a message that the provider repeats after its erasure, and gives nobody its id back. */
export const forgottenId = (vault: Vault, channel_id: string, provider_message_id: string): Buffer =>
  vault.mac('forgotten_message', `${channel_id}:${provider_message_id}`);

/** By the hash of its id: what was said, by whomever. */
function toForgotten(vault: Vault, before: Locked[]): Record<string, string> {
  const written = before.filter(({ provider_message_id }) => provider_message_id !== null);
  return Object.fromEntries(
    written.map(({ id, channel_id, provider_message_id }) => [
      id,
      forgottenId(vault, channel_id, provider_message_id ?? '').toString('hex'),
    ]),
  );
}

/**
 * Blanks the messages of these attendances and their attempts, cancels what is queued and fails what is in doubt; returns
 * them as they are now. `before`: as they were locked; none may be `sending`. A later fact may still land on one, but nothing that names the person.
 */
export async function eraseMessages(
  { db, account_id, vault }: Ctx & Pick<Scope, 'vault'>,
  attendance_ids: string[],
  before: Locked[],
  erased_at: Date,
): Promise<MessagesRow[]> {
  const forgotten = JSON.stringify(toForgotten(vault, before));
  const { rows } = await db.raw<{ rows: MessagesRow[] }>(erase, { account_id, attendance_ids, forgotten, erased_at });
  return rows;
}

/** Of these attendances, oldest first, `limit + 1` rows. */
export async function listMessagesOfAttendances(
  ctx: Ctx,
  attendance_ids: string[],
  page: { limit: number; after_id: string | null },
): Promise<MessagesRow[]> {
  const query = table(ctx, 'messages')
    .whereRaw('attendance_id = any (cast(? as uuid[]))', [attendance_ids])
    .orderBy('id')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '>', page.after_id);
}
