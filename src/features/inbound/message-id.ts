/** A second of the provider's clock, which tells no milliseconds. */
const clock_slack_ms = 999;

const place_bits = 12;

/** Events of one body that have ids of their own; Meta puts up to 1,000 into one. */
export const most_places = 2 ** place_bits;

const ones = (bits: number) => (1n << BigInt(bits)) - 1n;

/**
 * The id (UUID v7) of what an item of a body becomes: the same however often the body is expanded, and in the order of
 * the conversation. The time in it is that of its arrival, or the provider's where it came late (a repeat after an outage);
 * below it stand how late it came, the arrival among those of one millisecond, and the place in the body, from 0 to below
 * `most_places`.
 */
export function messageIdOf(body_id: string, place: number, at: Date): string {
  const received_ms = arrivedAt(body_id).getTime();
  const time_ms = Math.max(0, Math.min(received_ms, at.getTime() + clock_slack_ms));
  const late_ms = BigInt(received_ms - time_ms) & ones(32);
  const arrival = arrivalOf(body_id) & ones(30);
  const rest = (late_ms << 42n) | (arrival << BigInt(place_bits)) | (BigInt(place) & ones(place_bits));
  const high = (BigInt(time_ms) << 16n) | (7n << 12n) | (rest >> 62n);
  const low = (2n << 62n) | (rest & ones(62));
  const hex = high.toString(16).padStart(16, '0') + low.toString(16).padStart(16, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The time in a UUID v7: of a request's id, that of its arrival. */
export function arrivedAt(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 13).replace('-', ''), 16));
}

/** The counter that a UUID v7 carries after its time: it grows within a millisecond. */
function arrivalOf(id: string): bigint {
  const bits = BigInt(`0x${id.replaceAll('-', '')}`);
  return (((bits >> 64n) & ones(12)) << 20n) | ((bits >> 42n) & ones(20));
}
