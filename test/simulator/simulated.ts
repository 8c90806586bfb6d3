import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { Test } from 'tap';
import { demo_values } from '../../src/simulator/demo-values.ts';
import type { ReceivedEntry } from '../../src/simulator/received.ts';
import { type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import type { WebhookEntry } from '../../src/simulator/webhook-log.ts';

export interface Answered {
  status: number;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of any shape
  body: any;
}

/** Starts a simulator for one test and closes it after; waits are short unless the test says otherwise. */
export async function simulate(t: Test, options: Partial<SimulatorOptions> = {}) {
  const log = pino({ level: 'silent' });
  const short = { slow_ms: 60, silence_ms: 60, webhook_delay_ms: 5, webhook_retry_ms: 5, webhook_timeout_ms: 10_000 };
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log, ...short, ...options });
  t.teardown(() => simulator.close());
  const call = (path: string, init: RequestInit = {}) => fetchJson(`${simulator.url}${path}`, init);
  const received = async (query = ''): Promise<ReceivedEntry[]> => (await call(`/_received${query}`)).body.data;
  const post = (path: string, body: unknown) =>
    call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  /** What was delivered, once nothing is pending any more. */
  const settled = async (): Promise<WebhookEntry[]> => {
    for (;;) {
      const { body } = await call('/_webhooks');
      if (body.pending === 0) return body.data;
      await delay(5);
    }
  };
  return { ...simulator, call, post, received, settled, graph: graphClient(call), evolution: evolutionClient(call) };
}

type Call = (path: string, init?: RequestInit) => Promise<Answered>;

function graphClient(call: Call) {
  const { access_token, phone_number_id } = demo_values.graph;
  const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
  const send = (message: Record<string, unknown>, sender: string = phone_number_id, version = 'v25.0') => {
    const body = JSON.stringify({ messaging_product: 'whatsapp', ...message });
    return call(`/graph/${version}/${sender}/messages`, { method: 'POST', headers, body });
  };
  return {
    send,
    text: (to: string, correlator = 'c-1', sender?: string) =>
      send({ to, type: 'text', text: { body: 'Olá' }, biz_opaque_callback_data: correlator }, sender),
    template: (name: string, components: unknown[] = [], language = 'pt_BR', to = '+5531988880001') =>
      send({ to, type: 'template', template: { name, language: { code: language }, components } }),
    get: (path: string) => call(`/graph/v25.0/${path}`, { headers }),
    post: (path: string, body: unknown) =>
      call(`/graph/v25.0/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
  };
}

function evolutionClient(call: Call) {
  const { api_key, instance } = demo_values.evolution;
  const headers = { apikey: api_key, 'content-type': 'application/json' };
  const post = (path: string, body: unknown) =>
    call(`/evolution${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return {
    post,
    text: (number: string, name: string = instance) => post(`/message/sendText/${name}`, { number, text: 'Olá' }),
    check: (numbers: string[], name: string = instance) => post(`/chat/whatsappNumbers/${name}`, { numbers }),
    state: (name: string) => call(`/evolution/instance/connectionState/${name}`, { headers }),
  };
}

async function fetchJson(url: string, init: RequestInit): Promise<Answered> {
  const answer = await fetch(url, { ...init, signal: init.signal ?? AbortSignal.timeout(60_000) });
  const type = answer.headers.get('content-type') ?? '';
  const text = await answer.text();
  return { status: answer.status, type, body: type.includes('json') ? JSON.parse(text) : text };
}
