import type { App } from './http/server.ts';
import type { LaneWork } from './lanes/lane.ts';
import type { FailpointName } from './setting.ts';

export type Failpoint = { name: FailpointName; action: 'kill' | 'stop' } | null;

/** Ends or freezes this very process, as a crash would: no handler runs. */
function reach(failpoint: Failpoint, name: FailpointName): void {
  if (failpoint?.name === name) process.kill(process.pid, failpoint.action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
}

/** `after_claim`: T2 is committed, no byte left. `answer_read`: the provider's answer is in memory and nowhere else. */
export function withFailpoint<Item, Outcome>(
  work: LaneWork<Item, Outcome>,
  failpoint: Failpoint,
): LaneWork<Item, Outcome> {
  if (!failpoint) return work;
  return {
    ...work,
    run: async (ctx, item, isStopping) => {
      reach(failpoint, 'after_claim');
      const outcome = await work.run(ctx, item, isStopping);
      reach(failpoint, 'answer_read');
      return outcome;
    },
  };
}

/** `after_accept`: T1 is committed, its answer is not sent. */
export function failAfterAccept(server: App, failpoint: Failpoint): void {
  if (failpoint?.name !== 'after_accept') return;
  server.addHook('onSend', async (request, reply) => {
    if (request.routeOptions.url === '/v1/attendances' && reply.statusCode === 201) reach(failpoint, 'after_accept');
  });
}
