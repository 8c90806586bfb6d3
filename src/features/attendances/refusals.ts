import { Problem } from '../../problem.ts';

/** Gathers what speaks against a request, in order: a start throws the first of it, a dry run shows all. */
export interface Refusals {
  found: Problem[];
  /** Runs a check; what it refuses is kept, and undefined is returned in its place. */
  check: <T>(work: () => T) => T | undefined;
}

export function createRefusals(): Refusals {
  const found: Problem[] = [];
  return {
    found,
    check: (work) => {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        found.push(error);
        return undefined;
      }
    },
  };
}

/**
 * Runs checks that are made for a start in a request about an attendance that is there: what is refused of a member that this
 * request's body cannot have, such as `/contact`, is refused of the attendance. `members`: those that it has, as in `/text`.
 */
export async function refuseWithin<T>(members: string[], work: () => T | Promise<T>): Promise<T> {
  const point = (pointer: string) =>
    pointer.startsWith('/') && !members.includes(pointer.split('/')[1] ?? '') ? ':attendance_id' : pointer;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { pointer, errors } = error.occurrence;
    throw new Problem(error.kind, {
      ...error.occurrence,
      ...(pointer === undefined ? {} : { pointer: point(pointer) }),
      ...(errors === undefined ? {} : { errors: errors.map((one) => ({ ...one, pointer: point(one.pointer) })) }),
    });
  }
}
