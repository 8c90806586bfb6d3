import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** One call of the system gives enough for some hundred ids: asked for each, that call is most of what an id costs. */
const pool = Buffer.alloc(4_096);
let used = pool.length;

/** Fresh random bytes for what may be seen: ids and nonces. Keys and secrets ask the system themselves. */
export function takeRandom(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return Buffer.from(pool.subarray(used - bytes, used));
}

const id_random_bytes = 16;
let msecs = 0;
let seq = 0;

/** A UUID v7. Within this process each is greater than the one before it, for its counter goes on within a millisecond. */
export function uuid(): string {
  const random = takeRandom(id_random_bytes);
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // A bit is left free, so that the counter has room to grow.
    seq = random.readUInt32BE(6) & 0x7fff_ffff;
  } else {
    seq = (seq + 1) >>> 0;
    if (seq === 0) msecs += 1;
  }
  return v7({ random, msecs, seq });
}
