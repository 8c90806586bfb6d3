import { isUtf8 } from 'node:buffer';
import { createChecker, createJudge, type Document, type Parameter, resolve } from '../test/support/document.ts';
import type { Drawn, Operated } from './fuzz-requests.ts';

/** What was sent and what came back, ids filled in. */
export interface Exchange {
  operated: Operated;
  sent: Drawn;
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

/** By the document alone: `off` must be refused; `fits` must not be called malformed; null: the document cannot tell. */
export type Verdict = 'fits' | 'off' | null;

const worst = (verdicts: Verdict[]): Verdict => {
  if (verdicts.includes('off')) return 'off';
  return verdicts.includes(null) ? null : 'fits';
};

const leap_second = /^\d{4}-\d\d-\d\d.\d\d:\d\d:60/;
/** PostgreSQL keeps neither, no clock of ours knows the third, and JSON of more levels ends its readers; the document cannot say so. */
const deepest = 32;
function isStorable(value: unknown, levels = deepest): boolean {
  if (typeof value === 'string') return !value.includes('\u0000') && value.isWellFormed() && !leap_second.test(value);
  if (value === null || typeof value !== 'object') return true;
  return levels > 0 && Object.entries(value).every(([key, one]) => isStorable(key) && isStorable(one, levels - 1));
}

function createVerdict(document: Document): (exchange: Pick<Exchange, 'operated' | 'sent'>) => Verdict {
  const check = createChecker(document);
  const judged = (schema: object, value: unknown): Verdict => {
    if (check(schema, value) !== null) return 'off';
    return isStorable(value) ? 'fits' : null;
  };
  return ({ operated: { path, operation }, sent }) => {
    const parameters = (operation.parameters ?? []).map((one) => resolve(document, one));
    const of = (place: Parameter['in']) => parameters.filter((one) => one.in === place);
    const media = operation.requestBody?.content['application/json'];
    return worst([
      judgePath(path, sent.path, of('path'), judged),
      judgeQuery(sent.query, of('query'), judged),
      ...of('header').map(({ name, schema }) => {
        const text = sent.headers[name.toLowerCase()];
        return text === undefined ? 'fits' : judged(schema, text.trim());
      }),
      media ? judgeBody(sent, (value) => judged(media.schema, value)) : bodyBeside(sent),
    ]);
  };
}

type Judged = (schema: object, value: unknown) => Verdict;

function judgePath(template: string, path: string, parameters: Parameter[], judged: Judged): Verdict {
  const parts = path.split('/');
  const names = template.split('/');
  if (parts.length !== names.length) return null;
  const values = names.flatMap((name, place) => (name.startsWith('{') ? [decoded(parts[place] ?? '')] : []));
  if (values.includes(null)) return null;
  return worst(parameters.map(({ schema }, place) => judged(schema, values[place])));
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Only what is said once, of a name that the document knows, is its business. */
function judgeQuery(query: [string, string][], parameters: Parameter[], judged: Judged): Verdict {
  const is_missing = parameters.some(({ name, required }) => required && !query.some(([given]) => given === name));
  const names = query.map(([name]) => name);
  const own = query.map(([name, text]): Verdict => {
    const known = parameters.find((one) => one.name === name);
    if (!known || names.filter((one) => one === name).length > 1) return null;
    return judged(known.schema, readText(known.schema, text));
  });
  return is_missing ? 'off' : worst(own);
}

function readText({ type }: Record<string, unknown>, text: string): unknown {
  if (type === 'integer' && /^-?\d+$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

const isJson = ({ headers }: Drawn) => /^application\/json(;|$)/i.test(headers['content-type'] ?? '');

function judgeBody(sent: Drawn, judge: (value: unknown) => Verdict): Verdict {
  const bytes = Buffer.from(sent.body ?? '');
  if (!isJson(sent)) return null;
  if (bytes.length === 0) return judge({});
  if (!isUtf8(bytes)) return 'off';
  const text = bytes.toString();
  // Readers may skip a byte order mark, and refuse what would reach a prototype.
  if (text.startsWith('\ufeff') || text.includes('__proto__')) return null;
  try {
    return judge(JSON.parse(text));
  } catch {
    return 'off';
  }
}

const bodyBeside = ({ body }: Drawn): Verdict => (body === undefined ? 'fits' : null);

export interface Complaint {
  promise: 'status' | 'document' | 'accepted' | 'refused';
  text: string;
}

/** What an answer breaks, in words. */
export function createComplainer(document: Document): (exchange: Exchange) => Complaint[] {
  const verdictOf = createVerdict(document);
  const judge = createJudge(document);
  return (exchange) => {
    const { operated, sent, status, headers, text } = exchange;
    // What a dry run promises is told by its query.
    const query = sent.query.map(([name, text], place) => `${place === 0 ? '?' : '&'}${name}=${text}`).join('');
    const complaints: Complaint[] = [];
    const say = (promise: Complaint['promise'], why: string) =>
      complaints.push({ promise, text: `${why}: ${describe(exchange)}` });
    if (status >= 500) say('status', `${status} ${text.slice(0, 500)}`);
    try {
      judge({ method: sent.method, url: sent.path + query, status, headers, body: text });
    } catch (error) {
      say('document', (error as Error).message.slice(0, 600));
    }
    const verdict = verdictOf({ operated, sent });
    if (verdict === 'off' && status < 400) say('accepted', 'off the document and accepted');
    // Which credentials a change must bring depends on the channel's provider: the document cannot say that.
    const is_of_provider = sent.operation_id === 'updateChannel' && text.includes('"/credentials');
    const is_malformed = /"(?:validation_failed|malformed_body)"/.test(text);
    if (verdict === 'fits' && status === 400 && is_malformed && !is_of_provider)
      say('refused', `fits the document and is called malformed (${text.slice(0, 500)})`);
    return complaints;
  };
}

function describe({ operated, sent, status }: Exchange): string {
  const { body, ...rest } = sent;
  const shown = body === undefined ? 'no body' : JSON.stringify(Buffer.from(body).toString()).slice(0, 600);
  const { authorization: _, ...headers } = rest.headers;
  return `${operated.operation.operationId} ${rest.method} ${rest.path} ${JSON.stringify(rest.query)} ${JSON.stringify(headers)} ${shown} → ${status}`;
}
