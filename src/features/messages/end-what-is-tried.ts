import type { Context } from '../../context.ts';
import type { AttemptsRow } from '../../db/rows.ts';
import type { WrittenOutcome } from './dispatch.repository.ts';
import type { KeptError } from './message-errors.ts';
import { listAttempts } from './messages.repository.ts';

/**
 * Outcomes as they are to be written: what a provider has said of a message as often as that is worth trying is final. It says nothing
 * of an attempt before them that is in doubt.
 */
export async function endWhatIsTried(ctx: Pick<Context, 'db'>, outcomes: WrittenOutcome[]): Promise<WrittenOutcome[]> {
  const bounded = outcomes.filter((one) => one.kind === 'unavailable' && one.most_tries !== undefined);
  const attempts = await listAttempts(
    ctx,
    bounded.map(({ account_id, message_id: id }) => ({ account_id, id })),
  );
  const last = new Set(bounded.filter((one) => isLast(one, attempts.get(one.message_id) ?? [])));
  return outcomes.map((one) => (last.has(one) ? { ...one, kind: 'refused', run_in_ms: null, is_unsent: true } : one));
}

function isLast({ most_tries = Infinity, error, attempt }: WrittenOutcome, attempts: AttemptsRow[]): boolean {
  const code = codeOf(error);
  const before = attempts.filter((one) => one.number < attempt && codeOf(one.error) === code);
  return before.length + 1 >= most_tries;
}

const codeOf = (error: unknown) => (error as KeptError | null)?.provider?.code;
