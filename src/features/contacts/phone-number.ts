import {
  getCountryCallingCode,
  isSupportedCountry,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import { type DefinedProblem, defineProblem, say, type Text } from '../../problem.ts';

export interface Phone {
  /** As it was typed. */
  input: string;
  /** Canonical E.164; a Brazilian mobile always carries its ninth digit. */
  e164: string;
  /** As people of that country write it, without the country code. */
  national: string;
  /** ISO 3166-1 alpha-2; null for numbers of no single country, such as +800. */
  country: string | null;
  /** `other`: special services, and where the plan does not tell mobiles from landlines (USA). */
  kind: 'mobile' | 'landline' | 'toll_free' | 'other';
  /** What `contacts.phone_key` holds: the same for all ways to write one line. Equal to `e164`, but for Argentina's without its 9. */
  key: string;
  /** Other E.164 forms under which WhatsApp may know the same line. */
  alternates: string[];
}

export const phone_invalid: DefinedProblem = defineProblem({
  code: 'phone_invalid',
  status: 422,
  title: { en: 'Not a phone number', pt: 'Número de telefone inválido' },
  detail: {
    en: '"{input}" is not a valid phone number. Send area code and number, such as (31) 98765-4321, or + and the country code.',
    pt: '"{input}" não é um telefone válido. Envie DDD e número, como (31) 98765-4321, ou + e o código do país.',
  },
  example: { pointer: '/phone', params: { input: '12' } },
});

export const phone_area_code_missing: DefinedProblem = defineProblem({
  code: 'phone_area_code_missing',
  status: 422,
  title: { en: 'Area code missing', pt: 'Falta o DDD' },
  detail: {
    en: '"{input}" has no area code. Put it in front (two digits), such as (31) 98765-4321.',
    pt: '"{input}" está sem DDD. Coloque os dois dígitos do DDD na frente, como em (31) 98765-4321.',
  },
  example: { pointer: '/phone', params: { input: '98888-0001' } },
});

/** Why a number is refused, and what to do; each becomes the detail of one `phone_invalid`. */
const reasons = {
  empty: {
    en: 'The phone number is empty. Send area code and number, such as (31) 98765-4321.',
    pt: 'O telefone está vazio. Envie DDD e número, como (31) 98765-4321.',
  },
  characters: {
    en: '"{input}" has characters that no phone number has. Send digits; spaces, ( ) - . / and a leading + are fine. Leave extensions out.',
    pt: '"{input}" tem caracteres que não cabem em um telefone. Envie dígitos; espaços, ( ) - . / e um + no início são aceitos. Não envie ramal.',
  },
  area_code: {
    en: '"{input}": {area_code} is not a Brazilian area code. Correct it, or write + and the country code for a number abroad.',
    pt: '"{input}": {area_code} não é um DDD do Brasil. Corrija o DDD ou, para número do exterior, escreva + e o código do país.',
  },
  length: {
    en: '"{input}" has too many or too few digits. A Brazilian number has an area code and 8 digits, or 9 for a mobile; a number abroad starts with + and the country code.',
    pt: '"{input}" tem dígitos a mais ou a menos. Um número do Brasil tem DDD e 8 dígitos, ou 9 se for celular; um número do exterior começa com + e o código do país.',
  },
  subscriber: {
    en: '"{input}" is no Brazilian number: after the area code a landline starts with 2 to 5, a mobile with 9.',
    pt: '"{input}" não é um número do Brasil: depois do DDD, um fixo começa com 2 a 5 e um celular com 9.',
  },
  abroad: {
    en: '"{input}" does not exist in the numbering plan of its country. Check the digits; a Brazilian number takes +55 and the area code.',
    pt: '"{input}" não existe no plano de numeração do país. Confira os dígitos; um número do Brasil leva +55 e o DDD.',
  },
} satisfies Record<string, Text>;

type Refusal = { refused: keyof typeof reasons | 'area_code_missing'; area_code?: string };
type Reading = Pick<Phone, 'e164' | 'kind' | 'country' | 'national'> | Refusal;

/** The 67 area codes in use; libphonenumber also takes 76, which nobody has. */
const area_code = /^(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[134579])/;
/** 0800 and its kin, without the trunk 0; no area code has a 0 as second digit, so nothing is ambiguous. */
const service_number = /^(?:[358]00\d{6,7}|900\d{7})$/;
/** Spaces of any kind, invisible marks that come with a paste (such as right-to-left), and what masks are made of. */
const mask = /[\s\p{Cf}\p{Pd}()./]/gu;

/**
 * Reads a number as people type it. `default_country` (ISO 3166-1 alpha-2) is used when no country code is written with
 * `+` or `00`; a provider's `wa_id` therefore needs a `+` in front. Throws `phone_invalid` or `phone_area_code_missing` at `pointer`.
 */
export function readPhone(input: string, default_country: string, pointer: string): Phone {
  const reading = interpret(input, default_country);
  if ('refused' in reading) throw refusal(input, reading, pointer);
  return { input, ...reading, key: keyOf(reading.e164), alternates: alternatesOf(reading.e164) };
}

/**
 * What the repository keeps in `phone_digits` and searches with `like '%' || searchDigits(search) || '%'`: the digits of
 * the key, of its alternates and of a Brazilian mobile without its ninth digit, one blank between them.
 */
export function phoneSearchText(phone_key: string): string {
  const forms = new Set([phone_key, ...alternatesOf(phone_key), withoutNinthDigit(phone_key) ?? phone_key]);
  return [...forms].map((form) => form.slice(1)).join(' ');
}

/**
 * The digits to look for in `phone_digits`: mask, trunk 0, carrier prefix and international 00 are dropped. Empty when the
 * search cannot be a number (it has a letter or no digit); then only names are to be searched.
 */
export function searchDigits(search: string): string {
  const digits = search.replace(mask, '').replace(/^\+/, '');
  if (!/^\d+$/.test(digits)) return '';
  // A single leading 0 may also be the middle of a number ("0988"): without it the search finds more, never less.
  return digits.replace(/^00(?=\d{4})|^0[1-9]\d(?=\d{10,11}$)|^0(?=[1-9])/, '');
}

/** Digits of a country's calling code (ISO 3166-1 alpha-2 in), such as 55. */
export function countryCode(country: string): string {
  return isSupportedCountry(country) ? getCountryCallingCode(country) : '';
}

function interpret(input: string, default_country: string): Reading {
  const typed = input.replace(mask, '');
  if (typed === '') return { refused: 'empty' };
  if (!/^\+?\d+$/.test(typed)) return { refused: 'characters' };
  if (typed.length > 20) return { refused: 'length' };
  const number = default_country === 'BR' && typed.startsWith('00') ? `+${typed.slice(2)}` : typed;
  if (number.startsWith('+55')) return readBrazilian(number.slice(3));
  if (default_country === 'BR' && !number.startsWith('+')) {
    const has_country_code = number.startsWith('55') && number.length >= 12;
    return readBrazilian(has_country_code ? number.slice(2) : number);
  }
  return readForeign(number, default_country);
}

function readBrazilian(typed: string): Reading {
  const national = withoutTrunkPrefix(typed);
  if (service_number.test(national)) return readPlan(parse(`+55${national}`));
  if (national.length === 8 || national.length === 9) return { refused: 'area_code_missing' };
  if (national.length !== 10 && national.length !== 11) return { refused: 'length' };
  if (!area_code.test(national)) return { refused: 'area_code', area_code: national.slice(0, 2) };
  const area = national.slice(0, 2);
  const subscriber = national.slice(2);
  if (/^[2-5]\d{7}$/.test(subscriber)) return brazilian(area + subscriber, 'landline');
  if (/^[6-9]\d{7}$/.test(subscriber)) return brazilian(`${area}9${subscriber}`, 'mobile');
  if (/^9\d{8}$/.test(subscriber)) return brazilian(area + subscriber, 'mobile');
  return { refused: 'subscriber' };
}

/** "0 31 98765-4321" and, with the two digits of a carrier, "0 21 31 98765-4321". */
function withoutTrunkPrefix(typed: string): string {
  if (!typed.startsWith('0')) return typed;
  const rest = typed.slice(1);
  return rest.length === 12 || rest.length === 13 ? rest.slice(2) : rest;
}

function brazilian(national: string, kind: 'mobile' | 'landline'): Reading {
  const cut = national.length - 4;
  const written = `(${national.slice(0, 2)}) ${national.slice(2, cut)}-${national.slice(cut)}`;
  return { e164: `+55${national}`, kind, country: 'BR', national: written };
}

function readForeign(number: string, default_country: string): Reading {
  const parsed = parse(number, default_country);
  if (parsed?.countryCallingCode === '55') return readBrazilian(parsed.nationalNumber);
  // Mexico dropped the 1 of its mobiles in 2019; it lives on in address books and in WhatsApp's ids.
  if (parsed?.countryCallingCode === '52' && /^1\d{10}$/.test(parsed.nationalNumber)) {
    return readPlan(parse(`+52${parsed.nationalNumber.slice(1)}`));
  }
  return readPlan(parsed);
}

/** E.164 has at most 15 digits; some plans have lines with extensions behind that are longer. */
const is_e164 = /^\+[1-9]\d{5,14}$/;

/** Validity, not possibility: "+31 98765-4321" is a Brazilian who left 55 out, and possible in the Netherlands. */
function readPlan(parsed: PhoneNumber | undefined): Reading {
  if (!parsed || !is_e164.test(parsed.number) || !(parsed.isValid() || isTestNumber(parsed.number)))
    return { refused: 'abroad' };
  const kinds: Record<string, Phone['kind']> = { MOBILE: 'mobile', FIXED_LINE: 'landline', TOLL_FREE: 'toll_free' };
  return {
    e164: parsed.number,
    kind: kinds[parsed.getType() ?? ''] ?? 'other',
    country: parsed.country ?? null,
    national: parsed.formatNational(),
  };
}

/** Meta hands out test senders under +1 555, an area code that the plan leaves unassigned. */
function isTestNumber(e164: string): boolean {
  return /^\+1555\d{7}$/.test(e164);
}

function parse(number: string, default_country?: string): PhoneNumber | undefined {
  const known = default_country !== undefined && isSupportedCountry(default_country) ? default_country : undefined;
  return parsePhoneNumberFromString(number, { extract: false, ...(known ? { defaultCountry: known } : {}) });
}

/** What two forms of one number have in common. The 9 says how the line is dialled from abroad, and is no part of its number: no landline has the same without it. */
export function keyOf(e164: string): string {
  const [, national] = /^\+549([1-3]\d{9})$/.exec(e164) ?? [];
  return national === undefined ? e164 : `+54${national}`;
}

/**
 * Only mobiles whose eight digits start with 6 to 9 ever existed without the ninth; +55 11 94004-1234 without it would be
 * +55 11 4004-1234, somebody else's landline.
 */
function alternatesOf(e164: string): string[] {
  const [, brazil] = /^\+55(\d{2}9[6-9]\d{7})$/.exec(e164) ?? [];
  if (brazil) return [`+55${brazil.slice(0, 2)}${brazil.slice(3)}`];
  const [, argentina] = /^\+54(9?[1-3]\d{9})$/.exec(e164) ?? [];
  if (argentina) return [argentina.length === 11 ? `+54${argentina.slice(1)}` : `+549${argentina}`];
  const [, mexico] = /^\+52((?![89]00)\d{10})$/.exec(e164) ?? [];
  return mexico ? [`+521${mexico}`] : [];
}

function withoutNinthDigit(e164: string): string | undefined {
  return /^\+55\d{2}9\d{8}$/.test(e164) ? e164.slice(0, 5) + e164.slice(6) : undefined;
}

function refusal(input: string, { refused, area_code: area }: Refusal, pointer: string) {
  const characters = [...input];
  const shown = characters.length > 32 ? `${characters.slice(0, 32).join('')}…` : input;
  const params = { input: shown, area_code: area };
  if (refused === 'area_code_missing') return phone_area_code_missing({ pointer, params });
  const detail = say(reasons[refused], params);
  return phone_invalid({ pointer, params, errors: [{ pointer, code: phone_invalid.kind.code, detail }] });
}
