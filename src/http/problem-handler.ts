import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isDatabaseUnavailable } from '../db/pg-errors.ts';
import { defineProblem, inLanguage, type Language, Problem, type ProblemKind } from '../problem.ts';

export const malformed_body = defineProblem({
  code: 'malformed_body',
  status: 400,
  title: { en: 'The body is no JSON', pt: 'O corpo não é JSON' },
  detail: { en: 'Send one JSON object in UTF-8.', pt: 'Envie um objeto JSON em UTF-8.' },
});
const unsupported_media_type = defineProblem({
  code: 'unsupported_media_type',
  status: 415,
  title: { en: 'Unsupported content type', pt: 'Tipo de conteúdo não suportado' },
  detail: { en: 'Send `Content-Type: application/json`.', pt: 'Envie `Content-Type: application/json`.' },
});
export const body_too_large = defineProblem({
  code: 'body_too_large',
  status: 413,
  title: { en: 'The body is too large', pt: 'O corpo é grande demais' },
  detail: {
    en: 'A body may have 256 KB at most, and the call of a provider 3.5 MB.',
    pt: 'Um corpo pode ter no máximo 256 KB, e a chamada de um provedor 3,5 MB.',
  },
});
export const malformed_url = defineProblem({
  code: 'malformed_url',
  status: 400,
  title: { en: 'The URL cannot be read', pt: 'A URL não pode ser lida' },
  detail: {
    en: 'Percent-encode the path as UTF-8; no part of it may be longer than 200 characters.',
    pt: 'Codifique o caminho em UTF-8 com porcentagem; nenhuma parte pode passar de 200 caracteres.',
  },
});
export const route_not_found = defineProblem({
  code: 'route_not_found',
  status: 404,
  title: { en: 'No such path', pt: 'Caminho inexistente' },
  detail: {
    en: '{method} {path} is no operation; see /openapi.json.',
    pt: '{method} {path} não existe; veja /openapi.json.',
  },
  example: { params: { method: 'GET', path: '/v1/atendances' } },
});
/** The query is left out: it may hold names, numbers and tokens, and an answer is shown around. */
export const noRoute = ({ method, url }: Pick<FastifyRequest, 'method' | 'url'>) =>
  route_not_found({ params: { method, path: url.replace(/\?.*$/s, '').slice(0, 200) } });

const internal_error = defineProblem({
  code: 'internal_error',
  status: 500,
  title: { en: 'Our mistake', pt: 'Erro nosso' },
  detail: {
    en: 'Something failed here. Report the request_id; repeat a POST only with its Idempotency-Key.',
    pt: 'Algo falhou aqui. Informe o request_id; repita um POST somente com a sua Idempotency-Key.',
  },
});
const database_unavailable = defineProblem({
  code: 'database_unavailable',
  status: 503,
  retryable: true,
  retry_after_s: 2,
  title: { en: 'The database cannot be reached', pt: 'O banco de dados está fora do alcance' },
  detail: {
    en: 'Try again after the time in Retry-After; a POST with the same Idempotency-Key.',
    pt: 'Tente de novo após o tempo em Retry-After; um POST com a mesma Idempotency-Key.',
  },
});
export const overloaded = defineProblem({
  code: 'overloaded',
  status: 503,
  retryable: true,
  retry_after_s: 2,
  title: { en: 'Too much to do at this moment', pt: 'Sobrecarga momentânea' },
  detail: {
    en: 'Nothing was done. Try again after the time in Retry-After; a POST with the same Idempotency-Key.',
    pt: 'Nada foi feito. Tente de novo após o tempo em Retry-After; um POST com a mesma Idempotency-Key.',
  },
});
/** What any operation may answer beside its own problems. */
export const common_problems = [internal_error, database_unavailable, overloaded];
export const body_problems = [malformed_body, unsupported_media_type, body_too_large];

/** `pt-BR` when Portuguese is preferred over English, `en` else (RFC 9110, q values honoured). */
export function readLanguage(header: string | undefined): Language {
  let best: Language = 'en';
  let best_quality = 0;
  for (const part of (header ?? '').slice(0, 500).split(',')) {
    const [tag = '', ...options] = part.trim().toLowerCase().split(';');
    const quality = Number(
      options
        .find((one) => one.trim().startsWith('q='))
        ?.trim()
        .slice(2) ?? 1,
    );
    const language = /^pt\b/.test(tag) ? 'pt-BR' : /^(en\b|\*)/.test(tag) ? 'en' : null;
    if (language && quality > best_quality) {
      best = language;
      best_quality = quality;
    }
  }
  return best;
}

/** The language that a request asks for. */
export const languageOf = ({ headers }: Pick<FastifyRequest, 'headers'>) => readLanguage(headers['accept-language']);

/** A problem as the members of RFC 9457 and ours. */
export function renderProblem(problem: Problem, language: Language, request_id: string): Record<string, unknown> {
  const { kind, occurrence } = problem;
  return {
    type: `urn:conversar:problem:${kind.code}`,
    title: inLanguage(kind.title, language),
    status: kind.status,
    code: kind.code,
    detail: inLanguage(problem.detail, language),
    request_id,
    errors: problem.violations.map(({ pointer, code, detail }) => ({
      pointer,
      code,
      detail: inLanguage(detail, language),
    })),
    retryable: kind.retryable,
    ...(occurrence.provider ? { provider: occurrence.provider } : {}),
    ...occurrence.extra,
  };
}

export const problem_content_type = 'application/problem+json; charset=utf-8';

/** Headers that go with a problem. */
export function problemHeaders(kind: ProblemKind, retry_after_s?: number): Record<string, string> {
  const seconds = retry_after_s ?? kind.retry_after_s;
  return {
    'content-type': problem_content_type,
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
    ...(kind.status === 401 ? { 'www-authenticate': 'Bearer realm="conversar"' } : {}),
  };
}

/** Anything thrown, as a Problem: Fastify's own refusals by code, a lost database as 503, the rest as 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  switch ((error as FastifyError).code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupported_media_type();
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return body_too_large();
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return malformed_body();
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return malformed_url();
    default:
      return isDatabaseUnavailable(error) ? database_unavailable() : internal_error();
  }
}

/** Fastify's error handler: everything thrown leaves as problem+json; accidents are logged whole. */
export function handleProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // Who hangs up in the middle of a body is no lost database, although both are a connection that was reset.
  const is_torn = request.raw.readableAborted && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  const problem = is_torn ? malformed_body() : toProblem(error);
  if (problem.kind.status >= 500) request.log.error({ err: error, code: problem.kind.code }, 'http.failed');
  return sendProblem(problem, request, reply);
}

/** Before any hook ran (a URL that cannot be read), these would be missing. */
export const headersOfAll = (request_id: string) => ({
  'x-request-id': request_id,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
});

/** Sends a problem, in the language the request asks for. */
export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const language = languageOf(request);
  return reply
    .code(problem.kind.status)
    .headers(headersOfAll(request.id))
    .headers(problemHeaders(problem.kind, problem.occurrence.retry_after_s))
    .header('content-language', language)
    .send(JSON.stringify(renderProblem(problem, language, request.id)));
}
