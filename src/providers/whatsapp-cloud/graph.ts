import type { HttpOutcome } from '../../outbound/outbound.ts';
import type { ChannelNews, ProviderCall, ProviderError } from '../provider.ts';
import { type Answer, ask, isObject, type Json, objectAt, providerError, readJson, scrub, stringOf } from '../wire.ts';
import { judgeGraphFault, type Verdict } from './error-table.ts';

export const provider_name = 'whatsapp_cloud';

/** `unreadable`: neither JSON of Graph's nor its error envelope, whatever the status says. */
export type GraphReading =
  | { kind: 'read'; body: Json }
  | { kind: 'fault'; verdict: Verdict; error: ProviderError; channel?: ChannelNews }
  | { kind: 'unreadable'; message: string };

/** Asks Graph about one object; `path` starts with `/` and its segments are encoded. */
export function askGraph(
  call: ProviderCall,
  request: { path: string; body?: Json; max_response_bytes?: number },
): Promise<HttpOutcome> {
  const { access_token = '' } = call.credentials;
  const path = `/${encodeURIComponent(call.graph_version)}${request.path}`;
  return ask(call, { ...request, path, headers: { authorization: `Bearer ${access_token}` } });
}

/** Reads an answer of Graph's; an error envelope counts with any status, since Meta sends it with 200 to 503. */
export function readGraph(answer: Answer, secrets: string[]): GraphReading {
  const body = readJson(answer.body);
  const fault = isObject(body) ? objectAt(body, 'error') : {};
  const code = integerOf(fault.code);
  if (code !== null) return readFault(answer, code, fault, secrets);
  if (isObject(body) && answer.status >= 200 && answer.status < 300) return { kind: 'read', body };
  return { kind: 'unreadable', message: `HTTP ${answer.status} without an answer of Graph's` };
}

function readFault(answer: Answer, code: number, fault: Json, secrets: string[]): GraphReading {
  const verdict = judgeGraphFault({
    code,
    subcode: integerOf(fault.error_subcode),
    is_transient: fault.is_transient === true,
    http_status: answer.status,
  });
  const message = scrub(describe(fault), secrets);
  const said = { code: String(code), message, trace_id: stringOf(fault.fbtrace_id) };
  const error = providerError(provider_name, verdict.code, said);
  const channel = verdict.channel ? { channel: { status: verdict.channel, detail: `${code}: ${message}` } } : {};
  return { kind: 'fault', verdict: withAdvisedDelay(verdict, code, answer), error, ...channel };
}

/** `message` (in webhooks also `title`) and the more telling `details`, which some answers give as a bare string. */
export function describe(fault: Json): string {
  const data = isObject(fault.error_data) ? fault.error_data.details : fault.error_data;
  const parts = [fault.title, fault.message, data].filter(
    (part): part is string => typeof part === 'string' && part !== '',
  );
  return [...new Set(parts)].join(' — ');
}

/** 4 and 80007 tell in a header how long to wait, in minutes; at most an hour of it is believed. */
function withAdvisedDelay(verdict: Verdict, code: number, answer: Answer): Verdict {
  if (verdict.kind !== 'unavailable' || (code !== 4 && code !== 80007)) return verdict;
  const usage = readJson(answer.headers['x-business-use-case-usage'] ?? '');
  const entries = isObject(usage) ? Object.values(usage).flat() : [];
  const minutes = entries.map((entry) => (isObject(entry) ? Number(entry.estimated_time_to_regain_access) : 0));
  const longest = Math.min(60, Math.max(0, ...minutes.filter(Number.isFinite)));
  return longest > 0 ? { ...verdict, retry_after_ms: longest * 60_000 } : verdict;
}

/** An error's code, which may come as digits. */
export function integerOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}
