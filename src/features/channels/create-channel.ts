import { randomBytes } from 'node:crypto';
import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { insertSender } from '../../lanes/pace.ts';
import { defineProblem } from '../../problem.ts';
import { findProvider } from '../../providers/registry.ts';
import { uuid } from '../../random.ts';
import { team_not_found } from '../references.ts';
import { checkOnUnknown, readChannelPhone, sealCredentials, toBaseUrl } from './channel-settings.ts';
import { insertChannel } from './channels.repository.ts';
import type { NewChannelBody } from './channels.schema.ts';

export const channel_exists = defineProblem({
  code: 'channel_exists',
  status: 409,
  title: { en: 'A channel has this name', pt: 'Já existe um canal com este nome' },
  detail: {
    en: 'There is a channel named "{name}"; take another name.',
    pt: 'Já existe o canal "{name}"; use outro nome.',
  },
  example: { pointer: '/name', params: { name: 'Vendas' } },
});

/**
 * A new channel, with its sender; no provider is asked, and its `base_url` has been judged. Throws `channel_exists`,
 * `phone_invalid`, `phone_area_code_missing`, `on_unknown_not_supported`, `team_not_found`.
 */
export async function createChannel(scope: Scope, body: NewChannelBody): Promise<ChannelsRow> {
  const provider = findProvider(body.provider);
  const base_url = toBaseUrl(body.base_url ?? provider.default_base_url ?? '');
  const phone = readChannelPhone(scope, body.phone ?? null);
  checkOnUnknown(provider, body.on_unknown);
  // Shown and no credential: one that was entered at the provider before is taken over.
  const { verify_token = randomBytes(24).toString('base64url'), ...credentials } = body.credentials;
  const id = uuid();
  const now = scope.now();
  const row = {
    account_id: scope.account_id,
    id,
    name: body.name,
    type: provider.type,
    provider: provider.name,
    phone,
    base_url,
    credentials: sealCredentials(scope, id, credentials),
    identity_scope: provider.inbound.identityScope?.(credentials as Record<string, string>) ?? null,
    default_team_id: body.default_team_id ?? null,
    verify_token,
    send_within_s: body.send_within_s ?? 3_600,
    on_unknown: body.on_unknown ?? 'hold',
    max_per_second: body.max_per_second ?? provider.default_max_per_second,
    stuck_after_s: body.stuck_after_s ?? 600,
    reopen_within_s: body.reopen_within_s ?? 0,
    created_at: now,
    updated_at: now,
  };
  try {
    return await inTransaction(scope, async (trx) => {
      const inserted = await insertChannel(trx, row);
      await insertSender(trx, row);
      return inserted;
    });
  } catch (error) {
    switch (violatedConstraint(error)) {
      case 'channels_name':
        throw channel_exists({ pointer: '/name', params: { name: body.name } });
      case 'channels_account_id_default_team_id_fkey':
        throw team_not_found({ pointer: '/default_team_id', params: { id: body.default_team_id } });
      default:
        throw error;
    }
  }
}
