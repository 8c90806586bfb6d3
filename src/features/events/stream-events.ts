import type { Readable } from 'node:stream';
import type { Context } from '../../context.ts';
import type { Wake } from '../../lanes/wake.ts';
import { defineProblem } from '../../problem.ts';
import { comparePlaces, type Place } from './event-place.ts';
import { type EventFilter, listNextEvents } from './feed.repository.ts';
import { events_at_once, type FollowedEvent, type Follower, followEvents, withFrame } from './follow-events.ts';
import { createOutlet, type Outlet } from './stream-outlet.ts';

export const too_many_streams = defineProblem({
  code: 'too_many_streams',
  status: 429,
  retryable: true,
  retry_after_s: 10,
  title: { en: 'Too many streams', pt: 'Streams demais' },
  detail: {
    en: 'This account has {most} streams open here, which is all that it may. Close one, or share one among those who listen.',
    pt: 'Esta conta tem {most} streams abertos aqui, o máximo permitido. Feche um, ou divida um entre os que escutam.',
  },
  example: { params: { most: 100 } },
});
export const no_stream_free = defineProblem({
  code: 'no_stream_free',
  status: 503,
  retryable: true,
  retry_after_s: 10,
  title: { en: 'No stream is free', pt: 'Nenhum stream livre' },
  detail: {
    en: 'This process has all the streams open that it may. Try again: another process may answer. The feed is there in the meantime.',
    pt: 'Este processo já tem o máximo de streams abertos. Tente de novo: outro processo pode responder. Enquanto isso, use o feed.',
  },
});

export const stream_limits = {
  per_account: 100,
  per_process: 1_000,
  /** What a client may leave unread before it is cut. */
  unread_bytes: 1_000_000,
  heartbeat_ms: 15_000,
  /** A stream ends then, at the latest, so that a key that was revoked does not listen on; clients come back. */
  longest_ms: 300_000,
  poll_ms: 1_000,
};
export type StreamLimits = typeof stream_limits;

export interface StreamStart {
  account_id: string;
  place: Place;
  filter: EventFilter;
  /** The last event before a place that was not asked for by an id: whoever is cut before the first event resumes there. */
  last_id: string | null;
}

export interface EventStreams {
  /** What happens behind the place, as Server-Sent Events. Throws `too_many_streams`, `no_stream_free`. */
  open: (start: StreamStart) => Readable;
}

/** The streams of this process, over one follower per account. All end when `ctx.signal` is aborted. */
export function createEventStreams(ctx: Context, wake: Wake, limits: StreamLimits = stream_limits): EventStreams {
  const followers = new Map<string, Follower>();
  const open = new Map<string, Set<Outlet>>();
  let count = 0;
  ctx.signal.addEventListener('abort', () => {
    for (const stream of [...open.values()].flatMap((streams) => [...streams])) stream.end();
  });

  /** All followers together read at most 500 times a second, however many are called. */
  const gap_ms = () => Math.max(10, 2 * followers.size);
  function followerOf(account_id: string, place: Place): Follower {
    const known = followers.get(account_id);
    if (known) return known;
    const onIdle = () => void followers.delete(account_id);
    const options = { wake, poll_ms: limits.poll_ms, gap_ms, onIdle };
    const follower = followEvents({ db: ctx.db, log: ctx.log, account_id }, place, options);
    followers.set(account_id, follower);
    return follower;
  }

  return {
    open: (start) => {
      const { account_id } = start;
      const own = open.get(account_id) ?? new Set<Outlet>();
      if (own.size >= limits.per_account) throw too_many_streams({ params: { most: limits.per_account } });
      if (count >= limits.per_process) throw no_stream_free();
      const stream = openStream(ctx, start, { limits, followerAt: (place) => followerOf(account_id, place) });
      open.set(account_id, own.add(stream));
      count += 1;
      stream.readable.once('close', () => {
        count -= 1;
        own.delete(stream);
        if (own.size === 0) open.delete(account_id);
      });
      if (ctx.signal.aborted) stream.end();
      return stream.readable;
    },
  };
}

interface StreamDependencies {
  limits: StreamLimits;
  followerAt: (place: Place) => Follower;
}

const isWanted = ({ types, attendance_id }: EventFilter, event: FollowedEvent) =>
  (types?.includes(event.type) ?? true) && (attendance_id ?? event.attendance_id) === event.attendance_id;

/** Catches up, then listens, until the client or its time is gone. */
function openStream(
  ctx: Pick<Context, 'db' | 'log'>,
  { account_id, place: start, filter, last_id }: StreamStart,
  { limits, followerAt }: StreamDependencies,
): Outlet {
  const outlet = createOutlet();
  let place = start;
  let passed_id: string | null = null;
  let follower: Follower | undefined;

  function hear(events: FollowedEvent[]): void {
    for (const event of events) {
      if (comparePlaces(event, place) <= 0) continue;
      place = event;
      passed_id = isWanted(filter, event) ? null : event.id;
      if (passed_id === null) outlet.write(event.frame);
    }
    // A client that does not read: it will resume by its last id.
    if (outlet.unread() > limits.unread_bytes) outlet.readable.destroy();
  }

  async function catchUp(): Promise<void> {
    for (let has_more = true; has_more; ) {
      const piece = await listNextEvents({ db: ctx.db, account_id }, place, filter, events_at_once);
      for (const event of piece.events) {
        outlet.write(withFrame(event).frame);
        await outlet.room();
      }
      place = piece.next;
      has_more = piece.has_more;
      if (outlet.isClosed()) return;
    }
    follower = followerAt(place);
    follower.join(place, hear);
  }

  /** Keeps proxies from closing it; an id alone moves the client's place, so that one with a filter does not fall behind. */
  function beat(): void {
    outlet.write(passed_id === null ? ':\n\n' : `id: ${passed_id}\n:\n\n`);
    passed_id = null;
  }

  const heartbeat = setInterval(beat, limits.heartbeat_ms);
  // Those that came together do not return together.
  const life = setTimeout(outlet.end, limits.longest_ms * (0.8 + 0.2 * Math.random()));
  outlet.readable.once('close', () => {
    clearInterval(heartbeat);
    clearTimeout(life);
    follower?.leave(hear);
  });
  outlet.write(`retry: 2000\n${last_id === null ? '' : `id: ${last_id}\n`}\n`);
  void catchUp().catch((error: unknown) => {
    ctx.log.warn({ err: error, account_id }, 'events.stream_failed');
    outlet.readable.destroy();
  });
  return outlet;
}
