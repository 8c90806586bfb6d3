import type { Order, Spoil } from './webhooks.ts';

export type Fact = 'sent' | 'delivered' | 'read';
export type LateFailure = 'undeliverable' | 'ecosystem_engagement' | 're_engagement';

export type Step =
  /** Graph: all in one body; Evolution has one body for each. */
  | { kind: 'facts'; facts: Fact[] }
  | { kind: 'failed'; error: LateFailure }
  | { kind: 'reply'; type: 'text' | 'image' }
  /** Graph alone knows these two. */
  | { kind: 'opt_out' }
  | { kind: 'number_change' };

/** What follows on an accepted message, by webhook. */
export interface Aftermath {
  steps: Step[];
  order?: Order;
  repeat?: number;
  spoil?: Spoil;
  before_answer?: boolean;
}

const facts = (...names: Fact[]): Step => ({ kind: 'facts', facts: names });
const failed = (error: LateFailure): Step => ({ kind: 'failed', error });
const reply = (type: 'text' | 'image'): Step => ({ kind: 'reply', type });

const sent = facts('sent');
const delivered = facts('delivered');
const read = facts('read');

/** What follows for numbers without a script of their own. */
export const ordinary: Aftermath = { steps: [sent, delivered, read] };

/** Numbers that are accepted like any other; the last four digits say what comes after. */
export const scripted_aftermaths: readonly { digits: string; name: string; aftermath: Aftermath }[] = [
  { digits: '0701', name: 'never_delivered', aftermath: { steps: [] } },
  { digits: '0702', name: 'stays_at_sent', aftermath: { steps: [sent] } },
  { digits: '0703', name: 'read_without_delivered', aftermath: { steps: [sent, read] } },
  { digits: '0704', name: 'undeliverable_later', aftermath: { steps: [failed('undeliverable')] } },
  { digits: '0705', name: 'ecosystem_engagement_later', aftermath: { steps: [failed('ecosystem_engagement')] } },
  { digits: '0706', name: 're_engagement_later', aftermath: { steps: [failed('re_engagement')] } },
  { digits: '0707', name: 'delivered_after_failed', aftermath: { steps: [sent, failed('undeliverable'), delivered] } },
  { digits: '0708', name: 'statuses_before_answer', aftermath: { ...ordinary, before_answer: true } },
  { digits: '0709', name: 'statuses_twice_reversed', aftermath: { ...ordinary, repeat: 2, order: 'reverse' } },
  { digits: '0710', name: 'two_statuses_in_one_body', aftermath: { steps: [sent, facts('delivered', 'read')] } },
  { digits: '0711', name: 'bodies_cut_first', aftermath: { ...ordinary, spoil: 'cut' } },
  { digits: '0712', name: 'bodies_badly_signed_first', aftermath: { ...ordinary, spoil: 'badly_signed' } },
  { digits: '0713', name: 'replies', aftermath: { steps: [sent, delivered, reply('text'), reply('image'), read] } },
  { digits: '0714', name: 'reply_before_statuses', aftermath: { steps: [reply('text'), sent, delivered, read] } },
  { digits: '0715', name: 'opts_out', aftermath: { steps: [sent, delivered, read, { kind: 'opt_out' }] } },
  { digits: '0716', name: 'number_changed', aftermath: { steps: [sent, delivered, { kind: 'number_change' }] } },
];

/** The facts of these steps with the time each has on the network: one after the other, `apart_ms` apart. */
export function timedSteps(steps: Step[], apart_ms: number): { step: Step; at: Date }[] {
  const now = Date.now();
  return steps.map((step, index) => ({ step, at: new Date(now + index * apart_ms) }));
}
