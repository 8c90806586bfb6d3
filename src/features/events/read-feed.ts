import type { Scope } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import { beginning, beginning_id, comparePlaces, type Place, readCursor, toCursor } from './event-place.ts';
import { eventText } from './event-text.ts';
import { type EventFilter, type EventPiece, findEdge, findPlace, listNextEvents } from './feed.repository.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export const event_not_found = defineProblem({
  code: 'event_not_found',
  status: 404,
  title: { en: 'No such event', pt: 'Evento inexistente' },
  detail: {
    en: 'There is no event {id}: it was never told to this account, or it is older than events are kept. Go on after a younger one, or without an id, from the oldest there is.',
    pt: 'Não há evento {id}: nunca foi contado a esta conta, ou é mais antigo do que os eventos guardados. Continue a partir de um mais novo, ou sem id, do mais antigo que houver.',
  },
  example: { pointer: '?after', params: { id: '019a0000-0000-7000-8000-0000000000a1' } },
});

export const cursor_expired = defineProblem({
  code: 'cursor_expired',
  status: 410,
  title: { en: 'The cursor is of another database', pt: 'O cursor é de outro banco de dados' },
  detail: {
    en: 'The database was restored since this cursor was given. Begin again with after= the id of the last event that you have, or without after; events that you have had may come again, with the same ids.',
    pt: 'O banco de dados foi restaurado depois que este cursor foi dado. Recomece com after= o id do último evento que você tem, ou sem after; eventos que você já recebeu podem voltar, com os mesmos ids.',
  },
  example: { pointer: '?after' },
});

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Where a stream begins: behind `last_event_id`, else `after`, else now, with the last event before that. Null for a cursor
 * that cannot be read. Throws `event_not_found`, `cursor_expired`.
 */
export async function startOfStream(
  ctx: Ctx,
  { last_event_id, after }: { last_event_id: string | undefined; after: string | undefined },
): Promise<{ place: Place; last_id: string | null } | null> {
  if (last_event_id) return { place: await placeOfEvent(ctx, last_event_id), last_id: null };
  const { place: now, last_id } = await findEdge(ctx);
  // Who is cut before the first event that there is comes back for it.
  if (after === undefined) return { place: now, last_id: last_id ?? beginning_id };
  const place = await placeAfter(ctx, after);
  if (place && comparePlaces(place, now) > 0) await readPiece(ctx, place, { types: null, attendance_id: null }, 1);
  return place && { place, last_id: null };
}

/** The place behind an event; throws `event_not_found`, at `pointer` where it has one. */
async function placeOfEvent(ctx: Ctx, id: string, pointer?: string): Promise<Place> {
  if (id === beginning_id) return beginning;
  const place = uuid.test(id) ? await findPlace(ctx, id) : undefined;
  if (!place)
    throw event_not_found({ ...(pointer === undefined ? {} : { pointer }), params: { id: id.slice(0, 100) } });
  return place;
}

/** Where `after`, a cursor or an event's id, says to begin; null for a cursor that cannot be read. Throws `event_not_found`. */
export async function placeAfter(ctx: Ctx, after: string | undefined): Promise<Place | null> {
  if (after === undefined) return beginning;
  return uuid.test(after) ? placeOfEvent(ctx, after, '?after') : readCursor(after);
}

/** The events behind a place. Throws `cursor_expired`. */
async function readPiece(ctx: Ctx, after: Place, filter: EventFilter, limit: number): Promise<EventPiece> {
  const piece = await listNextEvents(ctx, after, filter, limit);
  if (!piece.is_ours) throw cursor_expired({ pointer: '?after' });
  return piece;
}

/** One page of the feed as JSON: `{data, next_cursor, has_more}`. Throws `cursor_expired`. */
export async function readFeed(
  ctx: Ctx,
  { after, types, limit }: { after: Place; types: readonly string[] | null; limit: number },
): Promise<string> {
  const { events, next, has_more } = await readPiece(ctx, after, { types, attendance_id: null }, limit);
  return `{"data":[${events.map(eventText).join(',')}],"next_cursor":"${toCursor(next)}","has_more":${has_more}}`;
}
