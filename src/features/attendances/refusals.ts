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
