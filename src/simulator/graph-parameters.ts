import type { GraphRefusal } from './graph-errors.ts';
import { isMembers, type Members } from './json.ts';

/** What a refusal calls the part, and what its approved text allows. */
interface TextRules {
  component: 'header' | 'body';
  text: string;
  is_named: boolean;
  max_length: number;
  version: string;
}

/** Checks the text parameters of a header or body against the variables of its approved text. */
export function refusalOfTexts(rules: TextRules, parameters: Members[]): GraphRefusal | null {
  const { component, text, version } = rules;
  const variables = variablesOf(text);
  return (
    countRefusal(component, parameters.length, variables.length) ??
    refusalOfNames(component, rules.is_named ? variables : [], parameters) ??
    firstRefusal(parameters, (parameter) => refusalOfText(component, parameter, version)) ??
    refusalOfLength(rules, parameters)
  );
}

function refusalOfNames(component: string, expected: string[], parameters: Members[]): GraphRefusal | null {
  const given = parameters.map((parameter) => parameter.parameter_name);
  const detail = (sentence: string): GraphRefusal => ({
    error: 'parameter_format',
    details: `${component}: ${sentence}`,
  });
  if (expected.length === 0) {
    return given.some((name) => name !== undefined)
      ? detail('Parameter name was given for a positional template')
      : null;
  }
  if (given.some((name) => typeof name !== 'string' || name === ''))
    return detail('Parameter name is missing or empty');
  const absent = expected.find((name) => !given.includes(name));
  return absent === undefined ? null : detail(`Parameter with name ${absent} is missing`);
}

/** Checks one parameter of type text: not empty, no line break, tab, control character or five spaces. */
export function refusalOfText(component: string, parameter: Members, version: string): GraphRefusal | null {
  const type = String(parameter.type);
  if (type === 'currency' || type === 'date_time') return null;
  if (type !== 'text') {
    const details = `${component}: Format mismatch, expected TEXT, received ${type.toUpperCase()}`;
    return { error: 'parameter_format', details };
  }
  if (!isFilled(parameter.text)) return missingValue('text', 'text');
  if (!/[\p{Cc}\u2028\u2029]| {5,}/u.test(parameter.text)) return null;
  // The same fault has another code before v23.0.
  return Number.parseInt(version.slice(1), 10) >= 23 ? { error: 'parameter_text' } : { error: 'invalid_parameter' };
}

function refusalOfLength({ component, text, max_length }: TextRules, parameters: Members[]): GraphRefusal | null {
  const values = new Map(
    variablesOf(text).map((name, place) => {
      const given = parameters.find((parameter) => parameter.parameter_name === name) ?? parameters[place];
      return [name, typeof given?.text === 'string' ? given.text : ''];
    }),
  );
  const rendered = text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values.get(name) ?? '');
  const length = [...rendered].length;
  if (length <= max_length) return null;
  const details = `${component}: text has ${length} characters, at most ${max_length} are allowed`;
  return { error: 'text_too_long', details };
}

/** Names of the variables in an approved text, each once. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name))];
}

/** True for a text with something to be seen in it. */
export function isFilled(value: unknown): value is string {
  return typeof value === 'string' && /[^\s\p{Cf}]/u.test(value);
}

export function missingValue(type: string, value: string): GraphRefusal {
  return { error: 'parameter_missing', details: `Parameter of type ${type} is missing ${value} value` };
}

export function countRefusal(component: string, given: number, expected: number): GraphRefusal | null {
  if (given === expected) return null;
  const details = `${component}: number of localizable_params (${given}) does not match the expected number of params (${expected})`;
  return { error: 'parameter_count', details };
}

/** The refusal of the first item that has one. */
export function firstRefusal<T>(items: T[], check: (item: T) => GraphRefusal | null): GraphRefusal | null {
  for (const item of items) {
    const refusal = check(item);
    if (refusal) return refusal;
  }
  return null;
}

/** A key that an object of Graph's does not have. */
export function refusalOfKeys(name: string, members: Members, known: string[]): GraphRefusal | null {
  const unknown = Object.keys(members).find((key) => !known.includes(key));
  if (unknown === undefined) return null;
  return { error: 'invalid_parameter', message: `(#100) Unexpected key "${unknown}" on param "${name}".` };
}

/** The parameters of a component; anything but a list of objects is a refusal. */
export function parametersIn(component: Members | undefined): Members[] | GraphRefusal {
  const parameters = component?.parameters ?? [];
  if (Array.isArray(parameters) && parameters.every(isMembers)) return parameters;
  return { error: 'invalid_parameter', message: "(#100) Param ['parameters'] must be an array of objects." };
}
