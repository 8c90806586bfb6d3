import type { FilledSlot } from '../../providers/provider.ts';
import type { Fault } from './parameter-faults.ts';
import type { Slot } from './slot.ts';
import { isRecord, lengthOf } from './template-component.ts';

export type Verdict = { value: FilledSlot['value'] } | Fault;

/** Of a text inside an object, in characters. */
export const max_member_length = 1024;

const blank = /^[\s\p{Cf}]*$/u;
const forbidden = /[\p{Cc}\p{Cs}\u2028\u2029]| {5}/u;
/** A payload is read by machines: it may be indented, over lines. */
const forbidden_in_payload = /(?![\n\r\t])\p{Cc}|\p{Cs}/u;
const emoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;

/** A text within the slot's `max_length`. */
export function judgeText(value: unknown, slot: Slot): Verdict {
  if (typeof value !== 'string') return { fault: 'text' };
  const pattern = slot.type === 'payload' ? forbidden_in_payload : forbidden;
  return blankOrForbidden(value, slot.max_length ?? max_member_length, pattern) ?? { value };
}

/** A one-time code: Meta takes neither media nor emoji in an authentication template. */
export function judgeCode(value: unknown, slot: Slot): Verdict {
  if (typeof value === 'string' && emoji.test(value)) return { fault: 'emoji' };
  return judgeText(value, slot);
}

/** A date and time with its zone, as the same instant in UTC. */
export function judgeTime(value: unknown): Verdict {
  if (typeof value !== 'string') return { fault: 'time' };
  const is_whole = /^\d{4}-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i.test(value);
  const time = new Date(value.toUpperCase());
  // In UTC it may be of the year 10000, which has no place in a time of JSON.
  const is_known = time.valueOf() > 0 && time.getUTCFullYear() <= 9999;
  return is_whole && isDayOfItsMonth(value) && is_known ? { value: time.toISOString() } : { fault: 'time' };
}

/** What is wrong with a text of at most `max` characters, whatever it stands for. */
export function blankOrForbidden(text: string, max: number, pattern = forbidden): Fault | undefined {
  if (blank.test(text)) return { fault: 'blank' };
  if (pattern.test(text)) return { fault: 'characters' };
  const length = lengthOf(text);
  return length > max ? { fault: 'too_long', params: { length, max } } : undefined;
}

/** The members that are not null; undefined when it is no object or has a member of another name. */
export function membersOf(value: unknown, names: string[]): Map<string, unknown> | undefined {
  if (!isRecord(value)) return undefined;
  const members = new Map(Object.entries(value).filter(([, member]) => member !== null && member !== undefined));
  return [...members.keys()].every((name) => names.includes(name)) ? members : undefined;
}

/** JavaScript reads 30 February as 2 March. */
function isDayOfItsMonth(text: string): boolean {
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(text.slice(0, 10));
}
