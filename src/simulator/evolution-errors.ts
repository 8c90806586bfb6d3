/** Evolution API 2.3's refusals. Most are 400s that only their `message` tells apart. */
export const evolution_errors = {
  unauthorized: { status: 401, error: 'Unauthorized', message: 'Unauthorized' },
  /** Answered with the address in place of this message, see `absent` in evolution.routes. */
  absent: { status: 400, error: 'Bad Request', message: [] },
  connection_closed: { status: 400, error: 'Bad Request', message: ['Error: Connection Closed'] },
  rate_overlimit: { status: 400, error: 'Bad Request', message: ['Error: rate-overlimit'] },
  reachout_timelock: {
    status: 400,
    error: 'Bad Request',
    message: ['Error: server returned error 463: Your account has been restricted'],
  },
} as const;

export type EvolutionErrorName = keyof typeof evolution_errors;

/** Evolution's error envelope around one `message`: a sentence, or a list of whatever the fault was. */
export function evolutionEnvelope(status: number, error: string, message: unknown): Record<string, unknown> {
  return { status, error, response: { message } };
}
