import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import type { InboundBody } from '../../providers/inbound.ts';
import { findProvider } from '../../providers/registry.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { findInboundChannel } from '../channels/channels.repository.ts';
import { readCredentials } from '../channels/provider-call.ts';
import { insertBody } from './inbound.repository.ts';
import { arrivedAt } from './message-id.ts';
import { bodyBinding } from './sealed.ts';

const inbound_unauthenticated = defineProblem({
  code: 'inbound_unauthenticated',
  status: 401,
  title: { en: 'Not known to come from the provider', pt: 'Não se sabe se vem do provedor' },
  detail: {
    en: 'The signature or the token does not fit this channel. Enter at the provider what the channel shows in `webhook`, and the secret that it signs with in the credentials.',
    pt: 'A assinatura ou o token não confere com este canal. Informe ao provedor o que o canal mostra em `webhook` e, nas credenciais, o segredo com que ele assina.',
  },
});

export const inbound_problems = [inbound_unauthenticated];

interface Dependencies {
  ctx: Context;
  vaults: Vaults;
}

/** As it came in at the door: the channel and, for gateways without headers, the token are in the path. */
export interface Delivery extends InboundBody {
  /** UUID v7 of its arrival: what it makes is ordered by it. */
  id: string;
  channel_id: string;
  token: string | null;
}

/**
 * Stores what a provider calls in, once it is known to come from there; nothing of it is read here. Throws
 * `inbound_unauthenticated`.
 */
export async function receiveBody({ ctx, vaults }: Dependencies, delivery: Delivery): Promise<void> {
  const { channel, vault } = await openChannel({ ctx, vaults }, delivery.channel_id);
  const { inbound } = findProvider(channel.provider);
  const is_signed = inbound.isSigned?.(delivery, readCredentials({ vault }, channel)) ?? null;
  if (!(is_signed ?? hasToken(channel, delivery))) throw inbound_unauthenticated();
  const { id } = delivery;
  await insertBody(ctx, {
    account_id: channel.account_id,
    id,
    channel_id: channel.id,
    body: vault.seal(delivery.raw, bodyBinding(id)),
    received_at: arrivedAt(id),
  });
}

/** The answer to a provider's handshake. Throws `inbound_unauthenticated`. */
export async function answerHandshake(
  { ctx, vaults }: Dependencies,
  channel_id: string,
  query: Record<string, unknown>,
): Promise<string> {
  const { channel } = await openChannel({ ctx, vaults }, channel_id);
  const challenge = findProvider(channel.provider).inbound.answerHandshake?.(query, channel.verify_token) ?? null;
  if (challenge === null) throw inbound_unauthenticated();
  return challenge;
}

async function openChannel({ ctx, vaults }: Dependencies, id: string) {
  const channel = await findInboundChannel(ctx, id);
  const vault = channel && (await vaults.openAll(ctx, [channel.account_id])).get(channel.account_id);
  // As for a wrong signature: who cannot sign learns nothing of which channels there are.
  if (!channel || !vault) throw inbound_unauthenticated();
  return { channel, vault };
}

/** For gateways that sign nothing: the channel's token, in a header or in the path, compared in constant time. */
function hasToken(channel: ChannelsRow, { headers, token }: Delivery): boolean {
  const presented = token ?? headers['x-conversar-token'];
  if (typeof presented !== 'string') return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(channel.verify_token));
}
