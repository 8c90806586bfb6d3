import { randomBytes } from 'node:crypto';

interface GraphErrorKind {
  status: number;
  code: number;
  subcode?: number;
  type?: string;
  message: string;
  details?: string;
}

/** Graph's refusals, with the HTTP status and the words it uses for them. */
export const graph_errors = {
  token_invalid: { status: 401, code: 190, message: 'Invalid OAuth access token - Cannot parse access token' },
  token_expired: {
    status: 401,
    code: 190,
    subcode: 463,
    message: 'Error validating access token: Session has expired on Sunday, 01-Nov-26 00:00:00 PDT.',
  },
  path_unknown: { status: 400, code: 2500, message: 'Unknown path components' },
  object_missing: {
    status: 400,
    code: 100,
    subcode: 33,
    type: 'GraphMethodException',
    message:
      'Unsupported request. Object does not exist, cannot be loaded due to missing permissions, or does not support this operation.',
  },
  invalid_parameter: { status: 400, code: 100, message: '(#100) Invalid parameter' },
  unknown: { status: 500, code: 131000, message: '(#131000) Something went wrong' },
  rate_limit_hit: {
    status: 400,
    code: 130429,
    message: '(#130429) Rate limit hit',
    details: 'Cloud API message throughput has been reached.',
  },
  parameter_missing: { status: 400, code: 131008, message: '(#131008) Required parameter is missing' },
  parameter_value_invalid: { status: 400, code: 131009, message: '(#131009) Parameter value is not valid' },
  service_unavailable: {
    status: 500,
    code: 131016,
    message: '(#131016) Service unavailable',
    details: 'A service is temporarily unavailable. Please try again later.',
  },
  undeliverable: {
    status: 400,
    code: 131026,
    message: '(#131026) Message undeliverable',
    details: 'Message undeliverable.',
  },
  re_engagement: {
    status: 400,
    code: 131047,
    message: '(#131047) Re-engagement message',
    details:
      'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  },
  spam_rate_limit: {
    status: 400,
    code: 131048,
    message: '(#131048) Spam rate limit hit',
    details: 'Message failed to send because there are restrictions on how many messages can be sent from this number.',
  },
  ecosystem_engagement: {
    status: 400,
    code: 131049,
    message: '(#131049) This message was not delivered to maintain healthy ecosystem engagement.',
    details: 'In order to maintain a healthy ecosystem engagement, the message failed to be delivered.',
  },
  cursor_invalid: { status: 400, code: 131059, message: '(#131059) Invalid paging cursor' },
  callback_failed: { status: 400, code: 2200, message: '(#2200) Callback verification failed' },
  parameter_count: {
    status: 400,
    code: 132000,
    message: '(#132000) Number of parameters does not match the expected number of params',
  },
  template_missing: {
    status: 404,
    code: 132001,
    message: '(#132001) Template name does not exist in the translation',
  },
  text_too_long: { status: 400, code: 132005, message: '(#132005) Translated text too long' },
  parameter_format: {
    status: 400,
    code: 132012,
    message: '(#132012) Parameter format does not match format in the created template',
  },
  template_paused: {
    status: 400,
    code: 132015,
    message: '(#132015) Template is paused',
    details: 'Template is paused due to low quality so it cannot be sent in a template message.',
  },
  parameter_text: {
    status: 400,
    code: 132018,
    message: '(#132018) There is an issue with the parameters of the template',
    details: 'Param text cannot have new-line/tab characters or more than 4 consecutive spaces',
  },
  not_registered: {
    status: 400,
    code: 133010,
    message: '(#133010) Account not registered',
    details: 'The phone number is not registered on the WhatsApp Business Platform.',
  },
} as const satisfies Record<string, GraphErrorKind>;

export type GraphErrorName = keyof typeof graph_errors;

export interface GraphRefusal {
  error: GraphErrorName;
  /** What stands in `error_data.details`; without it the kind's own sentence, if it has one. */
  details?: string;
  /** Replaces the kind's own `message`. */
  message?: string;
}

/** Graph's error envelope for one refusal, with a fresh `fbtrace_id`. */
export function graphEnvelope(refusal: GraphRefusal): { status: number; code: number; body: Record<string, unknown> } {
  const kind: GraphErrorKind = graph_errors[refusal.error];
  const details = refusal.details ?? kind.details;
  const error = {
    message: refusal.message ?? kind.message,
    type: kind.type ?? 'OAuthException',
    code: kind.code,
    ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
    ...(kind.subcode === undefined ? {} : { error_subcode: kind.subcode }),
    fbtrace_id: `A${randomBytes(16).toString('base64url')}`,
  };
  return { status: kind.status, code: kind.code, body: { error } };
}
