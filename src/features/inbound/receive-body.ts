import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Vault } from '../../context.ts';
import { gather } from '../../db/gather.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import type { InboundBody } from '../../providers/inbound.ts';
import { findProvider } from '../../providers/registry.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { findInboundChannel, type InboundFacts } from '../channels/channels.repository.ts';
import { readCredentials } from '../channels/provider-call.ts';
import { insertBodies, insertBody, type NewBody } from './door.repository.ts';
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

/** Where providers call in. */
export interface Door {
  /**
   * Stores what a provider calls in, once it is known to come from there; nothing of it is read here. Throws
   * `inbound_unauthenticated`.
   */
  receive: (delivery: Delivery) => Promise<void>;
  /** The answer to a provider's handshake. Throws `inbound_unauthenticated`. */
  answerHandshake: (channel_id: string, query: Record<string, unknown>) => Promise<string>;
}

/** A channel as it was when it was read, the vault of its account, and what it signs with: unsealed once and not for each body. */
interface Opened {
  facts: InboundFacts;
  vault: Vault;
  credentials: Record<string, string>;
}

/** What one statement stores; a body takes up to 3.5 MB. */
const together = {
  most: 200,
  at_once: 1,
  size: { most: 4 * 1024 * 1024, of: ({ body }: Judged) => body.body.length },
};

interface Judged {
  body: NewBody;
  facts: InboundFacts;
}

const most_kept = 1_000;

/**
 * Bodies that arrive together are stored by one statement. Channels are kept as they were read, for as long as that statement
 * finds them unchanged: a channel that was archived, or whose secrets were changed, stores nothing and is read again, and so
 * is one whose secret does not fit. What is kept therefore lets nobody in and keeps nobody out.
 */
export function createDoor({ ctx, vaults }: Dependencies): Door {
  const kept = new Map<string, Opened>();
  const store = gather<Judged, boolean>((batch) => storeAll(ctx, batch), together);

  async function open(id: string): Promise<Opened> {
    const facts = await findInboundChannel(ctx, id);
    const vault = facts && (await vaults.openAll(ctx, [facts.account_id])).get(facts.account_id);
    if (facts && vault) return { facts, vault, credentials: readCredentials({ vault }, facts) };
    kept.delete(id);
    // As for a wrong signature: who cannot sign learns nothing of which channels there are.
    throw inbound_unauthenticated();
  }

  return {
    receive: async (delivery) => {
      const known = kept.get(delivery.channel_id);
      if (known && isAuthentic(known, delivery)) {
        if (await store({ body: toBody(known, delivery), facts: known.facts })) return;
      }
      const opened = await open(delivery.channel_id);
      if (!isAuthentic(opened, delivery)) throw inbound_unauthenticated();
      await insertBody(ctx, toBody(opened, delivery)).catch(refuseForGone);
      if (kept.size >= most_kept) kept.delete(kept.keys().next().value ?? '');
      kept.set(delivery.channel_id, opened);
    },
    answerHandshake: async (channel_id, query) => {
      const { facts } = await open(channel_id);
      const challenge = findProvider(facts.provider).inbound.answerHandshake?.(query, facts.verify_token) ?? null;
      if (challenge === null) throw inbound_unauthenticated();
      return challenge;
    },
  };
}

/** Its channel was deleted since it was read: answered as one that never was. */
function refuseForGone(error: unknown): never {
  if (violatedConstraint(error) === 'inbound_bodies_account_id_channel_id_fkey') throw inbound_unauthenticated();
  throw error;
}

/** Whether each is stored. */
async function storeAll(ctx: Dependencies['ctx'], batch: Judged[]): Promise<boolean[]> {
  // Two that were judged by different secrets of one channel: at most one of these is right, and the other one is read again.
  const known = new Map(batch.map(({ facts }) => [facts.id, facts]));
  const of_known = batch.filter(({ facts }) => known.get(facts.id) === facts);
  const stored = await insertBodies(
    ctx,
    of_known.map(({ body }) => body),
    [...known.values()],
  );
  return batch.map(({ body }) => stored.has(body.id));
}

function isAuthentic({ facts, credentials }: Opened, delivery: Delivery): boolean {
  const { inbound } = findProvider(facts.provider);
  return inbound.isSigned?.(delivery, credentials) ?? hasToken(facts, delivery);
}

function toBody({ facts, vault }: Opened, { id, raw }: Delivery): NewBody {
  const { account_id, id: channel_id } = facts;
  return { account_id, id, channel_id, body: vault.seal(raw, bodyBinding(id)), received_at: arrivedAt(id) };
}

/** For gateways that sign nothing: the channel's token, in a header or in the path, compared in constant time. */
function hasToken({ verify_token }: InboundFacts, { headers, token }: Delivery): boolean {
  const presented = token ?? headers['x-conversar-token'];
  if (typeof presented !== 'string') return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(verify_token));
}
