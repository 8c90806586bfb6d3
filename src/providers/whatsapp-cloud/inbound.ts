import type { InboundEvent, InboundSide } from '../inbound.ts';
import { isObject, type Json, listAt, objectAt, timeOf } from '../wire.ts';
import { idOf, readAccountUpdate, readPreference, readTemplate } from './inbound-fields.ts';
import { type Change, ignored, readEcho, readMessage } from './inbound-messages.ts';
import { readCards } from './inbound-people.ts';
import { readChannelFault, readStatus } from './inbound-statuses.ts';
import { answerHandshake, isSigned } from './signature.ts';

/** Cloud API's webhooks. */
export const inbound: InboundSide = {
  isSigned,
  answerHandshake,
  parse,
  // User ids are the portfolio's own; the account is the nearest to it that a channel knows.
  identityScope: ({ waba_id = '' }) => `portfolio:${waba_id}`,
};

/** Known and of no use here: the reason is the field's own name. */
const idle_fields = new Set(
  [
    'account_alerts account_review_update account_settings_update automatic_events business_capability_update',
    'business_status_update business_username_update calls flows group_lifecycle_update group_participants_update',
    'group_settings_update group_status_update history partner_solutions payment_configuration_update',
    'phone_number_name_update phone_number_quality_update security smb_app_state_sync standby tracking_events',
  ].flatMap((line) => line.split(' ')),
);

/** Every item of every change of every entry as an event of its own. */
function parse(body: unknown, credentials: Record<string, string>, received_at = new Date()): InboundEvent[] {
  if (!isObject(body)) return [ignored('no_content')];
  if (body.object && body.object !== 'whatsapp_business_account') return [ignored('unknown_object')];
  return atLeastOne(listAt(body, 'entry').flatMap((entry) => readEntry(entry, credentials, received_at)));
}

function readEntry(entry: unknown, credentials: Record<string, string>, received_at: Date): InboundEvent[] {
  const at = timeOf(objectAt({ entry }, 'entry').time) ?? received_at;
  return atLeastOne(
    listAt(entry, 'changes').flatMap((change) => {
      if (!isObject(change) || !isObject(change.value)) return [ignored('no_content')];
      const { field, value } = change;
      const stranger = judgeOwner(field, value, entry, credentials);
      return stranger ? [ignored(stranger)] : readChange(field, { value, cards: readCards(value), credentials, at });
    }),
  );
}

function readChange(field: unknown, change: Change): InboundEvent[] {
  const { value } = change;
  switch (field) {
    case 'messages':
      return readMessages(change);
    case 'smb_message_echoes':
      return atLeastOne(listAt(value, 'message_echoes').map((message) => readEcho(message, change)));
    case 'user_preferences':
      return atLeastOne(listAt(value, 'user_preferences').map((preference) => readPreference(preference, change)));
    case 'account_update':
      return [readAccountUpdate(change)];
    case 'message_template_status_update':
    case 'message_template_quality_update':
    case 'message_template_components_update':
    case 'template_category_update':
      return [readTemplate(change)];
    default:
      return [ignored(typeof field === 'string' && idle_fields.has(field) ? field : 'unknown_field')];
  }
}

function readMessages(change: Change): InboundEvent[] {
  const { value } = change;
  return atLeastOne([
    ...listAt(value, 'messages').map((message) => readMessage(message, change)),
    ...listAt(value, 'statuses').flatMap((status) => readStatus(status, change)),
    ...listAt(value, 'user_actions').map(() => ignored('user_action')),
    ...(listAt(value, 'errors').length > 0 ? readChannelFault(change) : []),
  ]);
}

/** Why a change is not this channel's: by its number where it names one, else by the account. */
function judgeOwner(field: unknown, value: Json, entry: unknown, credentials: Record<string, string>): string | null {
  const number = idOf(objectAt(value, 'metadata').phone_number_id);
  if (number !== null) return number === credentials.phone_number_id ? null : 'other_number';
  if (field === 'messages' || field === 'smb_message_echoes') return 'no_number';
  // The entry of a PARTNER_* event is a business, which says in `waba_info` whose account it speaks of.
  const account = idOf(objectAt(value, 'waba_info').waba_id) ?? idOf(objectAt({ entry }, 'entry').id);
  if (account === null) return 'no_number';
  return account === credentials.waba_id ? null : 'other_number';
}

function atLeastOne(events: InboundEvent[]): InboundEvent[] {
  return events.length > 0 ? events : [ignored('no_content')];
}
