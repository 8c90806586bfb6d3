import { demo_values } from '../../src/simulator/demo-values.ts';
import type { ReceivedEntry } from '../../src/simulator/received.ts';

const answer_within_ms = 60_000;

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of any shape
type Body = any;

export interface RemoteReply {
  status: number;
  headers: Headers;
  body: Body;
}

/** One call over the wire; rejects when the connection breaks or nothing comes for 30 s. */
export async function callOver(
  url: string,
  key: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<RemoteReply> {
  const answer = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    signal: AbortSignal.timeout(answer_within_ms),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
}

/** An account that lives in the database and is spoken to through whichever process serves it. */
export interface RemoteCompany {
  key: string;
  account_id: string;
  /** Starts on the gateway with a text, under an `Idempotency-Key` of the phone. */
  start: (url: string, phone: string, headers?: Record<string, string>) => Promise<RemoteReply>;
  get: (url: string, path: string) => Promise<RemoteReply>;
}

/** An account with a team and a gateway channel on the simulator, made over the wire. */
export async function createRemoteCompany(
  url: string,
  admin_token: string,
  simulator_url: string,
): Promise<RemoteCompany> {
  const made = async (key: string, path: string, body: unknown): Promise<Body> => {
    const { status, body: answer } = await callOver(`${url}${path}`, key, 'POST', body);
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const { id: account_id } = await made(admin_token, '/admin/v1/accounts', { name: 'Loja Exemplo' });
  const { key } = await made(admin_token, `/admin/v1/accounts/${account_id}/api-keys`, { name: 'test' });
  const { id: team_id } = await made(key, '/v1/teams', { name: 'Comercial' });
  const { id: channel_id } = await made(key, '/v1/channels', {
    name: 'Gateway',
    provider: 'evolution',
    base_url: `${simulator_url}/evolution`,
    max_per_second: 100,
    credentials: demo_values.evolution,
  });
  return {
    key,
    account_id,
    start: (at, phone, headers = {}) =>
      callOver(
        `${at}/v1/attendances`,
        key,
        'POST',
        { contact: { phone }, channel_id, team_id, text: 'Olá!' },
        { 'idempotency-key': phone, ...headers },
      ),
    get: (at, path) => callOver(`${at}${path}`, key, 'GET'),
  };
}

/** What the simulator received for a number. */
export async function receivedBy(simulator_url: string, phone: string): Promise<ReceivedEntry[]> {
  const answer = await fetch(`${simulator_url}/_received?to=${encodeURIComponent(`55${phone.replace(/\D/g, '')}`)}`);
  return ((await answer.json()) as { data: ReceivedEntry[] }).data;
}
