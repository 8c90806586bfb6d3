import fc from 'fast-check';
import type { Vault } from '../../src/context.ts';
import { createCorrelator } from '../../src/features/messages/correlator.ts';
import type { InboundEvent } from '../../src/providers/inbound.ts';
import type { Address } from '../../src/providers/provider.ts';

interface Beginning {
  vault: Vault;
  sent: string[];
  told_at: Date;
}

/** What is told, without the ids of one account: the number of a person and of a message of ours stand in. */
export type Told =
  | {
      is: 'message';
      who: number;
      by: number;
      id: number;
      reply_to: number | null;
      opens: boolean;
      name: string | null;
      at: number;
    }
  | {
      is: 'status';
      of: number;
      by: number;
      fact: 'accepted' | 'held' | 'sent' | 'delivered' | 'read' | 'failed';
      names: boolean;
      at: number;
    }
  | { is: 'echo'; of: number; who: number; at: number }
  | { is: 'edit'; id: number; at: number }
  | { is: 'opt_out'; who: number; at: number }
  | { is: 'identity'; who: number; to: number; at: number };

const who = fc.nat(5);
const at = fc.nat(5);
const fact = fc.constantFrom('accepted' as const, 'held', 'sent', 'delivered', 'read', 'failed');
/** One event of any kind. */
export const told: fc.Arbitrary<Told> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('message' as const),
      who,
      by: fc.nat(3),
      id: fc.nat(11),
      reply_to: fc.option(fc.nat(14)),
      opens: fc.integer({ min: 0, max: 4 }).map((one) => one > 0),
      name: fc.constantFrom(null, 'Ana', 'Bia'),
      at,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('status' as const),
      of: fc.nat(4),
      by: fc.nat(2),
      fact,
      names: fc.boolean(),
      at,
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('echo' as const), of: fc.nat(4), who, at }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('edit' as const), id: fc.nat(11), at }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('opt_out' as const), who, at }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('identity' as const), who, to: who, at }) },
);

/** Of one message, one after the other, as a provider tells them. */
export const reports: fc.Arbitrary<Told[]> = fc
  .record({
    of: fc.nat(4),
    by: fc.nat(2),
    names: fc.boolean(),
    facts: fc.array(fc.record({ fact, at }), { minLength: 2, maxLength: 4 }),
  })
  .map(({ facts, ...of }) => facts.map((one) => ({ is: 'status', ...of, ...one })));

/** The names of a person, some or all: what is told of one of them by one name and later by two proves them to be the same. */
function namesOf(person: number, by: number): Address[] {
  const digits = String(5_531_900_000_001 + person);
  const wa_id: Address = { kind: 'wa_id', value: digits };
  const phone: Address = { kind: 'phone', value: `+${digits}` };
  const bsuid: Address = { kind: 'bsuid', value: `BR.${person}` };
  return [[wa_id, phone], [bsuid], [wa_id, phone, bsuid], [wa_id]][by] ?? [];
}

const theirId = (id: number) => (id < 12 ? `theirs-${id}` : `ours-${id - 11}`);

/** The message that has no id yet has none that anybody could tell. */
const echoedId = (one: { of: number; at: number }) => (one.of === 0 ? `typed-${one.at}` : `ours-${one.of}`);

/** As a provider's webhook is read; `sent` are our messages in their order, `told_at` is when its clock begins. */
export function toEvent({ vault, sent, told_at }: Beginning, one: Told): InboundEvent {
  const time = new Date(told_at.getTime() + 1_000 * one.at);
  switch (one.is) {
    case 'message':
      return {
        kind: 'message',
        provider_message_id: theirId(one.id),
        at: time,
        from: { identities: namesOf(one.who, one.by), profile_name: one.name },
        type: one.opens ? 'text' : 'reaction',
        text: `${one.is} ${one.id}`,
        media: null,
        reply_to: one.reply_to === null ? null : theirId(one.reply_to),
        opens: one.opens,
      };
    case 'status': {
      const id = sent[one.of];
      const correlator = one.by === 0 || id === undefined ? null : createCorrelator(vault, id, 1);
      return {
        kind: 'status',
        provider_message_id: one.by === 2 ? `again-${one.of}` : `ours-${one.of}`,
        correlator,
        fact: one.fact,
        at: time,
        error: one.fact === 'failed' ? { code: 'recipient_undeliverable', provider: null } : null,
        identities: one.names ? namesOf(one.of, one.by) : [],
      } as InboundEvent;
    }
    case 'echo':
      return {
        ...{
          kind: 'echo',
          provider_message_id: echoedId(one),
          correlator: null,
          at: time,
          type: 'text',
          media: null,
          is_pending: false,
        },
        ...{ text: 'Digitado', to: { identities: namesOf(one.who, 0), profile_name: null } },
      } as InboundEvent;
    case 'edit':
      return { kind: 'edit', original_id: theirId(one.id), at: time, text: `corrected ${one.at}` };
    case 'opt_out':
      return {
        kind: 'opt_out',
        at: time,
        person: { identities: namesOf(one.who, 0), profile_name: null },
        opted_out: true,
      };
    case 'identity':
      return { kind: 'identity', at: time, before: namesOf(one.who, 0), after: namesOf(one.to, 0) };
  }
}
