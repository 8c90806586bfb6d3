/** Bodies of Cloud API's webhooks, composed for these tests. */

export const phone_number_id = '106600000000001';
export const waba_id = '209900000000002';
export const seconds = '1790000000';
export const at = new Date(1_790_000_000_000);

type Json = Record<string, unknown>;

export const metadata = { display_phone_number: '5531988880000', phone_number_id };
export const contact = { profile: { name: 'José', username: 'jose.x' }, wa_id: '553188880001', user_id: 'BR.1A2B3C' };
/** The names of `contact`, as they must be told. */
export const identities = [
  { kind: 'wa_id', value: '553188880001' },
  { kind: 'phone', value: '+553188880001' },
  { kind: 'bsuid', value: 'BR.1A2B3C' },
];
export const from = { identities, profile_name: 'José' };

export function bodyOf(field: string, ...values: Json[]): Json {
  const changes = values.map((value) => ({ field, value }));
  return { object: 'whatsapp_business_account', entry: [{ id: waba_id, time: 1_790_000_000, changes }] };
}

/** A body with one message of a known person. */
export function bodyWith(message: Json, beside: Json = {}): Json {
  const common = { from: '553188880001', from_user_id: 'BR.1A2B3C', id: 'wamid.T1', timestamp: seconds };
  const messages = [{ ...common, ...message }];
  return bodyOf('messages', { messaging_product: 'whatsapp', metadata, contacts: [contact], messages, ...beside });
}

/** A body with one status of a message of ours. */
export function bodyAbout(status: Json, beside: Json = {}): Json {
  const common = {
    id: 'wamid.OUT1',
    timestamp: seconds,
    recipient_id: '553188880001',
    recipient_user_id: 'BR.1A2B3C',
    biz_opaque_callback_data: 'msg_01J9.1.abcdef',
  };
  const statuses = [{ ...common, ...status }];
  return bodyOf('messages', { messaging_product: 'whatsapp', metadata, statuses, ...beside });
}
