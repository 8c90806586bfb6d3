import { type Aftermath, scripted_aftermaths } from './aftermath.ts';
import type { EvolutionErrorName } from './evolution-errors.ts';
import type { GraphErrorName } from './graph-errors.ts';

/** What a protocol does with a message. `accepted` means: the real world would have delivered it. */
export type Behaviour<ErrorName extends string> =
  | { kind: 'accept'; with?: 'hold' | 'delay' | 'no_id' }
  /** `first`: only that many attempts per sender and recipient are refused, later ones accepted. */
  | { kind: 'refuse'; error: ErrorName; first?: number }
  | { kind: 'cut'; accepted: boolean }
  | { kind: 'silence' }
  | { kind: 'page'; status: 500 | 502; accepted: boolean };

interface ScriptedOutcome {
  /** The recipient's last four digits, with or without the ninth digit. */
  digits: string;
  /** Stands as `outcome` in `GET /_received`. */
  name: string;
  /** Texts to this number are accepted. */
  template_only?: true;
  graph: Behaviour<GraphErrorName>;
  evolution: Behaviour<EvolutionErrorName>;
  /** What webhooks tell afterwards; without it: sent, delivered, read. */
  aftermath?: Aftermath;
}

const accept = { kind: 'accept' } as const;

/** Both tables; docs/simulator.md says the same in words, and a test holds the two together. */
export const script: readonly ScriptedOutcome[] = [
  { digits: '0000', name: 'never_answered', graph: { kind: 'silence' }, evolution: { kind: 'silence' } },
  {
    digits: '0131',
    name: 'ecosystem_engagement',
    graph: { kind: 'refuse', error: 'ecosystem_engagement' },
    evolution: accept,
  },
  {
    digits: '0190',
    name: 'token_expired',
    graph: { kind: 'refuse', error: 'token_expired' },
    evolution: { kind: 'refuse', error: 'unauthorized' },
  },
  {
    digits: '0200',
    name: 'answer_without_id',
    graph: { kind: 'accept', with: 'no_id' },
    evolution: { kind: 'accept', with: 'no_id' },
  },
  { digits: '0202', name: 'held', template_only: true, graph: { kind: 'accept', with: 'hold' }, evolution: accept },
  {
    digits: '0404',
    name: 'not_on_whatsapp',
    graph: { kind: 'refuse', error: 'undeliverable' },
    evolution: { kind: 'refuse', error: 'absent' },
  },
  {
    digits: '0408',
    name: 'slow',
    graph: { kind: 'accept', with: 'delay' },
    evolution: { kind: 'accept', with: 'delay' },
  },
  {
    digits: '0415',
    name: 'template_paused',
    template_only: true,
    graph: { kind: 'refuse', error: 'template_paused' },
    evolution: accept,
  },
  {
    digits: '0429',
    name: 'rate_limited_twice',
    graph: { kind: 'refuse', error: 'rate_limit_hit', first: 2 },
    evolution: { kind: 'refuse', error: 'rate_overlimit', first: 2 },
  },
  {
    digits: '0430',
    name: 'rate_limited',
    graph: { kind: 'refuse', error: 'rate_limit_hit' },
    evolution: { kind: 'refuse', error: 'rate_overlimit' },
  },
  {
    digits: '0463',
    name: 'restricted',
    graph: { kind: 'refuse', error: 'spam_rate_limit' },
    evolution: { kind: 'refuse', error: 'reachout_timelock' },
  },
  {
    digits: '0498',
    name: 'cut_after_acceptance',
    graph: { kind: 'cut', accepted: true },
    evolution: { kind: 'cut', accepted: true },
  },
  {
    digits: '0499',
    name: 'cut_before_acceptance',
    graph: { kind: 'cut', accepted: false },
    evolution: { kind: 'cut', accepted: false },
  },
  {
    digits: '0500',
    name: 'html_500',
    graph: { kind: 'page', status: 500, accepted: false },
    evolution: { kind: 'page', status: 500, accepted: false },
  },
  {
    digits: '0502',
    name: 'html_502_after_acceptance',
    graph: { kind: 'page', status: 502, accepted: true },
    evolution: { kind: 'page', status: 502, accepted: true },
  },
  {
    digits: '0503',
    name: 'unavailable_twice',
    graph: { kind: 'refuse', error: 'service_unavailable', first: 2 },
    evolution: { kind: 'refuse', error: 'connection_closed', first: 2 },
  },
  ...scripted_aftermaths.map((one) => ({ ...one, graph: accept, evolution: accept })),
];

/** The scripted outcome of a number, by its last four digits; undefined means: accepted, then delivered and read. */
export function scriptedFor(digits: string, type: string): ScriptedOutcome | undefined {
  const last_four = digits.slice(-4);
  return script.find((one) => one.digits === last_four && (one.template_only !== true || type === 'template'));
}
