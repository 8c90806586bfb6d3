import { type DefinedProblem, defineProblem } from '../../problem.ts';
import type { FilledSlot } from '../../providers/provider.ts';
import { checkParameters } from './check-parameters.ts';
import { renderTemplate } from './render-template.ts';
import type { ParameterFormat } from './slot.ts';
import { type Component, readSlots, unsupportedComponents } from './template-slots.ts';
import type { RenderedTemplateView } from './templates.schema.ts';

export const template_component_unsupported: DefinedProblem = defineProblem({
  code: 'template_component_unsupported',
  status: 422,
  title: { en: 'The template has a part we cannot send', pt: 'O template tem uma parte que não sabemos enviar' },
  detail: {
    en: 'Template {name} has: {components}. Take a template without it.',
    pt: 'O template {name} tem: {components}. Use um template sem isso.',
  },
  example: { pointer: '/template', params: { name: 'boas_vindas', components: 'buttons.order_details' } },
});

interface FillableTemplate {
  name: string;
  language: string;
  parameter_format: ParameterFormat;
  components: Component[];
}

/** Where in the request the template and its parameters stand. */
interface Pointers {
  template: string;
  parameters: string;
}

/** A template filled in and as its reader will see it. Throws `template_component_unsupported`, `template_parameters_invalid`. */
export function fillTemplate(
  { name, language, parameter_format, components }: FillableTemplate,
  parameters: Record<string, unknown> | undefined,
  pointers: Pointers = { template: '/template', parameters: '/template/parameters' },
): { filled: FilledSlot[]; rendered: RenderedTemplateView } {
  const unsupported = unsupportedComponents(components);
  if (unsupported.length > 0) {
    const params = { name, components: unsupported.join(', ') };
    throw template_component_unsupported({ pointer: pointers.template, params });
  }
  const { filled } = checkParameters(readSlots(components, parameter_format), parameters, pointers.parameters);
  return { filled, rendered: renderTemplate(components, filled, language) };
}
