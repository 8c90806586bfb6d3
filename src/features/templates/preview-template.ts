import type { Scope } from '../../context.ts';
import { template_not_found } from '../references.ts';
import { template_parameters_invalid } from './check-parameters.ts';
import { fillTemplate, template_component_unsupported } from './fill-template.ts';
import type { ParameterFormat } from './slot.ts';
import type { Component } from './template-component.ts';
import { findTemplate } from './templates.repository.ts';
import type { TemplatePreviewView } from './templates.schema.ts';

export const preview_problems = [template_not_found, template_component_unsupported, template_parameters_invalid];

/** A template of any status as its reader would see it with these parameters; nothing is written or sent. Throws `preview_problems`. */
export async function previewTemplate(
  scope: Pick<Scope, 'db' | 'account_id'>,
  template_id: string,
  parameters: Record<string, unknown> | undefined,
): Promise<TemplatePreviewView> {
  const row = await findTemplate(scope, template_id);
  if (!row) throw template_not_found({ pointer: ':template_id', params: { id: template_id } });
  const template = {
    name: row.name,
    language: row.language,
    parameter_format: row.parameter_format as ParameterFormat,
    components: row.components as Component[],
  };
  const { rendered } = fillTemplate(template, parameters, { template: ':template_id', parameters: '/parameters' });
  return { rendered };
}
