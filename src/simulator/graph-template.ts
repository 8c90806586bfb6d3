import type { DemoComponent, DemoTemplate } from './demo-components.ts';
import { demo_templates } from './demo-templates.ts';
import { isCodeButton, refusalOfButtons, refusalOfCode } from './graph-buttons.ts';
import { refusalOfCarousel, refusalOfOffer } from './graph-carousel.ts';
import type { GraphRefusal } from './graph-errors.ts';
import { refusalOfMedia } from './graph-media.ts';
import { firstRefusal, parametersIn, refusalOfTexts } from './graph-parameters.ts';
import { isMembers, type Members } from './json.ts';

const max_header_length = 60;

/** What a whole template and a card of it have in common. */
interface Part {
  approved: DemoComponent[];
  is_named: boolean;
  max_body_length: number;
  in_card: boolean;
  version: string;
}

/** What Graph holds against a template message: its name, its status, then its parameters; null when nothing. */
export function refusalOfTemplate(template: unknown, version: string): GraphRefusal | null {
  if (!isMembers(template) || typeof template.name !== 'string') {
    return { error: 'invalid_parameter', message: "(#100) The parameter template['name'] is required." };
  }
  const code = isMembers(template.language) ? template.language.code : undefined;
  if (typeof code !== 'string') {
    return { error: 'invalid_parameter', message: "(#100) The parameter template['language']['code'] is required." };
  }
  const found = demo_templates.find((one) => one.name === template.name && one.language === code);
  // One not approved yet is spoken of as if it did not exist.
  if (!found || found.status === 'PENDING' || found.status === 'REJECTED') {
    return { error: 'template_missing', details: `template name (${template.name}) does not exist in ${code}` };
  }
  if (found.status === 'PAUSED') return { error: 'template_paused' };
  return refusalOfComponents(found, template.components ?? [], version);
}

/** What Graph holds against the `components` of a send of this template; null when nothing. */
export function refusalOfComponents(
  { components: approved, parameter_format }: Pick<DemoTemplate, 'components' | 'parameter_format'>,
  components: unknown,
  version: string,
): GraphRefusal | null {
  if (!Array.isArray(components) || !components.every(isMembers)) {
    return { error: 'invalid_parameter', message: "(#100) Param template['components'] must be an array." };
  }
  const max_body_length = approved.some(({ type }) => type === 'LIMITED_TIME_OFFER') ? 600 : 1024;
  const is_named = parameter_format === 'NAMED';
  return refusalOfPart({ approved, is_named, max_body_length, in_card: false, version }, components);
}

function refusalOfPart(part: Part, given: Members[]): GraphRefusal | null {
  const types = given.map((component) => String(component.type).toLowerCase());
  const refusal = refusalOfTypes(types, part.in_card);
  if (refusal) return refusal;
  const givenOf = (type: string) => given[types.indexOf(type)];
  const approvedOf = (type: DemoComponent['type']) => part.approved.find((component) => component.type === type);
  const { version, in_card } = part;
  return (
    withParameters(givenOf('header'), (parameters) => refusalOfHeader(part, approvedOf('HEADER'), parameters)) ??
    withParameters(givenOf('body'), (parameters) => refusalOfBody(part, approvedOf('BODY'), parameters)) ??
    withParameters(givenOf('limited_time_offer'), (parameters) =>
      refusalOfOffer(approvedOf('LIMITED_TIME_OFFER'), givenOf('limited_time_offer'), parameters),
    ) ??
    refusalOfButtons(
      approvedOf('BUTTONS')?.buttons ?? [],
      given.filter((_, at) => types[at] === 'button'),
      { version, in_card },
    ) ??
    refusalOfCodes(part.approved, given) ??
    refusalOfCarousel(approvedOf('CAROUSEL'), givenOf('carousel'), (approved, components) =>
      refusalOfPart({ ...part, approved, max_body_length: 160, in_card: true }, components),
    )
  );
}

function refusalOfTypes(types: string[], in_card: boolean): GraphRefusal | null {
  const known = ['header', 'body', 'button', ...(in_card ? [] : ['carousel', 'limited_time_offer'])];
  const at = types.findIndex((type) => !known.includes(type));
  if (at >= 0) {
    const names = known.map((name) => name.toUpperCase()).join(', ');
    const message = `(#100) Param template['components'][${at}]['type'] must be one of {${names}}.`;
    return { error: 'invalid_parameter', message };
  }
  const single = types.filter((type) => type !== 'button');
  if (new Set(single).size === single.length) return null;
  return { error: 'invalid_parameter', details: 'A component was given twice' };
}

function refusalOfHeader(
  { is_named, version }: Part,
  header: DemoComponent | undefined,
  parameters: Members[],
): GraphRefusal | null {
  if (header?.format !== undefined && header.format !== 'TEXT') return refusalOfMedia(header.format, parameters);
  const text = header?.text ?? '';
  return refusalOfTexts({ component: 'header', text, is_named, max_length: max_header_length, version }, parameters);
}

/** The code in the body and the one in the button are the same. */
function refusalOfCodes(approved: DemoComponent[], given: Members[]): GraphRefusal | null {
  if (!approved.some(({ buttons = [] }) => buttons.some(isCodeButton))) return null;
  const texts = given.map((component) => {
    const parameters = parametersIn(component);
    return 'error' in parameters ? undefined : parameters[0]?.text;
  });
  if (new Set(texts).size <= 1) return null;
  return { error: 'parameter_value_invalid', details: 'The code in the body is not the one in the button' };
}

/** The body of an authentication template takes the code, whose own limit is the narrower one. */
function refusalOfBody(
  { approved, is_named, max_body_length: max_length, version }: Part,
  body: DemoComponent | undefined,
  parameters: Members[],
): GraphRefusal | null {
  const refusal = refusalOfTexts(
    { component: 'body', text: body?.text ?? '', is_named, max_length, version },
    parameters,
  );
  if (refusal || !approved.some(({ buttons = [] }) => buttons.some(isCodeButton))) return refusal;
  return firstRefusal(parameters, ({ text }) => refusalOfCode(String(text)));
}

function withParameters(
  component: Members | undefined,
  judge: (parameters: Members[]) => GraphRefusal | null,
): GraphRefusal | null {
  const parameters = parametersIn(component);
  return 'error' in parameters ? parameters : judge(parameters);
}
