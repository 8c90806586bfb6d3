import type { Scope } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import { findEndpoint, lockEndpoint } from './endpoints.repository.ts';

export const webhook_endpoint_not_found = defineProblem({
  code: 'webhook_endpoint_not_found',
  status: 404,
  title: { en: 'No such webhook endpoint', pt: 'Endpoint de webhook inexistente' },
  detail: {
    en: 'This account has no webhook endpoint {id}. GET /v1/webhook-endpoints lists those it has.',
    pt: 'Esta conta não tem o endpoint de webhook {id}. GET /v1/webhook-endpoints lista os que existem.',
  },
  example: { pointer: ':endpoint_id', params: { id: '019a0000-0000-7000-8000-000000000071' } },
});
export const webhook_endpoint_disabled = defineProblem({
  code: 'webhook_endpoint_disabled',
  status: 409,
  title: { en: 'The webhook endpoint is disabled', pt: 'O endpoint de webhook está desativado' },
  detail: {
    en: 'Nothing is told to it ({reason}). PATCH it with is_enabled: true, then send this again.',
    pt: 'Nada é enviado a ele ({reason}). Faça PATCH com is_enabled: true e envie isto de novo.',
  },
  example: { pointer: ':endpoint_id', params: { reason: 'failing' } },
});

type Ctx = Pick<Scope, 'db' | 'account_id'>;

function mustBe(row: WebhookEndpointsRow | undefined, id: string): WebhookEndpointsRow {
  if (!row) throw webhook_endpoint_not_found({ pointer: ':endpoint_id', params: { id } });
  return row;
}

/** Throws `webhook_endpoint_not_found`. */
export async function getEndpoint(ctx: Ctx, id: string): Promise<WebhookEndpointsRow> {
  return mustBe(await findEndpoint(ctx, id), id);
}

/** The same, locked until the transaction ends. */
export async function getLockedEndpoint(ctx: Ctx, id: string): Promise<WebhookEndpointsRow> {
  return mustBe(await lockEndpoint(ctx, id), id);
}

/** Throws `webhook_endpoint_disabled`, at `pointer`. */
export function mustBeEnabled({ disabled_reason }: WebhookEndpointsRow, pointer: string): void {
  if (disabled_reason !== null) throw webhook_endpoint_disabled({ pointer, params: { reason: disabled_reason } });
}
