import { createAddressGuard } from '../../outbound/address-guard.ts';
import { type DefinedProblem, defineProblem, type Params, say, type Text, type Violation } from '../../problem.ts';
import type { FilledSlot } from '../../providers/provider.ts';
import { lengthOf, type Slot } from './template-slots.ts';

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

type Code = 'missing' | 'unknown' | 'blank' | 'too_long' | 'wrong_type' | 'forbidden_characters';

/** Every way a value can be wrong: the code in `errors[]`, and what to do about it. */
const faults = {
  missing: ['missing', 'Send a value for "{key}".', 'Envie um valor para "{key}".'],
  unknown: [
    'unknown',
    'The template has no slot "{key}": take it out. Its slots: {keys}.',
    'O template não tem o campo "{key}": retire-o. Campos: {keys}.',
  ],
  blank: ['blank', '"{key}" must not be blank.', '"{key}" não pode ficar em branco.'],
  too_long: [
    'too_long',
    '"{key}" has {length} characters; at most {max} fit.',
    '"{key}" tem {length} caracteres; cabem no máximo {max}.',
  ],
  together: [
    'too_long',
    'The {component} gets too long with all its values. Make them {excess} characters shorter, "{key}" first.',
    'O texto ({component}) fica longo demais com todos os valores. Encurte-os em {excess} caracteres, a começar por "{key}".',
  ],
  characters: [
    'forbidden_characters',
    '"{key}" has a line break, a tab, a control character or more than four spaces in a row. Take them out.',
    '"{key}" tem quebra de linha, tabulação, caractere de controle ou mais de quatro espaços seguidos. Retire-os.',
  ],
  text: ['wrong_type', '"{key}" takes a text, in quotation marks.', '"{key}" recebe um texto, entre aspas.'],
  media: [
    'wrong_type',
    '"{key}" takes an object with either `link` or `media_id`, both texts, and nothing else.',
    '"{key}" recebe um objeto com `link` ou `media_id`, em texto, e nada mais.',
  ],
  document: [
    'wrong_type',
    '"{key}" takes an object with either `link` or `media_id`, and if wanted `filename`, all texts.',
    '"{key}" recebe um objeto com `link` ou `media_id` e, se quiser, `filename`, todos em texto.',
  ],
  link: [
    'wrong_type',
    'The `link` of "{key}" must be a public https address without user name, such as https://example.com/a.jpg.',
    'O `link` de "{key}" deve ser um endereço https público, sem nome de usuário, como https://example.com/a.jpg.',
  ],
  location: [
    'wrong_type',
    '"{key}" takes an object with `latitude`, `longitude`, `name` and `address`, all four.',
    '"{key}" recebe um objeto com `latitude`, `longitude`, `name` e `address`, os quatro.',
  ],
  position: [
    'wrong_type',
    '"{key}": `latitude` goes from -90 to 90 and `longitude` from -180 to 180, with a point for decimals.',
    '"{key}": `latitude` vai de -90 a 90 e `longitude` de -180 a 180, com ponto decimal.',
  ],
} satisfies Record<string, [Code, string, string]>;

type Fault = { fault: keyof typeof faults; params?: Params };
type Verdict = { value: FilledSlot['value'] } | Fault;

const max_member_length = 1024;
const max_id_length = 255;
const max_filename_length = 255;
const max_link_length = 2048;
/** So that a body full of strange keys is not answered with a far longer one. */
const max_unknown_entries = 100;
const max_listed_keys = 20;
const max_shown_key_length = 100;
const blank = /^[\s\p{Cf}]*$/u;
const forbidden = /[\p{Cc}\p{Cs}\u2028\u2029]| {5}/u;
/** A payload is read by machines: it may be indented, over lines. */
const forbidden_in_payload = /(?![\n\r\t])\p{Cc}|\p{Cs}/u;

const judges: Record<Slot['type'], (value: unknown, slot: Slot) => Verdict> = {
  text: judgeText,
  url_suffix: judgeText,
  coupon_code: judgeText,
  payload: judgeText,
  image: judgeMedia,
  video: judgeMedia,
  document: judgeMedia,
  location: judgeLocation,
};

/**
 * Fills the slots, in their order; optional ones left out (or null) are not in `filled`. Throws `template_parameters_invalid`
 * with one violation per slot. When each value fits but their sum does not, the longest of that component is named.
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
    errors: found.map(([key, fault]) => violation(pointer_base, key, fault)),
  });
}

type Found = [key: string, fault: Fault][];

function judgeSlots(slots: Slot[], given: Map<string, unknown>): { filled: FilledSlot[]; found: Found } {
  const filled: FilledSlot[] = [];
  const found: Found = [];
  for (const slot of slots) {
    const value = given.get(slot.key) ?? undefined;
    if (value === undefined && !slot.required) continue;
    const verdict: Verdict = value === undefined ? { fault: 'missing' } : judges[slot.type](value, slot);
    if ('fault' in verdict) found.push([slot.key, verdict]);
    else filled.push(fill(slot, verdict.value));
  }
  return { filled, found };
}

function unknownKeys(slots: Slot[], given: Map<string, unknown>): Found {
  const known = slots.map((slot) => slot.key);
  const keys = known.slice(0, max_listed_keys).join(', ') || '–';
  const unknown = [...given.keys()].filter((key) => !known.includes(key));
  return unknown.slice(0, max_unknown_entries).map((key) => [key, { fault: 'unknown', params: { keys } }]);
}

function violation(pointer_base: string, key: string, { fault, params }: Fault): Violation {
  const [code, en, pt] = faults[fault];
  const text: Text = { en, pt };
  const pointer = `${pointer_base}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return { pointer, code, detail: say(text, { key: key.slice(0, max_shown_key_length), ...params }) };
}

function fill(slot: Slot, value: FilledSlot['value']): FilledSlot {
  const place = slot.index === undefined ? {} : { index: slot.index };
  return { key: slot.key, component: slot.component, ...place, type: slot.type, value };
}

/** A slot's `max_length` leaves one character for each other one; from it follows what all may hold together. */
function judgeTotals(slots: Slot[], filled: FilledSlot[]): Found {
  const values = new Map(filled.map((slot) => [slot.key, slot.value]));
  return (['header', 'body'] as const).flatMap((component): Found => {
    const texts = slots.filter((slot) => slot.component === component && slot.type === 'text');
    const shares = texts.map((slot) => {
      const value = values.get(slot.key);
      const times = slot.occurrences ?? 1;
      return {
        key: slot.key,
        times,
        room: times * ((slot.max_length ?? 1) - 1),
        used: times * lengthOf(`${value ?? ''}`),
      };
    });
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
    const room = Math.max(0, ...shares.map((share) => share.room)) + sum(shares.map((share) => share.times));
    const excess = sum(shares.map((share) => share.used)) - room;
    const longest = shares.toSorted((a, b) => b.used - a.used)[0];
    return excess > 0 && longest ? [[longest.key, { fault: 'together', params: { component, excess } }]] : [];
  });
}

function judgeText(value: unknown, slot: Slot): Verdict {
  if (typeof value !== 'string') return { fault: 'text' };
  const pattern = slot.type === 'payload' ? forbidden_in_payload : forbidden;
  return faultOfText(value, slot.max_length ?? max_member_length, pattern) ?? { value };
}

function faultOfText(text: string, max: number, pattern = forbidden): Fault | undefined {
  if (blank.test(text)) return { fault: 'blank' };
  if (pattern.test(text)) return { fault: 'characters' };
  const length = lengthOf(text);
  return length > max ? { fault: 'too_long', params: { length, max } } : undefined;
}

function judgeMedia(value: unknown, slot: Slot): Verdict {
  const shape: Fault = { fault: slot.type === 'document' ? 'document' : 'media' };
  const members = membersOf(value, slot.type === 'document' ? ['link', 'media_id', 'filename'] : ['link', 'media_id']);
  if (!members) return shape;
  const texts: Record<string, string> = {};
  for (const [name, member] of members) {
    if (typeof member !== 'string') return shape;
    texts[name] = member;
  }
  const { link, media_id, filename } = texts;
  if ((link === undefined) === (media_id === undefined)) return shape;
  const fault =
    (link === undefined ? undefined : faultOfLink(link)) ??
    (media_id === undefined ? undefined : faultOfText(media_id, max_id_length)) ??
    (filename === undefined ? undefined : faultOfText(filename, max_filename_length));
  return fault ?? { value: texts };
}

/** By form only: the provider fetches it, not we. */
function faultOfLink(link: string): Fault | undefined {
  const fault = faultOfText(link, max_link_length);
  if (fault) return fault;
  const is_public = createAddressGuard({ allowed_private_ranges: [] }).checkUrl(link).ok;
  // The URL parser forgives blanks and backslashes; whoever fetches the link may not.
  return is_public && /^https:\/\/[^\s\\]+$/i.test(link) ? undefined : { fault: 'link' };
}

function judgeLocation(value: unknown): Verdict {
  const members = membersOf(value, ['latitude', 'longitude', 'name', 'address']);
  if (members?.size !== 4) return { fault: 'location' };
  const latitude = degrees(members.get('latitude'), 90);
  const longitude = degrees(members.get('longitude'), 180);
  if (latitude === undefined || longitude === undefined) return { fault: 'position' };
  const name = members.get('name');
  const address = members.get('address');
  if (typeof name !== 'string' || typeof address !== 'string') return { fault: 'location' };
  const fault = faultOfText(name, max_member_length) ?? faultOfText(address, max_member_length);
  return fault ?? { value: { latitude, longitude, name, address } };
}

/** As a plain decimal text with at most six places, which is a tenth of a metre. */
function degrees(value: unknown, max: number): string | undefined {
  if (typeof value === 'string' && !/^[+-]?\d{1,3}(?:\.\d{1,20})?$/.test(value)) return undefined;
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return Math.abs(number) <= max ? String(Number(number.toFixed(6)) || 0) : undefined;
}

/** The members that are not null; undefined when it is no object or has a member of another name. */
function membersOf(value: unknown, names: string[]): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const members = new Map(Object.entries(value).filter(([, member]) => member !== null && member !== undefined));
  return [...members.keys()].every((name) => names.includes(name)) ? members : undefined;
}
