import { Type } from '@sinclair/typebox';
import { inTransaction, type Scope } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import { channel_not_found } from '../references.ts';
import { archiveChannel, lockChannelAlone, removeChannel } from './channels.repository.ts';

export const channel_in_use = defineProblem({
  code: 'channel_in_use',
  status: 409,
  title: { en: 'The channel is in use', pt: 'O canal está em uso' },
  detail: {
    en: 'Channel {name} has {attendances} open attendances and {messages} messages that are not settled. Close the attendances and resolve messages in doubt; then delete it.',
    pt: 'O canal {name} tem {attendances} atendimentos abertos e {messages} mensagens sem desfecho. Feche os atendimentos e resolva as mensagens em dúvida; depois exclua o canal.',
  },
  extra: {
    attendances: Type.Integer({ minimum: 0, description: 'How many are starting or open.' }),
    messages: Type.Integer({ minimum: 0, description: 'How many are queued, sending or unknown.' }),
  },
  example: {
    pointer: ':channel_id',
    params: { name: 'Vendas', attendances: 2, messages: 1 },
    extra: { attendances: 2, messages: 1 },
  },
});

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** What those who stand on channels know of one; app.ts brings it, since this feature cannot import them. */
export interface ChannelUse {
  /** Starting or open ones, and whether there was ever any. */
  countChannelAttendances: (ctx: Ctx, channel_id: string) => Promise<{ live: number; has_any: boolean }>;
  /** Queued, sending or unknown ones. */
  countUnsettledMessages: (ctx: Ctx, channel_id: string) => Promise<number>;
  removeTemplates: (ctx: Ctx, channel_id: string) => Promise<void>;
}

/**
 * Deletes a channel, or archives it when attendances tell of it: no credentials, no templates, its name free. Its lock
 * keeps new attendances away meanwhile. Throws `channel_not_found`, `channel_in_use`.
 */
export async function deleteChannel(scope: Scope, use: ChannelUse, id: string): Promise<void> {
  await inTransaction(scope, async (trx) => {
    const channel = await lockChannelAlone(trx, id);
    if (!channel) throw channel_not_found({ pointer: ':channel_id', params: { id } });
    const { live: attendances, has_any } = await use.countChannelAttendances(trx, id);
    const messages = await use.countUnsettledMessages(trx, id);
    if (attendances > 0 || messages > 0) {
      const params = { name: channel.name, attendances, messages };
      throw channel_in_use({ pointer: ':channel_id', params, extra: { attendances, messages } });
    }
    if (!has_any) return removeChannel(trx, id);
    await use.removeTemplates(trx, id);
    await archiveChannel(trx, id);
  });
}
