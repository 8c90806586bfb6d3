import type { Address, OutboundMessage } from '../../src/providers/provider.ts';
import type { Case, InboundCase, ProviderFixtures } from './provider-fixtures.ts';
import type { Reaction } from './scripted-server.ts';

/** What the fixtures of the gateways share; numbers and ids that nobody has. */

export const text = 'Olá Ana, podemos falar agora sobre o seu pedido?';
export const at = new Date(1_790_000_000_000);
export const received_at = new Date('2026-11-22T12:00:00.000Z');

/** The id of a message in its correlator, twice tried. */
export const correlators = [
  'cv1.AZqsEkR2f6uLPH0A2Vd3xQ.1.0123456789abcdef',
  'cv1.AZqsEkR2f6uLPH0A2Vd3xQ.2.fedcba9876543210',
];

export const message: OutboundMessage = {
  to: { kind: 'phone', value: '+5531988880001' },
  content: { type: 'text', text },
  correlator: correlators[0] ?? '',
};

export const to = (kind: Address['kind'], value: string): OutboundMessage => ({ ...message, to: { kind, value } });

export function refusal(title: string, reaction: Reaction, code: string, channel?: string) {
  const expected = { kind: 'refused', error: { code }, channel: channel ? { status: channel } : undefined };
  return { title, answers: [reaction], expected };
}

export function doubt(title: string, reaction: Reaction, channel?: string) {
  const expected = {
    kind: 'ambiguous',
    error: { code: 'provider_answer_lost' },
    channel: channel ? { status: channel } : undefined,
  };
  return { title, answers: [reaction], expected };
}

/** Surely not sent, or not asked. */
export function later(title: string, reaction: Reaction, code: string, channel?: string) {
  const expected = {
    kind: 'unavailable',
    error: { code },
    channel: channel ? { status: channel } : undefined,
  };
  return { title, answers: [reaction], expected };
}

export const state = (title: string, reaction: Reaction, status: string) =>
  ({ title, answers: [reaction], expected: { status } }) satisfies Case<unknown>;

export const unsendable: ProviderFixtures['unsendable'] = [
  { title: 'a BSUID', message: to('bsuid', 'BR.7H2K9Q41ZXCV'), code: 'recipient_address_invalid' },
  { title: 'a group', message: to('wa_id', '120363000000000001@g.us'), code: 'recipient_address_invalid' },
  { title: 'two numbers', message: to('wa_id', '5531988880001,5531988880002'), code: 'recipient_address_invalid' },
  {
    title: 'a template',
    message: {
      ...message,
      content: { type: 'template', name: 'boas_vindas', language: 'pt_BR', parameter_format: 'positional', slots: [] },
    },
    code: 'message_invalid',
  },
];

export const dropped = (title: string, body: unknown, reason: string): InboundCase => ({
  title,
  body,
  expected: [{ kind: 'ignored', reason }],
});
