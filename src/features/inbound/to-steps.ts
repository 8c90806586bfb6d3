import type { InboundEvent, InboundMessage, InboundStatus } from '../../providers/inbound.ts';
import type { Place } from './receive-message.ts';

/** One event of a body, and where it stands. */
export interface Placed<E extends InboundEvent = InboundEvent> {
  event: E;
  place: Place;
}

export type OtherEvent = Exclude<InboundEvent, { kind: 'message' | 'status' | 'ignored' }>;

export type PersonEvent = InboundMessage | InboundStatus;

/** Messages and reports that have nothing to do with each other. */
export interface Step {
  messages: Placed<InboundMessage>[];
  statuses: Placed<InboundStatus>[];
}

/**
 * A list of events in parts: what may touch anybody (an edit, a new number, news of a channel) is a part of its own, for all
 * before it come before it, and who is who is asked anew after it.
 */
export function toParts(placed: Placed[]): (Placed<PersonEvent>[] | Placed<OtherEvent>)[] {
  const parts: (Placed<PersonEvent>[] | Placed<OtherEvent>)[] = [];
  for (const { event, place } of placed) {
    const last = parts.at(-1);
    if (event.kind === 'ignored') continue;
    if (event.kind !== 'message' && event.kind !== 'status') parts.push({ event, place });
    else if (Array.isArray(last)) last.push({ event, place });
    else parts.push([{ event, place }]);
  }
  return parts;
}

/**
 * One part as steps: who shares a name, a message or a row of `touched` with an earlier event, or with one that does, comes
 * in a later step, so that each person's events keep their order. Only what follows a report and says another fact of the same
 * message, such as `delivered` after `sent`, is in its step, behind it.
 */
export function toSteps(part: Placed<PersonEvent>[], touched: Map<Place, string[]>): Step[] {
  const steps: Step[] = [];
  const groups = createGroups();
  for (const { event, place } of part) {
    const at = groups.place([...keysOf(event), ...(touched.get(place) ?? [])], factOf(event));
    steps[at] ??= { messages: [], statuses: [] };
    if (event.kind === 'message') steps[at].messages.push({ event, place });
    else steps[at].statuses.push({ event, place });
  }
  return steps;
}

/**
 * Who shares a key is in one group, also through a third: a report that is found by an id which another report brings is of
 * whomever that one is. A group's events go one step after the other.
 */
function createGroups() {
  const above = new Map<string, string>();
  const last_of = new Map<string, Last>();
  const rootOf = (key: string): string => {
    let root = key;
    for (let next = above.get(root); next !== undefined; next = above.get(root)) root = next;
    return root;
  };
  return {
    /** The step of an event with these keys; `fact` of a report that may share it with others of the same keys. */
    place: (keys: string[], fact: string | null): number => {
      const roots = [...new Set(keys.map(rootOf))];
      const [root] = roots;
      if (root === undefined) return 0;
      const called = keys.join('\n');
      const last = last_of.get(root);
      if (fact !== null && last?.called === called && !last.facts.has(fact)) {
        last.facts.add(fact);
        return last.at;
      }
      const at = roots.reduce((latest, one) => Math.max(latest, (last_of.get(one)?.at ?? -1) + 1), 0);
      for (const one of roots) if (one !== root) above.set(one, root);
      last_of.set(
        root,
        fact === null ? { at, called: null, facts: new Set() } : { at, called, facts: new Set([fact]) },
      );
      return at;
    },
  };
}

/** What a group ended with. */
interface Last {
  at: number;
  /** The keys of all its reports at that step; null where nothing may join it there. */
  called: string | null;
  facts: Set<string>;
}

/** A failure stands for itself: it may end an attendance. */
const factOf = (event: PersonEvent) => (event.kind === 'status' && event.fact !== 'failed' ? event.fact : null);

/** Digits alone, for a phone and an id that is made of one are often the same person. */
const nameKey = ({ value }: { value: string }) => `name ${value.replace(/\D/g, '') || value}`;

function keysOf(event: PersonEvent): string[] {
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
