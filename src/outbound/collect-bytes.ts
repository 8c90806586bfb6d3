/** Most answers fit. */
const first_buffer_bytes = 16_384;

/**
 * Up to `max_bytes`, copied into one buffer: chunks of a byte each would cost a hundred times that, and keep alive what they were
 * read into. `add` is false for what goes beyond, of which a beginning is kept.
 */
export function collectBytes(max_bytes: number) {
  let bytes = Buffer.alloc(0);
  let length = 0;
  return {
    add: (chunk: Buffer): boolean => {
      const kept = Math.min(chunk.length, max_bytes - length);
      if (length + kept > bytes.length) {
        const wanted = Math.min(max_bytes, Math.max(length + kept, 2 * bytes.length, first_buffer_bytes));
        const grown = Buffer.allocUnsafe(wanted);
        bytes.copy(grown, 0, 0, length);
        bytes = grown;
      }
      chunk.copy(bytes, length, 0, kept);
      length += kept;
      return kept === chunk.length;
    },
    text: () => bytes.toString('utf8', 0, length),
  };
}
