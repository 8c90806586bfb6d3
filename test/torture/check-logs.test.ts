import t from 'tap';
import { checkLogs, type Evidence, type Final } from '../../torture/check-logs.ts';
import type { Try } from '../../torture/clients.ts';

const at = (ms: number) => new Date(Date.UTC(2026, 10, 22, 12) + ms).toISOString();

/** One try of the start number `n`, acknowledged. */
const tried = (n: number, over: Partial<Try> = {}): Try => ({
  ...{ at: at(0), key: `start-${n}`, phone: `+553198000100${n}`, provider: 'evolution', status: 201, code: null },
  ...{ took_ms: 5, attendance_id: `attendance-${n}`, message_id: `message-${n}`, ...over },
});

const arrived = (n: number, accepted = true) => ({
  ...{ wa_id: `55318000100${n}`, accepted, status: accepted ? 200 : null },
  outcome: accepted ? 'accepted' : 'cut_before_acceptance',
});

const read = (over: Partial<Final> = {}): Final => ({
  ...{ attendance_id: 'attendance', status: 'read', error: null, resolutions: [], timeline: [] },
  attempts: [{ number: 1, started_at: at(0), finished_at: at(40), outcome: 'accepted' }],
  ...over,
});

const doubt = (over: Partial<Final> = {}): Final =>
  read({
    ...{
      status: 'unknown',
      error: { code: 'provider_answer_lost' },
      timeline: [{ type: 'message.unknown', at: at(5_100) }],
    },
    attempts: [{ number: 1, started_at: at(0), finished_at: at(5_100), outcome: 'lost' }],
    ...over,
  });

/** Nothing is wrong here: one plain start, one that was retried, and one whose connection was cut. */
const good: Evidence = {
  tries: [
    tried(1),
    tried(2, { status: null, code: 'ECONNRESET', attendance_id: null, message_id: null }),
    tried(2),
    tried(3),
  ],
  arrivals: [arrived(1), arrived(2), arrived(3, false)],
  finals: new Map([
    ['message-1', read()],
    ['message-2', read()],
    ['message-3', doubt()],
  ]),
  attendances: 3,
  lease_ms: 5_000,
  settled: ['read'],
};

const brokenOf = (evidence: Evidence) =>
  checkLogs(evidence).flatMap(({ promise, broken }) => broken.map(() => promise));
const withFinal = (n: number, final: Final | null): Evidence => ({
  ...good,
  finals: new Map([...good.finals, [`message-${n}`, final]]),
});

t.test('where nothing is wrong nothing is found, and everything was looked at', async (t) => {
  t.same(brokenOf(good), []);
  t.ok(checkLogs(good).every(({ checked }) => checked > 0));
});

const plants: [what: string, evidence: Evidence, found: string[]][] = [
  [
    'a start that nobody was told of',
    { ...good, tries: [...good.tries, tried(4, { status: 503, attendance_id: null, message_id: null })] },
    ['every start is acknowledged in the end'],
  ],
  ['an acknowledged message that is gone', withFinal(1, null), ['what was acknowledged is there']],
  [
    'a key with two attendances',
    { ...good, tries: [...good.tries, tried(1, { attendance_id: 'other', message_id: 'other' })] },
    ['one start, one attendance, one message'],
  ],
  ['an attendance too many', { ...good, attendances: 4 }, ['no more attendances than starts']],
  [
    'a message that went out twice',
    { ...good, arrivals: [...good.arrivals, arrived(1)] },
    ['sent at most once without a recorded decision'],
  ],
  [
    'a message to a stranger',
    { ...good, arrivals: [...good.arrivals, { ...arrived(1), wa_id: '553180009999' }] },
    ['nothing is sent that nobody started'],
  ],
  ['read, and the provider never took it', withFinal(3, read()), ['the state shown is the true one']],
  ['taken and reported, and still in doubt', withFinal(1, doubt()), ['the state shown is the true one']],
  ['a message that still waits', withFinal(1, read({ status: 'queued' })), ['the state shown is the true one']],
  ['a doubt without its event', withFinal(3, doubt({ timeline: [] })), ['every doubt is visible']],
  ['a doubt without its error', withFinal(3, doubt({ error: null })), ['every doubt is visible']],
  [
    'an attempt that was held too long',
    withFinal(1, read({ attempts: [{ number: 1, started_at: at(0), finished_at: at(7_001), outcome: 'accepted' }] })),
    ['none is sending longer than its lease + 2 s'],
  ],
  [
    'an attempt without an end',
    withFinal(1, read({ attempts: [{ number: 1, started_at: at(0), finished_at: null, outcome: null }] })),
    ['none is sending longer than its lease + 2 s'],
  ],
  [
    'an attempt without an end, of a message that was shown as a doubt in time',
    withFinal(3, doubt({ attempts: [{ number: 1, started_at: at(0), finished_at: null, outcome: null }] })),
    ['none is sending longer than its lease + 2 s'],
  ],
  [
    'an accident of ours',
    {
      ...good,
      tries: [tried(1, { status: 500, code: 'internal_error', attendance_id: null, message_id: null }), ...good.tries],
    },
    ['every answer is 2xx, 429, 503 or "in progress"'],
  ],
  [
    'a key that did not help',
    { ...good, tries: [...good.tries, tried(1, { status: 409, code: 'attendance_already_open' })] },
    ['every answer is 2xx, 429, 503 or "in progress"'],
  ],
];

t.test('each promise that is broken is found, and no other', async (t) => {
  for (const [what, evidence, found] of plants) t.same(brokenOf(evidence), found, what);
});

t.test('an answer after the sweep is no attempt that was held too long: it was shown as a doubt in time', async (t) => {
  const attempts = [{ number: 1, started_at: at(0), finished_at: at(9_000), outcome: 'accepted' }];
  const timeline = [{ type: 'message.unknown', at: at(5_100) }];
  t.same(brokenOf(withFinal(1, read({ attempts, timeline }))), []);
});

t.test('a recorded decision may send once more', async (t) => {
  const decided = { ...withFinal(1, read({ resolutions: [{}] })), arrivals: [...good.arrivals, arrived(1)] };
  t.same(brokenOf(decided), []);
});
