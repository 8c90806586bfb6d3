import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { HttpRequest } from '../../src/outbound/outbound.ts';
import { type Reaction, startScriptedServer } from '../support/scripted-server.ts';

async function stage(t: Test) {
  const server = await startScriptedServer();
  const client = createHttpClient({ allowed_private_ranges: ['127.0.0.0/8'] });
  t.teardown(async () => {
    await client.close();
    await server.close();
  });
  const request = { method: 'GET', url: server.origin, timeout_ms: 120_000 } as const;
  const ask = (options: Partial<HttpRequest> = {}) =>
    client.request({ ...request, signal: AbortSignal.timeout(150_000), ...options });
  return { server, ask };
}

t.test('in chunks of a byte each it takes the room of its bytes, not of its chunks', async (t) => {
  const { server, ask } = await stage(t);
  const count = 200_000;
  const all_read = new Promise<void>((resolve) => {
    let chunks = 0;
    const count_chunk = () => {
      chunks += 1;
      if (chunks === count) resolve();
    };
    subscribe('undici:request:bodyChunkReceived', count_chunk);
    t.teardown(() => unsubscribe('undici:request:bodyChunkReceived', count_chunk));
  });
  let finish = () => {};
  server.script((socket) => {
    socket.write('HTTP/1.1 200 Scripted\r\ntransfer-encoding: chunked\r\n\r\n');
    socket.write('1\r\nx\r\n'.repeat(count));
    finish = () => socket.write('0\r\n\r\n');
  });
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heldBytes = () => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = heldBytes();
  const pending = ask();
  await all_read;
  const held = heldBytes() - before;
  finish();
  t.match(await pending, { kind: 'answered', status: 200, body: 'x'.repeat(count) });
  t.ok(held < 40 * count, `${held} bytes`);
});

t.test('a body that grows keeps each of its bytes, and a beginning ends where it was said', async (t) => {
  const { server, ask } = await stage(t);
  const body = Array.from({ length: 30_000 }, (_, place) => `${place},`).join('');
  const inPieces: Reaction = (socket) => {
    socket.write('HTTP/1.1 200 Scripted\r\ntransfer-encoding: chunked\r\n\r\n');
    for (let at = 0, size = 1; at < body.length; at += size, size = 1 + ((size * 7) % 5_003)) {
      const piece = body.slice(at, at + size);
      socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    }
    socket.write('0\r\n\r\n');
  };
  server.script(inPieces);
  t.match(await ask(), { kind: 'answered', body });
  t.match(await ask({ max_response_bytes: body.length }), { kind: 'answered', body });
  t.match(await ask({ max_response_bytes: body.length - 1 }), { kind: 'unanswered', reason: 'too_large' });
  const beginning = await ask({ max_response_bytes: 70_001, is_beginning_enough: true });
  t.match(beginning, { kind: 'answered', status: 200, body: body.slice(0, 70_001) });
});
