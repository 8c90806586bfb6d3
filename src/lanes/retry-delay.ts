const first_ms = 1_000;
const longest_ms = 5 * 60_000;

/**
 * Milliseconds until try number `attempt` + 1: what the provider advised, else 1 s doubled per attempt up to 5 min; with
 * up to 20 % on top, so that those who failed together do not return together.
 */
export function retryDelay(attempt: number, advised_ms: number | null, random: () => number = Math.random): number {
  const base_ms = advised_ms ?? Math.min(first_ms * 2 ** Math.max(0, attempt - 1), longest_ms);
  return Math.round(base_ms * (1 + 0.2 * random()));
}
