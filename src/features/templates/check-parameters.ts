import { type DefinedProblem, defineProblem } from '../../problem.ts';
import type { FilledSlot } from '../../providers/provider.ts';
import { judgeLocation, judgeMedia } from './judge-media.ts';
import { judgeProduct, judgeSections } from './judge-product.ts';
import { judgeCode, judgeText, judgeTime, type Verdict } from './judge-text.ts';
import { type Fault, violationOf } from './parameter-faults.ts';
import { limits, type Slot } from './slot.ts';
import { isRecord, lengthOf } from './template-component.ts';

export const template_parameters_invalid: DefinedProblem = defineProblem({
  code: 'template_parameters_invalid',
  status: 422,
  title: { en: 'Template parameters do not fit', pt: 'Parâmetros do template inválidos' },
  detail: {
    en: 'The template cannot be filled in with these parameters. `errors` has one entry per slot, with what to do.',
    pt: 'O template não pode ser preenchido com estes parâmetros. `errors` traz uma entrada por campo, com o que fazer.',
  },
  example: {
    errors: [
      {
        pointer: '/template/parameters/body.1',
        code: 'missing',
        detail: { en: 'Send a value for "body.1".', pt: 'Envie um valor para "body.1".' },
      },
    ],
  },
});

/** So that a body full of strange keys is not answered with a far longer one. */
const max_unknown_entries = 100;
const max_listed_keys = 20;

const judges: Record<Slot['type'], (value: unknown, slot: Slot) => Verdict> = {
  text: judgeText,
  url_suffix: judgeText,
  coupon_code: judgeText,
  payload: judgeText,
  flow_token: judgeText,
  product_retailer_id: judgeText,
  otp: judgeCode,
  date_time: judgeTime,
  image: judgeMedia,
  video: judgeMedia,
  document: judgeMedia,
  location: judgeLocation,
  product: judgeProduct,
  product_sections: judgeSections,
  flow_action_data: judgeData,
};

/**
 * Fills the slots, in their order; optional ones left out (or null) are filled with their default, or not in `filled`. Throws
 * `template_parameters_invalid` with one violation per slot. When each value fits but their sum does not, the longest of that text is named.
 */
export function checkParameters(
  slots: Slot[],
  parameters: Record<string, unknown> | undefined,
  pointer_base = '/template/parameters',
): { filled: FilledSlot[] } {
  const given = new Map(Object.entries(parameters ?? {}));
  const { filled, found } = judgeSlots(slots, given);
  found.push(...judgeTotals(slots, filled), ...unknownKeys(slots, given));
  if (found.length === 0) return { filled };
  throw template_parameters_invalid({
    pointer: pointer_base,
    errors: found.map(([key, fault]) => violationOf(pointer_base, key, fault)),
  });
}

type Found = [key: string, fault: Fault][];

function judgeSlots(slots: Slot[], given: Map<string, unknown>): { filled: FilledSlot[]; found: Found } {
  const filled: FilledSlot[] = [];
  const found: Found = [];
  for (const slot of slots) {
    const value = given.get(slot.key) ?? slot.default;
    if (value === undefined && !slot.required) continue;
    const verdict: Verdict = value === undefined ? { fault: 'missing' } : judges[slot.type](value, slot);
    if ('fault' in verdict) found.push([slot.key, verdict]);
    else filled.push(fill(slot, verdict.value));
  }
  return { filled, found };
}

function unknownKeys(slots: Slot[], given: Map<string, unknown>): Found {
  const known = new Set(slots.map((slot) => slot.key));
  const keys = [...known].slice(0, max_listed_keys).join(', ') || '–';
  const unknown = [...given.keys()].filter((key) => !known.has(key));
  return unknown.slice(0, max_unknown_entries).map((key) => [key, { fault: 'unknown', params: { keys } }]);
}

function fill(slot: Slot, value: FilledSlot['value']): FilledSlot {
  const place = slot.index === undefined ? {} : { index: slot.index };
  return { key: slot.key, component: slot.component, ...place, type: slot.type, value };
}

/** A slot's `max_length` leaves one character for each other one of its text; from it follows what all may hold together. */
function judgeTotals(slots: Slot[], filled: FilledSlot[]): Found {
  const values = new Map(filled.map((slot) => [slot.key, slot.value]));
  const texts = slots.filter((slot) => slot.type === 'text');
  return [...new Set(texts.map(componentOf))].flatMap((component): Found => {
    const shares = texts
      .filter((slot) => componentOf(slot) === component)
      .map((slot) => shareOf(slot, values.get(slot.key)));
    const room = Math.max(0, ...shares.map((share) => share.room)) + sum(shares.map((share) => share.times));
    const excess = sum(shares.map((share) => share.used)) - room;
    const longest = shares.toSorted((a, b) => b.used - a.used)[0];
    return excess > 0 && longest ? [[longest.key, { fault: 'together', params: { component, excess } }]] : [];
  });
}

/** Any object, as its flow wants it; only its length as JSON is bounded. */
function judgeData(value: unknown): Verdict {
  if (!isRecord(value)) return { fault: 'object' };
  const { length } = JSON.stringify(value);
  const max = limits.flow_action_data;
  return length > max ? { fault: 'too_long', params: { length, max } } : { value };
}

/** `body` of `body.1`, `cards.0.body` of `cards.0.body.nome`. */
function componentOf({ key }: Slot): string {
  return key.slice(0, key.lastIndexOf('.'));
}

function shareOf({ key, occurrences: times = 1, max_length }: Slot, value: FilledSlot['value'] | undefined) {
  const length = typeof value === 'string' ? lengthOf(value) : 0;
  return { key, times, room: times * ((max_length ?? 1) - 1), used: times * length };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
