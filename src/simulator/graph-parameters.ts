import type { DemoButton, DemoTemplate } from './demo-templates.ts';
import type { GraphRefusal } from './graph-errors.ts';
import { isMembers, type Members } from './json.ts';

const max_length = { header: 60, body: 1024 };

/** Checks the text parameters of a header or body against the variables of its approved text. */
export function refusalOfTexts(
  template: DemoTemplate,
  component: 'header' | 'body',
  text: string,
  parameters: Members[],
  version: string,
): GraphRefusal | null {
  const variables = variablesOf(text);
  const count = countRefusal(component, parameters.length, variables.length);
  if (count) return count;
  const names = template.parameter_format === 'NAMED' ? variables : [];
  return (
    refusalOfNames(component, names, parameters) ??
    firstRefusal(parameters, (parameter) => refusalOfText(component, parameter, version)) ??
    refusalOfLength(component, text, parameters)
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

function refusalOfText(component: string, parameter: Members, version: string): GraphRefusal | null {
  const type = String(parameter.type);
  if (type === 'currency' || type === 'date_time') return null;
  if (type !== 'text') {
    const details = `${component}: Format mismatch, expected TEXT, received ${type.toUpperCase()}`;
    return { error: 'parameter_format', details };
  }
  if (typeof parameter.text !== 'string' || parameter.text === '') {
    return { error: 'parameter_missing', details: 'Parameter of type text is missing text value' };
  }
  if (!/[\n\r\t]| {5,}/.test(parameter.text)) return null;
  // The same fault has another code before v23.0.
  return Number.parseInt(version.slice(1), 10) >= 23 ? { error: 'parameter_text' } : { error: 'invalid_parameter' };
}

function refusalOfLength(component: 'header' | 'body', text: string, parameters: Members[]): GraphRefusal | null {
  const added = parameters.reduce((sum, { text: value }) => sum + (typeof value === 'string' ? value.length : 0), 0);
  const length = text.replace(/\{\{\w+\}\}/g, '').length + added;
  if (length <= max_length[component]) return null;
  const details = `${component}: text has ${length} characters, at most ${max_length[component]} are allowed`;
  return { error: 'text_too_long', details };
}

/** Checks the one parameter that a header of media or a location needs. */
export function refusalOfMedia(format: string, parameters: Members[]): GraphRefusal | null {
  const [parameter] = parameters;
  const kind = format.toLowerCase();
  if (!parameter || parameter.type !== kind) {
    const received = parameter ? String(parameter.type).toUpperCase() : 'UNKNOWN';
    return { error: 'parameter_format', details: `header: Format mismatch, expected ${format}, received ${received}` };
  }
  if (parameters.length > 1) return countRefusal('header', parameters.length, 1);
  const content = parameter[kind];
  if (!isMembers(content))
    return { error: 'parameter_missing', details: `Parameter of type ${kind} is missing ${kind} value` };
  return kind === 'location' ? refusalOfLocation(content) : refusalOfFile(kind, content);
}

function refusalOfFile(kind: string, { id, link }: Members): GraphRefusal | null {
  if ((id === undefined) === (link === undefined)) {
    return { error: 'invalid_parameter', message: `(#100) Param ${kind} must have exactly one of the keys id, link.` };
  }
  if (link === undefined) return typeof id === 'string' && id !== '' ? null : { error: 'parameter_value_invalid' };
  const is_link = typeof link === 'string' && URL.canParse(link) && /^https?:/i.test(link);
  return is_link ? null : { error: 'invalid_parameter', message: `(#100) Param ${kind}['link'] is not a valid URI.` };
}

function refusalOfLocation(location: Members): GraphRefusal | null {
  const within = (value: unknown, limit: number) =>
    (typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) &&
    Math.abs(Number(value)) <= limit;
  if (within(location.latitude, 90) && within(location.longitude, 180)) return null;
  return { error: 'parameter_value_invalid', details: 'header: location needs a latitude and a longitude' };
}

/** Checks that each button with a variable got its parameter, and that no parameter is for a button that takes none. */
export function refusalOfButtons(buttons: DemoButton[], given: Members[], version: string): GraphRefusal | null {
  const astray = given.find((component) => !takes(buttons[Number(component.index)], component.sub_type));
  if (astray) {
    const details = `buttons: Button at index ${astray.index} takes no parameter of sub_type ${astray.sub_type}`;
    return { error: 'parameter_format', details };
  }
  return firstRefusal([...buttons.entries()], ([index, button]) => {
    const component = given.find((one) => Number(one.index) === index);
    const parameters = Array.isArray(component?.parameters) ? component.parameters.filter(isMembers) : [];
    const type = button.type === 'COPY_CODE' ? 'CopyCode' : 'Url';
    if (needsParameter(button) && parameters.length === 0) {
      const details = `buttons: Button at index ${index} of type ${type} requires a parameter`;
      return { error: 'parameter_missing', details };
    }
    if (parameters.length > 1) return countRefusal('buttons', parameters.length, 1);
    return firstRefusal(parameters, (parameter) => refusalOfButtonParameter(button, parameter, version));
  });
}

function refusalOfButtonParameter(button: DemoButton, parameter: Members, version: string): GraphRefusal | null {
  if (button.type === 'URL') return refusalOfText('buttons', parameter, version);
  const key = button.type === 'COPY_CODE' ? 'coupon_code' : 'payload';
  const value = parameter[key];
  if (parameter.type !== key || typeof value !== 'string' || value === '') {
    return { error: 'parameter_missing', details: `Parameter of type ${key} is missing ${key} value` };
  }
  const limit = key === 'coupon_code' ? 20 : 128;
  if (value.length <= limit) return null;
  return { error: 'parameter_value_invalid', details: `buttons: ${key} has more than ${limit} characters` };
}

function needsParameter(button: DemoButton): boolean {
  return button.type === 'COPY_CODE' || variablesOf(button.url ?? '').length > 0;
}

function takes(button: DemoButton | undefined, sub_type: unknown): boolean {
  if (!button || String(sub_type).toUpperCase() !== button.type) return false;
  return button.type === 'QUICK_REPLY' || needsParameter(button);
}

function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name))];
}

function countRefusal(component: string, given: number, expected: number): GraphRefusal | null {
  if (given === expected) return null;
  const details = `${component}: number of localizable_params (${given}) does not match the expected number of params (${expected})`;
  return { error: 'parameter_count', details };
}

function firstRefusal<T>(items: T[], check: (item: T) => GraphRefusal | null): GraphRefusal | null {
  for (const item of items) {
    const refusal = check(item);
    if (refusal) return refusal;
  }
  return null;
}
