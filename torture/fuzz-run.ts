import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import fc from 'fast-check';
import { Pool } from 'undici';
import { demo_values } from '../src/simulator/demo-values.ts';
import type { Document } from '../test/support/document.ts';
import { calls, hints } from './fuzz-hints.ts';
import { type Complaint, createComplainer } from './fuzz-judge.ts';
import { type Drawn, type Operated, operationsOf, requestsOf, withIds } from './fuzz-requests.ts';
import { createWorld, type World } from './fuzz-world.ts';

export interface FuzzOptions {
  url: string;
  admin_token: string;
  simulator_url: string;
  document: Document;
  seed: number;
  /** Requests in the air at once. */
  at_once: number;
  /** No more than these … */
  most: number;
  /** … and none once this is true. */
  isOver: () => boolean;
  say: (text: string) => void;
}

export interface FuzzResult {
  requests: number;
  /** Requests that were not HTTP, or hardly. */
  raw_requests: number;
  by_status: Record<string, number>;
  /** Statuses that each operation answered. */
  by_operation: Record<string, Record<string, number>>;
  complaints: Complaint[];
}

/** Lines of our log that tell of an accident; that a provider's call is no JSON is none. */
export const accidentsOf = (lines: Record<string, unknown>[]) =>
  lines.filter(({ level, reason }) => Number(level) >= 50 && reason !== 'the body is no JSON');

const drawn_at_once = 400;
/** For each operation that was not reached. */
const drawn_again = 40;
const answer_within_ms = 40_000;
const most_complaints = 500;
/** An answer that does not end (a stream) is left after its head. */
const streams = ['streamEvents'];

/** Whether one of these statuses that an operation answered is a success. */
export const hasSucceeded = (statuses: Record<string, number> = {}): boolean =>
  Object.keys(statuses).some((status) => status < '300');

/** Draws requests from the document and sends them, a batch after the other; the same seed draws the same ones. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { url, document, seed, most, isOver } = options;
  const operations = operationsOf(document).filter(({ operation }) => !streams.includes(operation.operationId));
  const byId = new Map(operations.map((one) => [one.operation.operationId, one]));
  const drawingOf = (some: Operated[]) => fc.oneof(...some.map((one) => requestsOf({ document, hints, calls }, one)));
  const drawing = drawingOf(operations);
  const world = await createWorld(options);
  const pool = new Pool(url, {
    connections: options.at_once,
    headersTimeout: answer_within_ms,
    bodyTimeout: answer_within_ms,
  });
  const result: FuzzResult = { requests: 0, raw_requests: 0, by_status: {}, by_operation: {}, complaints: [] };
  const complain = createComplainer(document);
  const sendAll = async (drawn: Drawn[]) => {
    const left = drawn.reverse();
    const work = async () => {
      for (let one = left.pop(); one && !isOver(); one = left.pop()) {
        const operated = byId.get(one.operation_id);
        if (operated) await sendOne({ pool, world, operated, drawn: one, complain, result });
      }
    };
    await Promise.all(Array.from({ length: options.at_once }, work));
  };
  try {
    for (let batch = 0; result.requests < most && !isOver(); batch += 1) {
      const numRuns = Math.min(drawn_at_once, most - result.requests);
      await sendAll(fc.sample(drawing, { seed: seed + batch, numRuns }));
      if (batch % 5 === 0) await sendRaw(url, seed + batch, result);
      if (batch % 50 === 49) options.say(`${result.requests} requests, ${result.complaints.length} complaints`);
    }
    // What eight at once do to each other differs from run to run: what none has reached is drawn once more.
    const missed = operations.filter(({ operation }) => !hasSucceeded(result.by_operation[operation.operationId]));
    if (missed.length > 0) await sendAll(fc.sample(drawingOf(missed), { seed, numRuns: drawn_again * missed.length }));
  } finally {
    await pool.close();
  }
  return result;
}

interface Sending {
  pool: Pool;
  world: World;
  operated: Operated;
  drawn: Drawn;
  complain: ReturnType<typeof createComplainer>;
  result: FuzzResult;
}

async function sendOne({ pool, world, operated, drawn, complain, result }: Sending): Promise<void> {
  const sent = fillIn(drawn, operated, world);
  const query = new URLSearchParams(
    sent.query.map(([name, text]): [string, string] => [name, text.toWellFormed()]),
  ).toString();
  result.requests += 1;
  try {
    const answer = await pool.request({
      method: sent.method as 'GET',
      path: query === '' ? sent.path : `${sent.path}?${query}`,
      headers: sent.headers,
      ...(sent.body === undefined ? {} : { body: Buffer.from(sent.body) }),
    });
    const text = await answer.body.text();
    count(result.by_status, answer.statusCode);
    result.by_operation[sent.operation_id] ??= {};
    count(result.by_operation[sent.operation_id] ?? {}, answer.statusCode);
    const { statusCode: status, headers } = answer;
    note(result, complain({ operated, sent, status, headers, text }));
    if (status < 300 && String(headers['content-type']).includes('json'))
      world.learn(sent.path, status, JSON.parse(text));
  } catch (error) {
    note(result, [
      {
        promise: 'status',
        text: `no answer (${error}): ${sent.method} ${sent.path} ${String(sent.body).slice(0, 300)}`,
      },
    ]);
  }
}

/** A seed that finds one fault a thousand times says it once or twice. */
function note(result: FuzzResult, complaints: Complaint[]): void {
  if (result.complaints.length < most_complaints) result.complaints.push(...complaints);
}

function count(into: Record<string, number>, status: number): void {
  into[status] = (into[status] ?? 0) + 1;
}

/** The ids of now, the operator's key where it is wanted, and the signature of a provider's call. */
function fillIn(drawn: Drawn, { path, operation }: Operated, world: World): Drawn {
  const fill = (text: string) => withIds(text, world.find);
  const is_admin = path.startsWith('/admin/') || path === '/metrics';
  const headers = Object.fromEntries(Object.entries(drawn.headers).map(([name, text]) => [name, fill(text)]));
  if (is_admin) headers.authorization = fill((drawn.headers.authorization ?? '').replace('@@key:', '@@admin:'));
  const body = typeof drawn.body === 'string' ? fill(drawn.body) : drawn.body;
  const sent = {
    ...drawn,
    path: fill(drawn.path),
    query: drawn.query.map(([name, text]): [string, string] => [name, fill(text)]),
    headers,
    body,
  };
  if (operation.operationId === 'createChannel') return { ...sent, body: atHome(body, fill('@@graph:0@@')) };
  if (!operation.operationId.startsWith('receiveInbound')) return sent;
  const signature = createHmac('sha256', demo_values.graph.app_secret)
    .update(Buffer.from(body ?? ''))
    .digest('hex');
  // Half of the paths are those of a door that lets them in.
  const nth = drawn.body?.length ?? 0;
  const [channel_id = '', token = ''] = world.find('door', nth % 900).split('/');
  if (nth % 2 === 0) sent.path = path.replace('{channel_id}', channel_id).replace('{token}', token);
  headers['x-hub-signature-256'] = `sha256=${signature}`;
  headers['x-conversar-token'] = token;
  headers['content-type'] ??= 'application/json';
  return sent;
}

/** Without a `base_url` a channel's calls would go to the provider itself: nothing here is for it. */
function atHome(body: Drawn['body'], base_url: string): Drawn['body'] {
  if (typeof body !== 'string' || !body.startsWith('{') || body.includes('"base_url"')) return body;
  return `{"base_url":${JSON.stringify(base_url)}${/^\{\s*\}/.test(body) ? '' : ','}${body.slice(1)}`;
}

const raw_answer_within_ms = 3_000;
const raw_texts = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'TRACE', 'get', 'FOO', ''),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2', 'HTTP/1.1\r\nHost: a\r\nHost: b', ''),
    )
    .map(([method, path, version]) =>
      Buffer.from(`${method} /v1/contacts${path} ${version}\r\nhost: x\r\nconnection: close\r\n\r\n`),
    ),
  fc
    .tuple(
      fc.constantFrom(
        'content-length: 5',
        'content-length: -1',
        'content-length: 1, 2',
        'transfer-encoding: chunked',
        'transfer-encoding: x',
        'expect: 100-continue',
        'expect: x',
        'upgrade: h2c',
        'content-encoding: gzip',
        'x: \u0001',
      ),
      fc.string({ maxLength: 30 }),
    )
    .map(([header, body]) =>
      Buffer.from(
        `POST /v1/contacts HTTP/1.1\r\nhost: x\r\n${header}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${body}`,
      ),
    ),
);

/** Bytes that are hardly HTTP: answered with less than 500 or cut, and the next connection is served. */
async function sendRaw(url: string, seed: number, result: FuzzResult): Promise<void> {
  const texts = fc.sample(raw_texts, { seed, numRuns: 10 });
  await Promise.all(
    texts.map(async (bytes) => {
      result.raw_requests += 1;
      const head = await speak(new URL(url), bytes);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
      if (status >= 500 && status !== 501)
        note(result, [{ promise: 'status', text: `${status} to ${JSON.stringify(bytes.toString('latin1'))}` }]);
    }),
  );
}

function speak({ hostname, port }: URL, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.setTimeout(raw_answer_within_ms, () => socket.destroy());
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
  });
}
