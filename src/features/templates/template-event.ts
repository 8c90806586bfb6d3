import type { Scope } from '../../context.ts';
import type { TemplatesRow } from '../../db/rows.ts';
import { uuid } from '../../random.ts';
import type { NewEvent } from '../events/events.schema.ts';
import { toTemplate } from './template-view.ts';

/** Another status, category or quality of a template, whoever told us. */
export function templateEvent({ account_id, now }: Pick<Scope, 'account_id' | 'now'>, row: TemplatesRow): NewEvent {
  return {
    account_id,
    id: uuid(),
    type: 'template.status_changed',
    attendance_id: null,
    attendance_sequence: null,
    contact_id: null,
    data: toTemplate(row),
    created_at: now(),
  };
}
