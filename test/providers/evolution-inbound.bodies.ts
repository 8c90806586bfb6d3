import type { InboundCase } from '../support/provider-fixtures.ts';

/** Bodies of Evolution's webhooks, composed for these tests, and what they must become. */

export type Json = Record<string, unknown>;
export type Expected = InboundCase['expected'];

export const at = new Date(1_790_000_000_000);
export const received_at = new Date('2026-11-22T12:00:00.000Z');
export const jid = '553188880001@s.whatsapp.net';
export const lid = '138400000000001@lid';
export const by_phone = [
  { kind: 'wa_id', value: jid },
  { kind: 'phone', value: '+553188880001' },
];
export const by_lid = [{ kind: 'lid', value: lid }];
export const by_both = [...by_phone, ...by_lid];
export const inner_message = { conversation: 'Oi' };
export const image = { mimetype: 'image/jpeg', fileLength: { low: 2048, high: 0, unsigned: true }, mediaKey: 'a2V5' };
export const kept_image = { mime_type: 'image/jpeg', size_bytes: 2048 };

/** Bodies of one instance; its token leaks into each, as it does with AUTHENTICATION_EXPOSE_IN_FETCH_INSTANCES. */
export function writer(apikey: string, instance: string) {
  const bodyOf = (event: string, data: unknown, more: Json = {}): Json => ({
    event,
    instance,
    data,
    destination: 'https://conversar.example/v1/inbound/1',
    date_time: '2026-11-22T10:00:00.000Z',
    sender: '5531988880000@s.whatsapp.net',
    server_url: 'https://gateway.example',
    apikey,
    ...more,
  });
  const upsert = (data: Json, key: Json = {}): Json =>
    bodyOf('messages.upsert', {
      key: { remoteJid: jid, fromMe: false, id: '3A00000000000001', participant: '', addressingMode: 'pn', ...key },
      pushName: 'José',
      status: 'DELIVERY_ACK',
      message: inner_message,
      messageType: 'conversation',
      messageTimestamp: 1_790_000_000,
      instanceId: 'b0a0c0d0',
      source: 'android',
      contextInfo: null,
      ...data,
    });
  return { bodyOf, upsert };
}

export type Writer = ReturnType<typeof writer>;

export const heard = (expected: Json): Expected => [
  {
    kind: 'message',
    provider_message_id: '3A00000000000001',
    at,
    from: { identities: by_phone, profile_name: 'José' },
    reply_to: null,
    opens: true,
    ...expected,
  },
];
export const dropped = (reason: string): Expected => [{ kind: 'ignored', reason }];
