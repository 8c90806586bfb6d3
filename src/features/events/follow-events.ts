import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import type { Wake } from '../../lanes/wake.ts';
import { comparePlaces, type Place } from './event-place.ts';
import { eventText } from './event-text.ts';
import { type FeedEvent, listNextEvents } from './feed.repository.ts';
import { events_topic } from './tell-of-events.ts';

/** An event with what a stream sends of it: made once for all of them. */
export interface FollowedEvent extends FeedEvent {
  frame: string;
}

type Listener = (events: FollowedEvent[]) => void;

/** Reads one account's events as they come, once for all who listen. */
export interface Follower {
  /**
   * Tells the listener of every event behind `place`, in order, and maybe of some before it. Where it has read past that
   * place it goes back there, so this should be no long way.
   */
  join: (place: Place, listener: Listener) => void;
  leave: (listener: Listener) => void;
}

export interface FollowOptions {
  wake: Wake;
  /** It looks at least so often while anybody listens: a call may be lost. */
  poll_ms: number;
  /** Between two reads, however often it is called. */
  gap_ms: () => number;
  /** Nobody listens any more: this follower has ended. */
  onIdle: () => void;
}

export const events_at_once = 100;
const everything = { types: null, attendance_id: null };

/** As the stream has it: the id, and the event as everywhere. JSON of the database has no line breaks. */
export const withFrame = (event: FeedEvent): FollowedEvent => ({
  ...event,
  frame: `id: ${event.id}\ndata: ${eventText(event)}\n\n`,
});

/** Begins to follow behind `start`, once somebody listens. */
export function followEvents(
  ctx: Pick<Context, 'db' | 'log'> & { account_id: string },
  start: Place,
  { wake, poll_ms, gap_ms, onIdle }: FollowOptions,
): Follower {
  const listeners = new Set<Listener>();
  /** Let in between two reads: one that is on its way may begin behind their place. */
  const joining = new Map<Listener, Place>();
  let place = start;
  let is_reading = false;
  let is_called = false;
  let timer: NodeJS.Timeout | undefined;

  const isHeard = () => listeners.size + joining.size > 0;

  function letIn(): void {
    for (const [listener, from] of joining) {
      listeners.add(listener);
      if (comparePlaces(from, place) < 0) place = from;
    }
    joining.clear();
  }

  async function readOnce(): Promise<void> {
    letIn();
    try {
      const { events, next, has_more } = await listNextEvents(ctx, place, everything, events_at_once);
      place = next;
      is_called ||= has_more;
      const told = events.map(withFrame);
      if (told.length > 0) for (const listener of [...listeners]) listener(told);
    } catch (error) {
      if (isHeard()) ctx.log.warn({ err: error, account_id: ctx.account_id }, 'events.follow_failed');
    }
  }

  async function read(): Promise<void> {
    is_called = true;
    if (is_reading) return;
    is_reading = true;
    while (is_called && isHeard()) {
      is_called = false;
      await readOnce();
      await delay(gap_ms());
    }
    is_reading = false;
    clearTimeout(timer);
    if (isHeard()) timer = setTimeout(read, poll_ms);
  }

  const unlisten = wake.listen(events_topic, () => void read());
  return {
    join: (from, listener) => {
      joining.set(listener, from);
      void read();
    },
    leave: (listener) => {
      const was_heard = isHeard();
      listeners.delete(listener);
      joining.delete(listener);
      if (!was_heard || isHeard()) return;
      clearTimeout(timer);
      unlisten();
      onIdle();
    },
  };
}
