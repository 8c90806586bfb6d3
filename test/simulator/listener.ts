import type { Test } from 'tap';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { answer, type Reaction, type ScriptedRequest, startScriptedServer } from '../support/scripted-server.ts';
import { simulate } from './simulated.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of any shape
type Any = any;

/** Gives the challenge back to a handshake; takes every body. */
export const takeAll: Reaction = (socket, request) => {
  const { searchParams } = new URL(request.path, 'http://listener');
  answer(200, request.method === 'GET' ? (searchParams.get('hub.challenge') ?? '') : 'ok')(socket, request);
};

/** A webhook's receiver; `bodies` are those of the POSTs, parsed, in the order in which they came. */
export async function listen(t: Test) {
  const server = await startScriptedServer();
  t.teardown(() => server.close());
  server.script(takeAll);
  const posts = (): ScriptedRequest[] => server.requests.filter(({ method }) => method === 'POST');
  const bodies = (): Any[] => posts().map(({ body }) => JSON.parse(body));
  return { ...server, posts, bodies };
}

/** A simulator with one listener, registered for the demo's business account and instance. */
export async function simulateWebhooks(t: Test, options: Parameters<typeof simulate>[1] = {}) {
  const simulator = await simulate(t, options);
  const listener = await listen(t);
  const { waba_id } = demo_values.graph;
  const callback = { override_callback_uri: `${listener.origin}/graph`, verify_token: 'token-1' };
  const accepted = await simulator.graph.post(`${waba_id}/subscribed_apps`, callback);
  t.same([accepted.status, accepted.body], [200, { success: true }]);
  const webhook = { enabled: true, url: `${listener.origin}/evolution`, headers: { 'x-token': 't-1' }, events: [] };
  t.equal((await simulator.evolution.post('/webhook/set/demo', { webhook })).status, 201);
  return { ...simulator, listener };
}

/** What a body of Graph tells: the statuses' names, the messages' types, or the field. */
export function storyOf(body: Any): string {
  const [{ field, value }] = body.entry[0].changes;
  const statuses = value.statuses?.map(({ status }: Any) => status);
  const messages = value.messages?.map(({ type }: Any) => type);
  return (statuses ?? messages ?? [field]).join('+');
}
