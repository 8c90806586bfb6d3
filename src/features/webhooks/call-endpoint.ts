import type { HttpClient, HttpOutcome } from '../../outbound/outbound.ts';
import { readRetryAfter } from '../../outbound/retry-after.ts';
import { signedHeaders } from './webhook-secret.ts';

/** How an endpoint is called. */
export interface Caller {
  http: HttpClient;
  timeout_ms: number;
  now: () => Date;
  signal: AbortSignal;
}

/** What came of one call. */
export interface Call {
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  /** Null: it was taken (2xx). `aborted`: we gave it up ourselves, which says nothing of the endpoint. */
  error: string | null;
  /** The first 4 KB of the answer; null when none came. */
  response: string | null;
  /** What the endpoint asked us to wait. */
  retry_after_ms: number | null;
}

/** Read of an answer before it is cut. */
const most_read_bytes = 65_536;
const most_kept_characters = 4_096;

/** Posts one event, signed; redirects are not followed, and nothing is repeated here. */
export async function callEndpoint(
  { http, timeout_ms, now, signal }: Caller,
  { url, keys }: { url: string; keys: Buffer[] },
  { id, text }: { id: string; text: string },
): Promise<Call> {
  const started_at = now();
  const begun_ms = performance.now();
  const outcome = await http({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...signedHeaders(keys, id, started_at, text) },
    body: text,
    timeout_ms,
    max_response_bytes: most_read_bytes,
    is_beginning_enough: true,
    signal,
  });
  return { started_at, duration_ms: Math.round(performance.now() - begun_ms), ...judge(outcome, now()) };
}

function judge(outcome: HttpOutcome, now: Date): Omit<Call, 'started_at' | 'duration_ms'> {
  if (outcome.kind !== 'answered')
    return { status_code: null, error: outcome.reason, response: null, retry_after_ms: null };
  const { status, headers, body } = outcome;
  const is_taken = status >= 200 && status < 300;
  return {
    status_code: status,
    error: is_taken ? null : 'status',
    // PostgreSQL keeps neither NUL nor half of a character.
    response: body.slice(0, most_kept_characters).replaceAll('\u0000', '').toWellFormed(),
    retry_after_ms: is_taken ? null : readRetryAfter(headers['retry-after'], now),
  };
}
