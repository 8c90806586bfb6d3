import { defineProblem } from '../problem.ts';

export const cursor_invalid = defineProblem({
  code: 'cursor_invalid',
  status: 400,
  title: { en: 'The cursor cannot be used', pt: 'O cursor não pode ser usado' },
  detail: {
    en: 'Use next_cursor of the page before as it was given, with the same filters, or leave it out.',
    pt: 'Use o next_cursor da página anterior como veio, com os mesmos filtros, ou omita-o.',
  },
  example: { pointer: '?cursor' },
});

/** Where a page starts: below this id (lists go by id descending) or above it (ascending). */
export interface PageRequest {
  limit: number;
  after_id: string | null;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Reads `limit` and `cursor` of a query; throws `cursor_invalid`. A cursor is the last id seen, base64url, with its version. */
export function readPage(query: { limit?: number; cursor?: string }): PageRequest {
  const limit = query.limit ?? 25;
  if (query.cursor === undefined) return { limit, after_id: null };
  const [version, id] = Buffer.from(query.cursor, 'base64url').toString().split(':');
  if (version !== '1' || !id || !uuid.test(id)) throw cursor_invalid({ pointer: '?cursor' });
  return { limit, after_id: id };
}

/** A page out of `limit + 1` rows: the surplus one tells that there is more. */
export function toPage<Row extends { id: string }, Item>(
  rows: Row[],
  limit: number,
  render: (row: Row) => Item,
): { data: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next_cursor = rows.length > limit && last ? Buffer.from(`1:${last.id}`).toString('base64url') : null;
  return { data: shown.map(render), next_cursor };
}
