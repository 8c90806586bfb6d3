import { Type } from '@sinclair/typebox';
import { inTransaction, type Scope } from '../../context.ts';
import type { AttendancesRow, MessagesRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import type { Address, Provider } from '../../providers/provider.ts';
import { uuid } from '../../random.ts';
import { insertMessage } from '../messages/outgoing.repository.ts';
import { template_not_found } from '../references.ts';
import { template_parameters_invalid } from '../templates/check-parameters.ts';
import { template_component_unsupported } from '../templates/fill-template.ts';
import { readFacts } from './attendance-facts.ts';
import { attendance_not_found, attendance_not_open, getActive } from './attendance-state.ts';
import { toServiceWindow } from './attendance-view.ts';
import { ServiceWindow } from './attendances.schema.ts';
import { checkOptOut, checkReachable, chooseAddress, contact_opted_out, contact_unreachable } from './check-start.ts';
import {
  type ChosenMessage,
  template_not_approved,
  template_not_on_channel,
  template_not_supported,
  templateMessage,
  textMessage,
} from './first-message.ts';
import { createRefusals, refuseWithin } from './refusals.ts';
import type { StartTemplate } from './start-facts.repository.ts';
import type { NewMessageBody } from './verbs.schema.ts';

const service_window_closed = defineProblem({
  code: 'service_window_closed',
  status: 422,
  title: { en: 'Free text may not be sent now', pt: 'Texto livre não pode ser enviado agora' },
  detail: {
    en: 'The service window is {status}: the contact has to write first. Send a template.',
    pt: 'A janela de atendimento está {status}: o contato precisa escrever antes. Envie um template.',
  },
  extra: { service_window: Type.Ref(ServiceWindow) },
  example: {
    pointer: '/text',
    params: { status: 'expired' },
    extra: { service_window: { status: 'expired', expires_at: '2026-11-22T12:00:00.000Z' } },
  },
});

export const send_problems = [
  attendance_not_found,
  attendance_not_open,
  service_window_closed,
  template_not_supported,
  template_not_found,
  template_not_on_channel,
  template_not_approved,
  template_component_unsupported,
  template_parameters_invalid,
  contact_opted_out,
  contact_unreachable,
];

/**
 * Queues a later message of an attendance that is starting or open: text on unofficial channels, and on official ones while
 * the service window is active; a template on official ones at any time. It goes where the attendance goes. Throws `send_problems`.
 */
export async function sendMessage(scope: Scope, attendance_id: string, body: NewMessageBody): Promise<MessagesRow> {
  const send = async (trx: Scope) => {
    const attendance = await getActive(trx, attendance_id);
    const facts = await readFacts(trx, attendance, { template: 'template' in body ? body.template : undefined });
    const { provider, channel, contact, open } = facts;
    const message = chooseMessage(trx, provider, attendance, body, facts.template);
    if (message.template) checkOptOut(contact, facts.template);
    const address = open?.address ?? chooseAddress(provider, channel, contact, null);
    const within_s = body.send_within_s ?? channel.send_within_s;
    const reached = checkReachable(address, message.template ? facts.template : null);
    return insertMessage(trx, toOutgoing(attendance, message, reached, within_s));
  };
  return refuseWithin(['template', 'text'], () => inTransaction(scope, send));
}

function chooseMessage(
  scope: Scope,
  provider: Provider,
  attendance: AttendancesRow,
  body: NewMessageBody,
  template: StartTemplate | null,
): ChosenMessage {
  if ('template' in body) {
    if (provider.type === 'unofficial') throw template_not_supported({ pointer: '/template' });
    const { check, found } = createRefusals();
    const message = templateMessage(body.template, template, attendance.channel_id, { check });
    if (!message || found.length > 0) throw found[0] ?? new Error('a template without a refusal was not filled');
    return message;
  }
  const service_window = toServiceWindow(attendance.window_expires_at, scope.now());
  if (provider.type === 'official' && service_window.status !== 'active') {
    const { status } = service_window;
    throw service_window_closed({ pointer: '/text', params: { status }, extra: { service_window } });
  }
  return textMessage(body.text);
}

/** A chosen message as it is queued, in this attendance and to this address. */
export function toOutgoing(
  { id: attendance_id, contact_id, channel_id }: AttendancesRow,
  { rendered: _, ...content }: ChosenMessage,
  address: Address,
  send_within_s: number,
) {
  const ids = { id: uuid(), attendance_id, contact_id, channel_id };
  return { ...ids, ...content, recipient_kind: address.kind, recipient: address.value, send_within_s };
}
