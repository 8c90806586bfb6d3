import { type Limit, type TokensAsked, type TokensTaken, usable_ms } from './rate-limit.repository.ts';

/**
 * What one process does with the buckets of rate-limit.repository: it takes tokens in blocks, so that a request seldom
 * waits for the database, and no more than `burst + per_second × T` are admitted in any T seconds, by all processes
 * together. Why that holds, for one bucket:
 *
 * 1. A token is in the bucket, held ahead by a process, spent, or void. A request that waits for its take is admitted in
 *    the database, the moment its token is taken: nothing of that is ever held. What is taken ahead of requests may be
 *    spent for `usable_ms` after the take was *sent*, by this process's monotonic clock, hence for less than `usable_ms`
 *    after the database granted it.
 * 2. The row counts what was granted ahead in `lent` for at least `usable_ms` after each grant, so `lent` is never less
 *    than all that is held. Until it has lapsed the bucket fills to `burst − lent` only; after that it goes on from there,
 *    without a jump. So bucket + held ≤ burst at any time.
 * 3. That sum grows by the refill alone, `per_second` at most, on one clock, the database's. What is admitted from a to b
 *    is what it was at a, plus that growth, less what is left or void at b: at most `burst + per_second × (b − a)`.
 *
 * An answer that is lost, a process that dies or is frozen, a limit that changes: all of these only void tokens.
 */
export interface Admission {
  is_admitted: boolean;
  /** The limit with the least left. */
  tightest: Limit;
  remaining: number;
  /** Milliseconds until another try makes sense; 0 when admitted. */
  retry_after_ms: number;
}

export interface TokenGates {
  /** Answers at once from what is held or was refused a moment ago, else when the database has. Throws what the take throws. */
  admit: (account_id: string, limits: readonly [Limit, ...Limit[]]) => Admission | Promise<Admission>;
}

interface Waiter {
  resolve: (admission: Admission) => void;
  reject: (error: unknown) => void;
}

/** All requests of this process under the same limits. */
interface Gate {
  account_id: string;
  limits: readonly [Limit, ...Limit[]];
  waiting: Waiter[];
  is_taking: boolean;
  held: number;
  held_until_ms: number;
  refused_until_ms: number;
  /** As of the last take; before the first as if full. */
  left: readonly number[];
  left_at_ms: number;
  /** Requests since `span_at_ms`, and in the span before it. */
  asked: number;
  asked_before: number;
  span_at_ms: number;
}

interface Tools {
  take: (asked: TokensAsked) => Promise<TokensTaken>;
  now_ms: () => number;
}

/** The time that one block of tokens is meant for: at most 20 takes a second and process while tokens last. */
const block_ms = 50;
const most_gates = 10_000;

/** Gates over buckets; `now_ms` is monotonic. Changed limits have a gate of their own at once. */
export function createTokenGates({
  take,
  now_ms = () => performance.now(),
}: Partial<Tools> & Pick<Tools, 'take'>): TokenGates {
  const gates = new Map<string, Gate>();
  const tools = { take, now_ms };
  return {
    admit: (account_id, limits) => {
      const name = limits.map(({ bucket, per_second, burst }) => `${bucket} ${per_second} ${burst}`).join();
      let gate = gates.get(name);
      if (!gate) {
        // What a dropped one holds is void; its waiters are answered all the same.
        if (gates.size >= most_gates) gates.delete(gates.keys().next().value ?? '');
        gate = createGate(account_id, limits, now_ms());
        gates.set(name, gate);
      }
      return admit(gate, tools);
    },
  };
}

function createGate(account_id: string, limits: Gate['limits'], now_ms: number): Gate {
  return {
    account_id,
    limits,
    waiting: [],
    is_taking: false,
    held: 0,
    held_until_ms: 0,
    refused_until_ms: 0,
    left: limits.map(({ burst }) => burst),
    left_at_ms: now_ms,
    asked: 0,
    asked_before: 0,
    span_at_ms: now_ms,
  };
}

function admit(gate: Gate, tools: Tools): Admission | Promise<Admission> {
  const now_ms = tools.now_ms();
  countDemand(gate, now_ms);
  const known = admitFromMemory(gate, now_ms);
  if (known) return known;
  return new Promise((resolve, reject) => {
    gate.waiting.push({ resolve, reject });
    if (!gate.is_taking) void takeForAll(gate, tools);
  });
}

function admitFromMemory(gate: Gate, now_ms: number): Admission | null {
  if (gate.held >= 1 && now_ms < gate.held_until_ms) {
    gate.held -= 1;
    return describe(gate, true, now_ms);
  }
  return now_ms < gate.refused_until_ms ? describe(gate, false, now_ms) : null;
}

/** One take after another until nobody waits; requests that come meanwhile share the next one. */
async function takeForAll(gate: Gate, tools: Tools): Promise<void> {
  gate.is_taking = true;
  try {
    while (gate.waiting.length > 0) {
      const sent_at_ms = tools.now_ms();
      const waiting = gate.waiting.length;
      const ahead = Math.max(0, Math.min(blockOf(gate), expectedDemand(gate)) - waiting);
      const { account_id, limits } = gate;
      const taken = await tools.take({ account_id, limits, waiting, ahead });
      settle(gate, taken, { waiting, sent_at_ms, now_ms: tools.now_ms() });
    }
  } catch (error) {
    // Nothing is admitted on a guess: these requests end as any does without its database.
    for (const { reject } of gate.waiting.splice(0)) reject(error);
  } finally {
    gate.is_taking = false;
  }
}

function settle(
  gate: Gate,
  { granted, left }: TokensTaken,
  { waiting, sent_at_ms, now_ms }: { waiting: number; sent_at_ms: number; now_ms: number },
): void {
  gate.left = left;
  gate.left_at_ms = now_ms;
  gate.held = Math.max(0, granted - waiting);
  gate.held_until_ms = sent_at_ms + usable_ms;
  const is_short = granted < waiting;
  if (is_short) gate.refused_until_ms = now_ms + blockDue(gate);
  const served = gate.waiting.splice(0, Math.min(granted, waiting));
  for (const { resolve } of served) resolve(describe(gate, true, now_ms));
  // Those that came since: from what is held, else with the next take.
  const late = gate.waiting.splice(0);
  for (const waiter of late) {
    const known = admitFromMemory(gate, now_ms);
    if (known) waiter.resolve(known);
    else gate.waiting.push(waiter);
  }
}

/** Tokens worth `block_ms` of the slowest limit. */
const blockOf = ({ limits }: Gate) =>
  Math.min(...limits.map((limit) => Math.floor((limit.per_second * block_ms) / 1000)));

/**
 * Milliseconds until each bucket has a block (at least one token, at most a quarter of its burst): until then the
 * database is not asked again, and the tokens gather there.
 */
function blockDue(gate: Gate): number {
  const due = gate.limits.map(({ per_second, burst }, place) => {
    const wanted = Math.max(1, Math.min(blockOf(gate), Math.floor(burst / 4)));
    return ((wanted - (gate.left[place] ?? 0)) / per_second) * 1000;
  });
  return Math.max(1, ...due);
}

function countDemand(gate: Gate, now_ms: number): void {
  const spans = Math.floor((now_ms - gate.span_at_ms) / block_ms);
  if (spans > 0) {
    gate.asked_before = spans === 1 ? gate.asked : 0;
    gate.asked = 0;
    gate.span_at_ms += spans * block_ms;
  }
  gate.asked += 1;
}

/** Requests that may come within a span; the first of a quiet time expects nobody behind it, so nothing is taken in vain. */
const expectedDemand = ({ asked, asked_before }: Gate) => Math.max(asked, asked_before);

function describe(gate: Gate, is_admitted: boolean, now_ms: number): Admission {
  const gained_s = (now_ms - gate.left_at_ms) / 1000;
  const remaining = gate.limits.map(({ per_second, burst }, place) =>
    Math.min(burst, (gate.left[place] ?? 0) + gained_s * per_second + gate.held),
  );
  const least = Math.min(...remaining);
  const tightest = gate.limits[remaining.indexOf(least)] ?? gate.limits[0];
  const retry_after_ms = is_admitted ? 0 : gate.refused_until_ms - now_ms;
  return { is_admitted, tightest, remaining: is_admitted ? Math.max(0, Math.floor(least)) : 0, retry_after_ms };
}
