import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Scope } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import type { Provider } from '../../providers/provider.ts';
import { findProvider } from '../../providers/registry.ts';
import { channel_not_found, team_not_found } from '../references.ts';
import { applyChannelNews } from './apply-channel-news.ts';
import { checkOnUnknown, readChannelPhone, sealCredentials, toBaseUrl } from './channel-settings.ts';
import { type ChannelColumns, findChannel, lockChannel, updateChannel } from './channels.repository.ts';
import type { ChannelChangeBody } from './channels.schema.ts';
import { channel_exists } from './create-channel.ts';

export const credentials_required = defineProblem({
  code: 'credentials_required',
  status: 422,
  title: { en: 'A new address needs the credentials', pt: 'Um novo endereço exige as credenciais' },
  detail: {
    en: 'The credentials that this channel keeps are for {origin} and go nowhere else. Send `credentials` together with this `base_url`.',
    pt: 'As credenciais que este canal guarda são para {origin} e não vão a outro lugar. Envie `credentials` junto com esta `base_url`.',
  },
  example: { pointer: '/credentials', params: { origin: 'https://gateway.example' } },
});

export interface ChannelChangeTools {
  public_url: string;
  /** Throws `validation_failed` where the credentials are not those of the provider. */
  checkCredentials: (provider: Provider, credentials: Record<string, unknown>) => void;
}

/**
 * Changes what is given; new credentials and another address make the status `unknown`. The provider is not asked. Throws
 * `channel_not_found`, `channel_exists`, `phone_invalid`, `phone_area_code_missing`, `on_unknown_not_supported`,
 * `credentials_required`, `team_not_found`, and what `checkCredentials` throws. `base_url` has been judged.
 */
export async function changeChannel(
  scope: Scope,
  tools: ChannelChangeTools,
  id: string,
  body: ChannelChangeBody,
): Promise<ChannelsRow> {
  const missing = () => channel_not_found({ pointer: ':channel_id', params: { id } });
  try {
    return await inTransaction(scope, async (trx) => {
      const before = await lockChannel(trx, id);
      if (!before) throw missing();
      await keepChange(trx, tools.public_url, before, columnsOf(scope, tools, before, body));
      const after = await findChannel(trx, id);
      if (!after) throw missing();
      return after;
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

function columnsOf(
  scope: Scope,
  { checkCredentials }: ChannelChangeTools,
  { id, provider: name, base_url: before }: ChannelsRow,
  { phone, base_url, credentials, ...rest }: ChannelChangeBody,
): Partial<ChannelColumns> {
  const provider = findProvider(name);
  if (credentials) checkCredentials(provider, credentials);
  else if (base_url !== undefined) checkSameOrigin(before, base_url);
  checkOnUnknown(provider, rest.on_unknown);
  return {
    ...rest,
    ...(phone === undefined ? {} : { phone: readChannelPhone(scope, phone) }),
    ...(base_url === undefined ? {} : { base_url: toBaseUrl(base_url) }),
    ...(credentials ? readCredentialsChange(scope, provider, id, credentials) : {}),
  };
}

/** Whoever may change a channel and knows no credential of it must not have them sent to a server of their own. */
function checkSameOrigin(before: string, base_url: string): void {
  const origin = originOf(before);
  if (originOf(base_url) !== origin) throw credentials_required({ pointer: '/credentials', params: { origin } });
}

/** Scheme, host and port; both were judged before they were kept. */
const originOf = (base_url: string): string => new URL(base_url).origin;

/** `verify_token` is shown and no credential; where it is not given anew, the channel keeps its own. */
function readCredentialsChange(
  scope: Scope,
  provider: Provider,
  id: string,
  given: Record<string, string>,
): Partial<ChannelColumns> {
  const { verify_token, ...credentials } = given;
  return {
    credentials: sealCredentials(scope, id, credentials),
    identity_scope: provider.inbound.identityScope?.(credentials) ?? null,
    ...(verify_token === undefined ? {} : { verify_token }),
  };
}

async function keepChange(
  trx: Scope,
  public_url: string,
  before: ChannelsRow,
  columns: Partial<ChannelColumns>,
): Promise<void> {
  // Sealed twice, the same credentials look different: given ones count as new.
  const changed = Object.entries(columns).filter(
    ([name, value]) => !isDeepStrictEqual(value, before[name as keyof ChannelColumns]),
  );
  if (changed.length === 0) return;
  const change: Partial<ChannelColumns> = Object.fromEntries(changed);
  await updateChannel(trx, before.id, change);
  if (change.credentials || change.base_url !== undefined)
    await applyChannelNews(trx, public_url, before.id, { status: 'unknown', detail: null }, { lifts_lock: true });
}
