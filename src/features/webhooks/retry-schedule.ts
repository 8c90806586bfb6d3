/** Failed so often in a row, an endpoint is in trouble: paused, and then asked with one delivery at a time. */
export const trouble = 5;

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waited before attempt 2, 3 …, counted from the failure of the one before: 75 h 35 min in all. */
const delays_ms = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
const longest_advised_ms = 24 * hour;

/**
 * Milliseconds until the next attempt after number `tries` failed, ±20 % so that those who failed together do not return together;
 * null when that was the last one (the 10th). What the endpoint asked for counts where it is longer, up to 24 h.
 */
export function nextAttemptIn(
  tries: number,
  advised_ms: number | null,
  random: () => number = Math.random,
): number | null {
  const planned_ms = delays_ms[tries - 1];
  if (planned_ms === undefined) return null;
  const jittered_ms = Math.round(planned_ms * (0.8 + 0.4 * random()));
  return Math.max(jittered_ms, Math.min(advised_ms ?? 0, longest_advised_ms));
}
