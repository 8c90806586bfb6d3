import type { Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf, table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export interface InboundRow {
  id: string;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  direction: 'inbound' | 'outbound';
  type: string;
  text: string | null;
  media: unknown;
  provider_message_id: string;
  received_at: Date;
  /** For what a person of the company typed on the phone. */
  echo: { address_kind: string; address: string; sent_at: Date } | null;
}

const received_columns = `id uuid, attendance_id uuid, contact_id uuid, channel_id uuid, direction text, type text, text text,
  media jsonb, provider_message_id text, state text, payload jsonb, recipient_kind text, recipient text, sent_at timestamptz,
  received_at timestamptz`;

const insertAll = prepare<{ account_id: string; given: string }, MessagesRow>(
  'insert_received',
  `insert into messages as m (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, media, provider_message_id,
                             state, payload, recipient_kind, recipient, sent_at, created_at, updated_at)
  select cast(:account_id as uuid), n.id, n.attendance_id, n.contact_id, n.channel_id, n.direction, n.type, n.text, n.media,
         n.provider_message_id, n.state, n.payload, n.recipient_kind, n.recipient, n.sent_at, n.received_at, n.received_at
    from jsonb_to_recordset(cast(:given as jsonb)) as n (${received_columns})
   order by n.id
  on conflict do nothing
  returning ${columnsOf('messages', 'm')}`,
);

/** What contacts wrote, or the company on the phone. A message whose provider's id is known by now is missing in the answer. */
export async function insertReceived({ db, account_id }: Ctx, given: InboundRow[]): Promise<MessagesRow[]> {
  if (given.length === 0) return [];
  const rows = given.map(({ echo, ...row }) =>
    echo === null
      ? { ...row, state: 'received' }
      : {
          ...row,
          state: 'settled',
          payload: { type: 'echo' },
          recipient_kind: echo.address_kind,
          recipient: echo.address,
          sent_at: echo.sent_at,
        },
  );
  return insertAll(db, { account_id, given: JSON.stringify(rows) });
}

/**
 * An edit or a withdrawal by the contact, in whatever order they come: the last edit counts, and none after a withdrawal. Returns
 * whether a message was changed.
 */
export async function changeReceived(
  ctx: Ctx,
  channel_id: string,
  provider_message_id: string,
  change: { kind: 'edit' | 'revoke'; text: string | null; at: Date },
): Promise<boolean> {
  const at = change.at.toISOString();
  const note = change.kind === 'edit' ? { edited_at: at } : { revoked_at: at };
  const query = table(ctx, 'messages')
    .where({ channel_id, provider_message_id, direction: 'inbound' })
    .whereNull('erased_at');
  if (change.kind === 'edit') {
    query.whereRaw(`coalesce(media ->> 'revoked_at', '') = ''`);
    query.whereRaw(`coalesce(cast(media ->> 'edited_at' as timestamptz), '-infinity') <= cast(? as timestamptz)`, [at]);
  }
  const changed = await query.update({
    text: change.kind === 'edit' ? change.text : null,
    media: ctx.db.raw(`coalesce(media, '{}') || cast(? as jsonb)`, [JSON.stringify(note)]),
    updated_at: ctx.db.fn.now(),
  });
  return changed > 0;
}
