import t from 'tap';
import { type DoubtDecision, decideDoubt } from '../../../src/features/messages/decide-doubt.ts';
import type { Resolution } from '../../../src/features/messages/dispatch.repository.ts';

const now = new Date('2026-11-22T12:00:00.000Z');
const minute_ms = 60_000;
const resolution = (action: Resolution['action'], policy: string | null): Resolution => ({
  ...{ action, reason: null, at: '2026-11-22T11:00:00.000Z' },
  decided_by: { policy, api_key_id: policy === null ? '019a0000-0000-7000-8000-000000000001' : null, actor: null },
});
const by_policy = [resolution('resend', 'resend')];
const by_person = [resolution('resend', null)];

interface Case {
  age_ms: number;
  policy: string;
  is_silent?: boolean;
  chooses_message_id?: boolean;
  resolutions?: Resolution[];
}
const said = (decision: DoubtDecision) =>
  decision.kind === 'wait' ? `wait ${(decision.until.getTime() - now.getTime()) / minute_ms} min` : decision.kind;
const decide = ({ age_ms, policy, is_silent = false, chooses_message_id = false, resolutions = [] }: Case) =>
  said(
    decideDoubt({ unknown_at: new Date(now.getTime() - age_ms), resolutions }, policy, {
      ...{ now, is_silent, chooses_message_id },
    }),
  );

const young = minute_ms;
const ripe = 15 * minute_ms;
const old = 7 * 24 * 60 * minute_ms;

const cases: [string, Case, string][] = [
  ['hold: a person decides', { policy: 'hold', age_ms: ripe, is_silent: true }, 'wait 5 min'],
  ['hold: a millisecond before 7 days', { policy: 'hold', age_ms: old - 1 }, 'wait 5 min'],
  ['hold: 7 days', { policy: 'hold', age_ms: old }, 'presumed_lost'],
  ['fail: at once', { policy: 'fail', age_ms: 0 }, 'presumed_lost'],
  ['fail: after a resend of a person, too', { policy: 'fail', age_ms: 0, resolutions: by_person }, 'presumed_lost'],
  ['resend: young, though later ones are heard of', { policy: 'resend', age_ms: young, is_silent: true }, 'wait 5 min'],
  ['resend: soon ripe', { policy: 'resend', age_ms: ripe - minute_ms, is_silent: true }, 'wait 1 min'],
  [
    'resend: a millisecond too young',
    { policy: 'resend', age_ms: ripe - 1, is_silent: true },
    `wait ${1 / minute_ms} min`,
  ],
  ['resend: 15 min and silent', { policy: 'resend', age_ms: ripe, is_silent: true }, 'resend'],
  ['resend: 15 min, and nothing is heard of later ones', { policy: 'resend', age_ms: ripe }, 'wait 1 min'],
  ['resend: once', { policy: 'resend', age_ms: ripe, is_silent: true, resolutions: by_policy }, 'wait 5 min'],
  [
    'resend: a person was before',
    { policy: 'resend', age_ms: ripe, is_silent: true, resolutions: by_person },
    'resend',
  ],
  ['resend: 7 days', { policy: 'resend', age_ms: old, is_silent: true }, 'presumed_lost'],
  [
    'resend: an id that could be chosen changes nothing',
    { policy: 'resend', age_ms: young, chooses_message_id: true },
    'wait 5 min',
  ],
  ['resend_same_id: at once', { policy: 'resend_same_id', age_ms: 0, chooses_message_id: true }, 'resend'],
  [
    'resend_same_id: where no id can be chosen',
    { policy: 'resend_same_id', age_ms: ripe, is_silent: true },
    'wait 5 min',
  ],
  [
    'resend_same_id: once',
    {
      policy: 'resend_same_id',
      age_ms: 0,
      chooses_message_id: true,
      resolutions: [resolution('resend', 'resend_same_id')],
    },
    'wait 5 min',
  ],
  ['resend_same_id: 7 days', { policy: 'resend_same_id', age_ms: old, chooses_message_id: true }, 'presumed_lost'],
  ['a policy nobody knows: a person decides', { policy: 'other', age_ms: ripe, is_silent: true }, 'wait 5 min'],
];

t.test('decideDoubt', async (t) => {
  for (const [title, given, decision] of cases) t.equal(decide(given), decision, title);
});
