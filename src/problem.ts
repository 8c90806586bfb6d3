/** A sentence in each language we answer in. `{name}` is filled from the parameters. */
export interface Text {
  en: string;
  pt: string;
}

/** What we answer in, as `Content-Language` names it. */
export type Language = 'en' | 'pt-BR';

/** The sentence in one language. */
export const inLanguage = (text: Text, language: Language) => (language === 'pt-BR' ? text.pt : text.en);

export type Params = Record<string, string | number | null | undefined>;

/** One fault in a request: where (RFC 6901 pointer into body, `?name` for a query parameter), which, and what to do. */
export interface Violation {
  pointer: string;
  code: string;
  detail: Text;
}

export interface ProblemKind {
  code: string;
  status: number;
  title: Text;
  detail: Text;
  /** True when the same request may succeed later without a change. */
  retryable: boolean;
  /** Seconds for `Retry-After`, where the answer carries one. */
  retry_after_s?: number;
  /** JSON schemas of the members that this refusal adds to the standard ones, by name. */
  extra?: Record<string, object>;
  /** One occurrence as it may be, for the API document and docs/errors.md; it fills every placeholder. */
  example?: Occurrence;
}

/** What is known of one occurrence. `extra` members stand beside the standard ones in the answer. */
export interface Occurrence {
  pointer?: string;
  params?: Params;
  errors?: Violation[];
  extra?: Record<string, unknown>;
  provider?: { name: string; code: string | null; message: string | null; trace_id: string | null };
  retry_after_s?: number;
}

/** An expected refusal. Thrown by verbs, answered as `application/problem+json` by http/problem-handler. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly detail: Text;
  readonly occurrence: Occurrence;

  constructor(kind: ProblemKind, occurrence: Occurrence) {
    super(kind.code);
    this.name = 'Problem';
    this.kind = kind;
    this.occurrence = occurrence;
    this.detail = say(kind.detail, occurrence.params);
  }

  /** This refusal as entries of `errors[]`: its own list, else one entry at its pointer. */
  get violations(): Violation[] {
    const { errors, pointer } = this.occurrence;
    if (errors) return errors;
    return pointer === undefined ? [] : [{ pointer, code: this.kind.code, detail: this.detail }];
  }
}

export interface DefinedProblem {
  (occurrence?: Occurrence): Problem;
  kind: ProblemKind;
}

/** Declares a refusal beside the verb that throws it; routes list it, and the document and docs/errors.md follow. */
export function defineProblem(kind: Omit<ProblemKind, 'retryable'> & { retryable?: boolean }): DefinedProblem {
  const full: ProblemKind = { retryable: false, ...kind };
  return Object.assign((occurrence: Occurrence = {}) => new Problem(full, occurrence), { kind: full });
}

/** Fills `{name}` in both languages. An unknown or null parameter becomes an empty string. */
export function say(text: Text, params: Params = {}): Text {
  const fill = (sentence: string) => sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''));
  return { en: fill(text.en), pt: fill(text.pt) };
}
