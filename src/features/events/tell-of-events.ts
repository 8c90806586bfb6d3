import type { Context } from '../../context.ts';
import type { LaneWork } from '../../lanes/lane.ts';
import type { Wake } from '../../lanes/wake.ts';

/** Streams listen to this one. */
export const events_topic = 'events';
/** The lane of webhook deliveries has its name. */
export const webhooks_topic = 'webhooks';

/** Events may have been committed: whoever tells of them looks. A call without cause costs one look. */
export function tellOfEvents(wake: Pick<Wake, 'call'>): void {
  wake.call(events_topic);
  wake.call(webhooks_topic);
}

/** The same work, which tells of the events that its outcomes bring. */
export function tellingLane<Item, Outcome>(wake: Wake, work: LaneWork<Item, Outcome>): LaneWork<Item, Outcome> {
  const finish: typeof work.finish = async (ctx, finished) => {
    await work.finish(ctx, finished);
    tellOfEvents(wake);
  };
  return { ...work, finish };
}

/** The same upkeep, which tells of events when it did something. */
export function tellingUpkeep(wake: Wake, run: (ctx: Context) => Promise<number>): (ctx: Context) => Promise<number> {
  return async (ctx) => {
    const rows = await run(ctx);
    if (rows > 0) tellOfEvents(wake);
    return rows;
  };
}
