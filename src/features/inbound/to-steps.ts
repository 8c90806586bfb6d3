import type { InboundEvent, InboundMessage, InboundStatus } from '../../providers/inbound.ts';
import type { Place } from './receive-message.ts';

/** One event of a body, and where it stands. */
export interface Placed<E extends InboundEvent = InboundEvent> {
  event: E;
  place: Place;
}

export type OtherEvent = Exclude<InboundEvent, { kind: 'message' | 'status' | 'ignored' }>;

/** Messages and reports that have nothing to do with each other; or one event of another kind, which has a step of its own. */
export interface Step {
  messages: Placed<InboundMessage>[];
  statuses: Placed<InboundStatus>[];
  other: Placed<OtherEvent> | null;
}

/**
 * A list of events as steps: who shares a name, a message or a row of `touched` with an earlier event comes in a later step, so
 * that each person's events keep their order. What may touch anybody (an edit, a new number, news of a channel) waits for all before it and is
 * waited for by all after it.
 */
export function toSteps(placed: Placed[], touched: Map<Place, string[]>): Step[] {
  const steps: Step[] = [];
  const last_of = new Map<string, number>();
  /** No event comes before this step any more. */
  let floor = 0;
  for (const { event, place } of placed) {
    switch (event.kind) {
      case 'message':
      case 'status': {
        const keys = [...keysOf(event), ...(touched.get(place) ?? [])];
        const at = keys.reduce((latest, key) => Math.max(latest, (last_of.get(key) ?? -1) + 1), floor);
        for (const key of keys) last_of.set(key, at);
        steps[at] ??= emptyStep();
        if (event.kind === 'message') steps[at].messages.push({ event, place });
        else steps[at].statuses.push({ event, place });
        break;
      }
      case 'edit':
      case 'revoke':
      case 'echo':
      case 'identity':
      case 'opt_out':
      case 'template':
      case 'channel':
        steps.push({ ...emptyStep(), other: { event, place } });
        floor = steps.length;
        break;
      case 'ignored':
        break;
    }
  }
  return steps;
}

const emptyStep = (): Step => ({ messages: [], statuses: [], other: null });

/** Digits alone, for a phone and an id that is made of one are often the same person. */
const nameKey = ({ value }: { value: string }) => `name ${value.replace(/\D/g, '') || value}`;

function keysOf(event: InboundMessage | InboundStatus): string[] {
  if (event.kind === 'message') {
    const { from, provider_message_id, reply_to } = event;
    const messages = reply_to === null ? [provider_message_id] : [provider_message_id, reply_to];
    return [...from.identities.map(nameKey), ...messages.map((id) => `message ${id}`)];
  }
  const { identities, provider_message_id, correlator } = event;
  return [
    ...identities.map(nameKey),
    ...(provider_message_id === null ? [] : [`message ${provider_message_id}`]),
    ...(correlator === null ? [] : [`correlator ${correlator}`]),
  ];
}
