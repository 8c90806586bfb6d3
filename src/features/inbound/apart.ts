/** What several events of one step touch: rows that each of them alone may change. */
interface Touching {
  /** Ids of contacts and attendances that exist. */
  ids: string[];
  /** It may change more than these, as when two contacts turn out to be one. */
  is_wide: boolean;
}

/** Places of those that share nothing with any other, for one statement; and of those that go one by one after them. */
export function setApart(all: Touching[]): { together: number[]; alone: number[] } {
  const times = new Map<string, number>();
  for (const id of all.flatMap(({ ids }) => [...new Set(ids)])) times.set(id, (times.get(id) ?? 0) + 1);
  const isAlone = ({ ids, is_wide }: Touching) => is_wide || ids.some((id) => (times.get(id) ?? 0) > 1);
  const places = all.map((_, place) => place);
  if (all.length === 1) return { together: places, alone: [] };
  return {
    together: places.filter((place) => !isAlone(all[place] as Touching)),
    alone: places.filter((place) => isAlone(all[place] as Touching)),
  };
}
