import { type Params, say, type Text, type Violation } from '../../problem.ts';

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
  emoji: ['forbidden_characters', '"{key}" must not hold an emoji.', '"{key}" não pode conter emoji.'],
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
  product: [
    'wrong_type',
    '"{key}" takes an object with `product_retailer_id` and `catalog_id`, both texts, and nothing else.',
    '"{key}" recebe um objeto com `product_retailer_id` e `catalog_id`, em texto, e nada mais.',
  ],
  sections: [
    'wrong_type',
    '"{key}" takes a list of 1 to {max} objects with `title`, a text, and `product_retailer_ids`, a list of at least one text.',
    '"{key}" recebe uma lista de 1 a {max} objetos com `title`, um texto, e `product_retailer_ids`, uma lista de ao menos um texto.',
  ],
  products: [
    'too_long',
    '"{key}" has {length} products in all its sections; at most {max} fit.',
    '"{key}" tem {length} produtos em todas as seções; cabem no máximo {max}.',
  ],
  object: ['wrong_type', '"{key}" takes an object.', '"{key}" recebe um objeto.'],
  time: [
    'wrong_type',
    '"{key}" takes a date and time with its zone, such as 2026-12-01T12:00:00.000Z.',
    '"{key}" recebe data e hora com fuso, como 2026-12-01T12:00:00.000Z.',
  ],
} satisfies Record<string, [Code, string, string]>;

export type Fault = { fault: keyof typeof faults; params?: Params };

const max_shown_key_length = 100;

/** A fault of the value under `key` as an entry of `errors[]`, its pointer below `pointer_base`. */
export function violationOf(pointer_base: string, key: string, { fault, params }: Fault): Violation {
  const [code, en, pt] = faults[fault];
  const text: Text = { en, pt };
  const pointer = `${pointer_base}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return { pointer, code, detail: say(text, { key: key.slice(0, max_shown_key_length), ...params }) };
}
