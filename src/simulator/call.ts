import { request as requestOverHttp } from 'node:http';
import { request as requestOverHttps } from 'node:https';

export interface Call {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body?: string;
  timeout_ms: number;
  signal: AbortSignal;
  /** The connection ends in the middle of the body. */
  is_cut?: boolean;
}

/** `status` null: no whole answer came, and `error` says why. */
export interface Called {
  status: number | null;
  /** The first 4 KB of the answer. */
  text: string;
  error: string | null;
}

const max_kept_bytes = 4_096;
const max_read_bytes = 65_536;

/** One request on a connection of its own; follows no redirect, never throws, ends within `timeout_ms`. */
export function callOnce({ method, url, headers, body = '', timeout_ms, signal, is_cut }: Call): Promise<Called> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ status: null, text: '', error: 'closed' });
    const open = url.startsWith('https:') ? requestOverHttps : requestOverHttp;
    const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = open(url, { method, headers: { ...headers, ...length }, agent: false, signal });
    const end = (called: Called) => {
      clearTimeout(timer);
      resolve(called);
    };
    const timer = setTimeout(() => request.destroy(new Error('timeout')), timeout_ms);
    request.on('error', (error: NodeJS.ErrnoException) => {
      end({ status: null, text: '', error: is_cut ? 'cut' : (error.code ?? error.message) });
    });
    request.on('response', (response) => {
      let text = '';
      let read_bytes = 0;
      response.on('data', (chunk: Buffer) => {
        read_bytes += chunk.length;
        if (text.length < max_kept_bytes) text = (text + chunk.toString()).slice(0, max_kept_bytes);
        if (read_bytes > max_read_bytes) request.destroy(new Error('answer too long'));
      });
      response.on('error', () => undefined);
      response.on('close', () => {
        if (response.complete) return end({ status: response.statusCode ?? null, text, error: null });
        end({ status: null, text: '', error: 'answer broken off' });
      });
    });
    if (is_cut) request.write(body.slice(0, Math.ceil(body.length / 2)), () => request.destroy());
    else request.end(body);
  });
}
