import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './api.d.ts';

export type Api = Client<paths>;
export type Schemas = components['schemas'];
type Problem = Schemas['Problem'];

/** Longer than the longest `Prefer: wait` (25 s). */
const answer_within_ms = 40_000;

export interface Connection {
  /** Where Conversar is, without a path. */
  url: string;
  key: string;
  /** Of what is told to people: `en` or `pt-BR`. */
  language: string;
}

/** A client that knows every path, body and answer of the API document; a call ends within 40 s or rejects. */
export function connect({ url, key, language }: Connection): Api {
  return createClient<paths>({
    baseUrl: url,
    headers: { authorization: `Bearer ${key}`, 'accept-language': language },
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(answer_within_ms) }),
  });
}

/** What a call resolves to: a body of the documented type, or one of the documented problems. */
type Answer<Body> = { data: Body; error?: never } | { data?: never; error: Problem };

/** A refusal that this program has no answer to. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code);
    this.name = 'Refused';
    this.problem = problem;
  }
}

/** The body of an answer; throws Refused with the problem where there is none. */
export function take<Body>(answer: Answer<Body>): Body {
  if (answer.error !== undefined) throw new Refused(answer.error);
  return answer.data;
}
