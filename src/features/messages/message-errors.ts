import { inLanguage, type Language } from '../../problem.ts';
import { message_errors } from './message-error-kinds.ts';
import type { MessageErrorView } from './messages.schema.ts';

/** An error as it is kept on a message or an attempt. */
export interface KeptError {
  code: string;
  provider: { name: string; code: string | null; message: string | null; trace_id: string | null } | null;
}

/** A kept error as it is shown, in the language asked for. */
export function toMessageError(kept: unknown, language: Language): MessageErrorView | null {
  if (kept === null || kept === undefined) return null;
  const { code, provider } = kept as KeptError;
  const kind = message_errors[code];
  return {
    code,
    detail: kind ? inLanguage(kind.detail, language) : code,
    retryable: kind?.retryable ?? false,
    action: kind?.action ?? null,
    provider,
  };
}
