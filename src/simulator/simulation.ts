import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { People } from './people.ts';
import type { Received, ReceivedEntry } from './received.ts';
import type { Behaviour } from './script.ts';
import type { Plan, Webhooks } from './webhooks.ts';

/** What the routes of both protocols share while one simulator runs. */
export interface Simulation {
  received: Received;
  /** Attempts seen for the outcomes that refuse only the first ones, by sender and recipient. */
  attempts: Map<string, number>;
  /** Waited before every answer to a message, after it was recorded. */
  latency_ms: number;
  /** Waited more for a recipient that is scripted as slow. */
  slow_ms: number;
  /** How long a connection without an answer is kept before it is cut. */
  silence_ms: number;
  /** Shares (0 to 1) of the messages not scripted otherwise whose connection is cut before, or after, they were accepted. */
  cut_before: number;
  cut_after: number;
  webhooks: Webhooks;
  people: People;
}

export interface Answer {
  status: number;
  body: unknown;
}

interface Incoming<ErrorName extends string> {
  entry: Pick<
    ReceivedEntry,
    'protocol' | 'channel' | 'to' | 'wa_id' | 'type' | 'text' | 'template' | 'body' | 'correlator'
  >;
  /** What the entry is called when the behaviour is played; a refusal that is over is called `accepted`. */
  outcome: string;
  behaviour: Behaviour<ErrorName>;
  provider_message_id: string;
  accepted: (variant: 'plain' | 'hold' | 'no_id') => Answer;
  refused: (error: ErrorName) => Answer & { code: string };
  /** What webhooks tell once it is accepted. */
  afterwards: () => Plan;
}

const max_recipients_counted = 100_000;

/** Records a well-formed message on arrival, then answers it as the script says, or does not. */
export async function playOutcome<ErrorName extends string>(
  simulation: Simulation,
  request: FastifyRequest,
  reply: FastifyReply,
  incoming: Incoming<ErrorName>,
): Promise<FastifyReply> {
  const behaviour = settle(simulation, incoming);
  const answer = answerTo(behaviour, incoming);
  const accepted = behaviour.kind === 'accept' || ('accepted' in behaviour && behaviour.accepted);
  const entry = simulation.received.add({
    ...incoming.entry,
    outcome: behaviour === incoming.behaviour ? incoming.outcome : nameOf(behaviour),
    accepted,
    status: answer?.status ?? null,
    error_code: answer?.code ?? null,
    provider_message_id: accepted ? incoming.provider_message_id : null,
  });
  request.log.debug({ id: entry.id, to: entry.to.slice(-4), outcome: entry.outcome }, 'simulator.received');

  const is_slow = behaviour.kind === 'accept' && behaviour.with === 'delay';
  const is_held = behaviour.kind === 'accept' && behaviour.with === 'hold';
  if (accepted && isHeard(simulation, entry) && !is_held)
    await playWebhooks(simulation, reply, incoming.afterwards(), is_slow);
  const delay_ms = simulation.latency_ms + (is_slow ? simulation.slow_ms : 0);
  const is_there = await waitForCaller(reply, behaviour.kind === 'silence' ? simulation.silence_ms : delay_ms);
  if (!is_there || !answer) return cut(request, reply);
  return reply.code(answer.status).type(answer.type).send(answer.body);
}

/** Whether the sender has a webhook; gateways but Evolution have none here. */
function isHeard({ webhooks }: Simulation, { protocol, channel }: ReceivedEntry): boolean {
  const calls_back = protocol === 'graph' || protocol === 'evolution';
  return calls_back && webhooks.targets.find(protocol, channel) !== undefined;
}

/** Behind the answer, or the cut; a slow answer is overtaken, and a scripted one waits for its webhooks. */
async function playWebhooks({ webhooks }: Simulation, reply: FastifyReply, plan: Plan, is_slow: boolean) {
  if (plan.before_answer) await webhooks.play(plan);
  else if (is_slow || reply.raw.closed) void webhooks.play(plan);
  else reply.raw.once('close', () => void webhooks.play(plan));
}

/** What a behaviour that is not the scripted one is called. */
function nameOf(behaviour: Behaviour<string>): string {
  if (behaviour.kind !== 'cut') return 'accepted';
  return behaviour.accepted ? 'cut_after_acceptance' : 'cut_before_acceptance';
}

/** The behaviour of this attempt: one that refuses only the first few becomes an acceptance after them, and one that accepts may be cut by chance. */
function settle<ErrorName extends string>(
  simulation: Simulation,
  { behaviour, entry }: Incoming<ErrorName>,
): Behaviour<ErrorName> {
  if (behaviour.kind === 'accept' && behaviour.with === undefined) return cutByChance(simulation) ?? behaviour;
  if (behaviour.kind !== 'refuse' || behaviour.first === undefined) return behaviour;
  const key = `${entry.protocol} ${entry.channel} ${entry.wa_id}`;
  const attempt = (simulation.attempts.get(key) ?? 0) + 1;
  if (simulation.attempts.size >= max_recipients_counted) simulation.attempts.clear();
  simulation.attempts.set(key, attempt);
  return attempt > behaviour.first ? { kind: 'accept' } : behaviour;
}

function cutByChance({ cut_before, cut_after }: Simulation): Behaviour<never> | undefined {
  const chance = Math.random();
  if (chance >= cut_before + cut_after) return undefined;
  return { kind: 'cut', accepted: chance >= cut_before };
}

/** Undefined: no answer will be given. */
function answerTo<ErrorName extends string>(behaviour: Behaviour<ErrorName>, incoming: Incoming<ErrorName>) {
  const json = 'application/json; charset=UTF-8';
  switch (behaviour.kind) {
    case 'accept': {
      const variant = behaviour.with === 'hold' || behaviour.with === 'no_id' ? behaviour.with : 'plain';
      return { ...incoming.accepted(variant), code: null, type: json };
    }
    case 'refuse':
      return { ...incoming.refused(behaviour.error), type: json };
    case 'page': {
      const title = behaviour.status === 500 ? 'Internal Server Error' : 'Bad Gateway';
      const body = `<html><head><title>${behaviour.status} ${title}</title></head><body><h1>${title}</h1></body></html>`;
      return { status: behaviour.status, body, code: null, type: 'text/html; charset=utf-8' };
    }
    case 'cut':
    case 'silence':
      return undefined;
  }
}

/** False when the caller hung up, or the simulator closed, before the time was over. */
async function waitForCaller(reply: FastifyReply, delay_ms: number): Promise<boolean> {
  if (reply.raw.destroyed) return false;
  if (delay_ms === 0) return true;
  const gone = new AbortController();
  const leave = () => gone.abort();
  reply.raw.once('close', leave);
  try {
    await wait(delay_ms, undefined, { signal: gone.signal });
    return true;
  } catch {
    return false;
  } finally {
    reply.raw.off('close', leave);
  }
}

function cut(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
}
