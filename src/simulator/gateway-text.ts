import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EvolutionErrorName } from './evolution-errors.ts';
import type { ReceivedEntry } from './received.ts';
import { scriptedFor } from './script.ts';
import { type Answer, playOutcome, type Simulation } from './simulation.ts';
import { digitsOf, waIdOf } from './whatsapp-number.ts';

/** What WAHA, Z-API and WPPConnect share; the script's column for Evolution is theirs too, each tells its faults in its own way. */
export type GatewayFault = EvolutionErrorName;

/** Whom an address names. A linked id hides the number, so nothing can be scripted by it; it is assumed to exist. */
export interface GatewayAddress {
  /** Digits, as WhatsApp writes the number; null for a linked id. */
  wa_id: string | null;
  /** As WhatsApp Web writes it: `…@c.us`, `…@lid`. */
  jid: string;
}

export interface GatewayText {
  protocol: ReceivedEntry['protocol'];
  channel: string;
  /** As the request wrote it. */
  to: string;
  address: GatewayAddress;
  text: string;
  body: unknown;
  /** The id that the caller chose. */
  chosen_id?: string;
  id: string;
  /** Whether the sender has no connection. */
  is_closed: boolean;
  /** `id` null: an answer that forgot it. */
  accepted: (id: string | null) => Answer;
  refused: (fault: GatewayFault) => Answer;
}

/** Records a text and answers it as the script says. A chosen id that came before is taken and not delivered again. */
export async function playText(
  simulation: Simulation,
  request: FastifyRequest,
  reply: FastifyReply,
  { protocol, channel, to, address, text, body, chosen_id, id, is_closed, accepted, refused }: GatewayText,
): Promise<FastifyReply> {
  const { wa_id } = address;
  const entry = { protocol, channel, to, wa_id, type: 'text', text, body, correlator: chosen_id ?? null };
  if (chosen_id !== undefined && isKnown(simulation, channel, chosen_id)) {
    const answer = accepted(id);
    const told = { outcome: 'repeated', accepted: false, status: answer.status, error_code: null };
    simulation.received.add({ ...entry, ...told, provider_message_id: id });
    return reply.code(answer.status).send(answer.body);
  }
  const scripted = wa_id === null ? undefined : scriptedFor(wa_id, 'text');
  return playOutcome<GatewayFault>(simulation, request, reply, {
    entry,
    outcome: is_closed ? 'closed' : (scripted?.name ?? 'accepted'),
    behaviour: is_closed ? { kind: 'refuse', error: 'connection_closed' } : (scripted?.evolution ?? { kind: 'accept' }),
    provider_message_id: id,
    accepted: (variant) => accepted(variant === 'no_id' ? null : id),
    refused: (fault) => ({ ...refused(fault), code: fault }),
    afterwards: () => ({ deliveries: [] }),
  });
}

function isKnown({ received }: Simulation, channel: string, chosen_id: string): boolean {
  return received.list({ channel, correlator: chosen_id, accepted: true }).length > 0;
}

export function gatewayAddress(address: string, is_lid = address.endsWith('@lid')): GatewayAddress {
  if (is_lid) return { wa_id: null, jid: `${digitsOf(address)}@lid` };
  const wa_id = waIdOf(digitsOf(address));
  return { wa_id, jid: `${wa_id}@c.us` };
}

export function isAbsent({ wa_id }: GatewayAddress): boolean {
  const behaviour = wa_id === null ? undefined : scriptedFor(wa_id, 'text')?.evolution;
  return behaviour?.kind === 'refuse' && behaviour.error === 'absent';
}
