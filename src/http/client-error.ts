import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type DefinedProblem, defineProblem } from '../problem.ts';
import { uuid } from '../random.ts';
import { problemHeaders, renderProblem } from './problem-handler.ts';

const malformed_request = defineProblem({
  code: 'malformed_request',
  status: 400,
  title: { en: 'This is no HTTP request', pt: 'Isto não é uma requisição HTTP' },
  detail: { en: 'The request could not be read as HTTP/1.1.', pt: 'A requisição não pôde ser lida como HTTP/1.1.' },
});
const request_timeout = defineProblem({
  code: 'request_timeout',
  status: 408,
  retryable: true,
  title: { en: 'The request took too long', pt: 'A requisição demorou demais' },
  detail: { en: 'A whole request must arrive within 15 s.', pt: 'A requisição inteira deve chegar em 15 s.' },
});
const headers_too_large = defineProblem({
  code: 'headers_too_large',
  status: 431,
  title: { en: 'The headers are too large', pt: 'Os cabeçalhos são grandes demais' },
  detail: { en: 'All headers together may have 16 KB.', pt: 'Todos os cabeçalhos juntos podem ter 16 KB.' },
});

/** What Node refuses before there is a request: on no route, so it stands in docs/errors.md and in no operation. */
export const client_problems = [malformed_request, request_timeout, headers_too_large];

function problemOf(code: string | undefined): DefinedProblem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return request_timeout;
  return code === 'HPE_HEADER_OVERFLOW' ? headers_too_large : malformed_request;
}

/**
 * Answers bytes that never became a request with problem+json, and closes. A connection on which nothing came yet was opened
 * ahead: there is nothing to answer, and a 408 would be read as the answer to the request that is on its way. It is closed
 * like any other that is silent.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) return;
  const problem = problemOf(error.code)();
  const request_id = uuid();
  const body = JSON.stringify(renderProblem(problem, 'en', request_id));
  const headers = {
    ...problemHeaders(problem.kind),
    'content-length': String(Buffer.byteLength(body)),
    'x-request-id': request_id,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const { status } = problem.kind;
  if (socket.writable) socket.write([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
  socket.destroy(error);
}
