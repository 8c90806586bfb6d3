import type { Context, Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { Wake } from '../../lanes/wake.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { readCredentials } from '../channels/provider-call.ts';
import { applyBodies, goTogether } from './apply-bodies.ts';
import { type ClaimedBody, extendLeases, finishBodies, giveBack, quarantineBody } from './inbound.repository.ts';
import { openScope, sealed_off, tellDropped } from './open-scope.ts';
import { type ReadBody, readBody } from './read-body.ts';

/** What a channel's bodies make, and whether it was made. */
export interface InboundDependencies {
  vaults: Vaults;
  wake: Wake;
  lease_ms: number;
  public_url: string;
  /** What is not begun by then is given back. */
  isStopping?: () => boolean;
}

/** Applies what bodies of one channel tell, in their order; returns how many events had an effect. */
export async function expandBodies(ctx: Context, deps: InboundDependencies, bodies: ClaimedBody[]): Promise<number> {
  const [first] = bodies;
  if (!first) return 0;
  const opened = await openScope(ctx, deps, first);
  if (opened === 'no_channel') {
    await finishBodies(ctx, bodies, []);
    tellDropped(ctx, first, bodies.length);
    return 0;
  }
  if (opened === 'no_vault') {
    for (const body of bodies) await giveUp(ctx, body, sealed_off);
    return 0;
  }
  return expandOpened(opened.scope, deps, opened.channel, bodies);
}

async function expandOpened(
  scope: Scope,
  deps: InboundDependencies,
  channel: ChannelsRow,
  bodies: ClaimedBody[],
): Promise<number> {
  const { lease_ms, isStopping = () => false } = deps;
  // What does not fit into most of the lease is given back, so that nobody else expands it meanwhile.
  const endOfTime = () => performance.now() + 0.6 * lease_ms;
  let until = endOfTime();
  let applied = 0;
  let is_first = true;
  for await (const read of readParts(scope, channel, bodies)) {
    const from = (place: number) => bodies.slice(bodies.findIndex(({ id }) => id === read.at(place)?.body.id));
    // An erasure takes bodies away, also those that are under a lease.
    const part = is_first ? read : await stillThere(scope, read, lease_ms);
    is_first = false;
    let kept_at = performance.now();
    const keep = async () => {
      if (isStopping()) throw new GivenBack();
      kept_at = performance.now();
      until = endOfTime();
      await keepLeases(scope, from(0), lease_ms);
    };
    const keepWhenDue = async () => {
      if (isStopping() || performance.now() - kept_at > lease_ms / 4) await keep();
    };
    try {
      if (part.length > 0) applied += await applyBodies(scope, deps, channel, part, { keep, keepWhenDue });
    } catch (error) {
      if (!(error instanceof GivenBack)) throw error;
      await giveBack(scope, from(0));
      break;
    }
    const left = from(-1).slice(1);
    if (left.length > 0 && (isStopping() || performance.now() > until)) {
      await giveBack(scope, left);
      break;
    }
  }
  return applied;
}

/** The process stops between two events of a body: it is begun anew by another, which has no second effect. */
class GivenBack extends Error {}

async function stillThere(ctx: Context, read: ReadBody[], lease_ms: number): Promise<ReadBody[]> {
  const held = await extendLeases(
    ctx,
    read.map(({ body }) => body),
    lease_ms,
  );
  return read.filter(({ body }) => held.has(body.id));
}

/** Throws when somebody else may be expanding the first of them by now. */
async function keepLeases(ctx: Context, bodies: ClaimedBody[], lease_ms: number): Promise<void> {
  const held = await extendLeases(ctx, bodies, lease_ms);
  if (!held.has(bodies[0]?.id ?? '')) throw new Error('the lease of a body ended while it was expanded');
}

/**
 * Those that can be read, in parts that go together; the others are put aside. A body is read when its turn comes, for what many
 * tell takes many times their bytes.
 */
async function* readParts(scope: Scope, channel: ChannelsRow, bodies: ClaimedBody[]): AsyncGenerator<ReadBody[]> {
  const credentials = readCredentials(scope, channel);
  let part: ReadBody[] = [];
  for (const body of bodies) {
    const events = readBody(scope, channel, credentials, body);
    if (typeof events === 'string') {
      await giveUp(scope, body, events);
      continue;
    }
    if (!goTogether([...part, { body, events }])) {
      yield part;
      part = [];
    }
    part.push({ body, events });
  }
  if (part.length > 0) yield part;
}

async function giveUp(ctx: Context, body: ClaimedBody, reason: string): Promise<void> {
  await quarantineBody(ctx, body, reason);
  ctx.log.error(
    { account_id: body.account_id, channel_id: body.channel_id, body_id: body.id, reason },
    'inbound.quarantined',
  );
}
