/** The types of what we say to the outside; http-client.ts is the one that says it. */

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /** Sent as it is; JSON callers set `content-type` themselves. */
  body?: string;
  /** From the call to the last byte of the answer, connecting included. */
  timeout_ms: number;
  /** A longer answer is cut and reported as `unanswered` / `too_large`. Default 1 MiB. */
  max_response_bytes?: number;
  /** A longer answer is cut and is `answered` all the same: for who needs the status and no more than a beginning. */
  is_beginning_enough?: boolean;
  signal: AbortSignal;
}

/**
 * `not_sent`: not one byte of the request reached the wire, so a repeat cannot double anything.
 * `unanswered`: bytes may have left and no whole answer came back.
 */
export type HttpOutcome =
  | { kind: 'answered'; status: number; headers: Record<string, string>; body: string }
  | {
      kind: 'not_sent';
      reason: 'dns' | 'refused' | 'tls' | 'connect_timeout' | 'address_not_allowed' | 'url_invalid' | 'aborted';
      detail: string;
    }
  | { kind: 'unanswered'; reason: 'timeout' | 'reset' | 'cut' | 'too_large' | 'aborted'; detail: string };

/** Never throws, never retries, never follows a redirect. */
export type HttpClient = (request: HttpRequest) => Promise<HttpOutcome>;
