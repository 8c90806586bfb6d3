import type { DispatchItem, DispatchOutcome } from '../features/messages/dispatch-message.ts';
import type { App } from '../http/server.ts';
import type { LaneWork } from '../lanes/lane.ts';
import type { Metrics } from './metrics.ts';

/** Counts starts that were not refused, by what was answered; a replay starts nothing. */
export function measureStarts(server: App, metrics: Pick<Metrics, 'started'>): void {
  server.addHook('onResponse', async (request, reply) => {
    const is_start = request.method === 'POST' && request.routeOptions.url === '/v1/attendances';
    if (!is_start || reply.getHeader('idempotent-replayed') !== undefined) return;
    if (reply.statusCode === 201) metrics.started('started');
    if (reply.statusCode !== 200) return;
    const { dry_run } = request.query as { dry_run?: boolean };
    metrics.started(dry_run ? 'dry_run' : 'reused');
  });
}

/** Counts what the dispatch lane claims and what comes of it. */
export function measureDispatch(
  work: LaneWork<DispatchItem, DispatchOutcome>,
  metrics: Pick<Metrics, 'claimed' | 'dispatched'>,
): LaneWork<DispatchItem, DispatchOutcome> {
  return {
    ...work,
    claim: async (ctx, free) => {
      const claim = await work.claim(ctx, free);
      const first = claim.items.filter(({ message }) => message.attempt === 1);
      const now_ms = ctx.now().getTime();
      metrics.claimed(first.map(({ message }) => (now_ms - madeAt(message.id)) / 1000));
      return claim;
    },
    run: async (ctx, item, isStopping) => {
      const outcome = await work.run(ctx, item, isStopping);
      const { written, duration_ms } = outcome;
      const { provider } = item.channel;
      metrics.dispatched({ provider, outcome: written.kind, duration_s: duration_ms / 1000 });
      return outcome;
    },
  };
}

/** Milliseconds since 1970 in a UUID v7. A message gets its id as it is accepted, and is due then. */
const madeAt = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
