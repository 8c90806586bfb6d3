import type { TemplatesRow } from '../../db/rows.ts';
import { type Component, readSlots } from './template-slots.ts';
import type { TemplateView } from './templates.schema.ts';

/** A template as it is shown, its slots read from its components. */
export function toTemplate(row: TemplatesRow): TemplateView {
  const components = row.components as Component[];
  const parameter_format = row.parameter_format as TemplateView['parameter_format'];
  return {
    id: row.id,
    channel_id: row.channel_id,
    provider_template_id: row.provider_template_id,
    name: row.name,
    language: row.language,
    category: row.category as TemplateView['category'],
    status: row.status as TemplateView['status'],
    quality: row.quality as TemplateView['quality'],
    parameter_format,
    components,
    slots: readSlots(components, parameter_format),
    synced_at: row.synced_at.toISOString(),
  };
}
