import { type DemoComponent, type DemoTemplate, demo_templates } from './demo-templates.ts';
import type { GraphRefusal } from './graph-errors.ts';
import { refusalOfButtons, refusalOfMedia, refusalOfTexts } from './graph-parameters.ts';
import { isMembers, type Members } from './json.ts';

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
  const components = template.components ?? [];
  if (!Array.isArray(components) || !components.every(isMembers)) {
    return { error: 'invalid_parameter', message: "(#100) Param template['components'] must be an array." };
  }
  return refusalOfComponents(found, components, version);
}

function refusalOfComponents(template: DemoTemplate, given: Members[], version: string): GraphRefusal | null {
  const types = given.map((component) => String(component.type).toLowerCase());
  const unknown = types.find((type) => !['header', 'body', 'button'].includes(type));
  if (unknown !== undefined) {
    const message = `(#100) Param template['components'][${types.indexOf(unknown)}]['type'] must be one of {HEADER, BODY, BUTTON}.`;
    return { error: 'invalid_parameter', message };
  }
  const parametersOf = (type: string) => parametersIn(given[types.indexOf(type)]);
  const partOf = (type: DemoComponent['type']) => template.components.find((component) => component.type === type);
  const header = partOf('HEADER');
  return (
    refusalOfHeader(template, header, parametersOf('header'), version) ??
    refusalOfTexts(template, 'body', partOf('BODY')?.text ?? '', parametersOf('body'), version) ??
    refusalOfButtons(
      partOf('BUTTONS')?.buttons ?? [],
      given.filter((_, at) => types[at] === 'button'),
      version,
    )
  );
}

function refusalOfHeader(
  template: DemoTemplate,
  header: DemoComponent | undefined,
  parameters: Members[],
  version: string,
): GraphRefusal | null {
  if (!header || header.format === 'TEXT' || header.format === undefined) {
    return refusalOfTexts(template, 'header', header?.text ?? '', parameters, version);
  }
  return refusalOfMedia(header.format, parameters);
}

function parametersIn(component: Members | undefined): Members[] {
  const parameters = component?.parameters;
  return Array.isArray(parameters) ? parameters.filter(isMembers) : [];
}
