/** Webhooks of WAHA; numbers and ids that nobody has. */

export type Json = Record<string, unknown>;

export const phone = '553188880001@c.us';
export const lid = '138400000000001@lid';
export const by_phone = [
  { kind: 'wa_id', value: phone },
  { kind: 'phone', value: '+553188880001' },
];
export const by_lid = [{ kind: 'lid', value: lid }];
export const told_at = new Date(1_790_000_000_123);

/** Bodies for one channel. */
export function writer(session: string) {
  const event = (name: string, payload: unknown, more: Json = {}): Json => ({
    id: 'evt_01J0000000000000000000000',
    timestamp: 1_790_000_000_123,
    event: name,
    session,
    metadata: { channel: 'ch_1' },
    me: { id: '5531988880000@c.us', pushName: 'Loja' },
    engine: 'GOWS',
    environment: { version: '2026.7.1', tier: 'CORE' },
    payload,
    ...more,
  });
  const said = (payload: Json = {}): Json =>
    event('message.any', {
      id: `false_${phone}_3A00000000000001`,
      timestamp: 1_790_000_000,
      from: phone,
      fromMe: false,
      source: 'app',
      to: '5531988880000@c.us',
      participant: null,
      body: 'Oi',
      hasMedia: false,
      media: null,
      ack: 2,
      ackName: 'DEVICE',
      replyTo: null,
      _data: { Info: { PushName: 'José', Sender: phone } },
      ...payload,
    });
  const ack = (payload: Json = {}): Json =>
    event('message.ack', {
      id: `true_${phone}_3EB0C1D2E3F4A5B6C7D8E9`,
      from: '5531988880000@c.us',
      to: phone,
      participant: null,
      fromMe: true,
      ack: 2,
      ackName: 'DEVICE',
      ...payload,
    });
  return { event, said, ack };
}

export type Writer = ReturnType<typeof writer>;
