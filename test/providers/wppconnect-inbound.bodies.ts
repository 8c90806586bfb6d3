/** Webhooks of WPPConnect; numbers and ids that nobody has. */

export type Json = Record<string, unknown>;

export const phone = '553188880001@c.us';
export const lid = '138400000000001@lid';
export const own = '553188880000@c.us';
export const by_phone = [
  { kind: 'wa_id', value: phone },
  { kind: 'phone', value: '+553188880001' },
];
export const by_lid = [{ kind: 'lid', value: lid }];
export const key = (fromMe: boolean, remote: string, id: string) => ({
  fromMe,
  remote,
  id,
  _serialized: `${fromMe}_${remote}_${id}`,
});

/** Bodies for one channel. */
export function writer(session: string) {
  const event = (name: string, data: Json): Json => ({ event: name, session, ...data });
  const said = (more: Json = {}): Json =>
    event('onmessage', {
      id: `false_${phone}_3A00000000000001`,
      type: 'chat',
      body: 'Oi',
      t: 1_790_000_000,
      notifyName: 'José',
      from: phone,
      to: own,
      fromMe: false,
      isGroupMsg: false,
      sender: { id: phone, pushname: 'José' },
      chatId: phone,
      ...more,
    });
  const ack = (number: unknown, more: Json = {}): Json =>
    event('onack', {
      id: key(true, phone, '3EB0C1D2E3F4A5B6C7D8'),
      body: 'Oi',
      type: 'chat',
      t: 1_790_000_000,
      from: own,
      to: phone,
      ack: number,
      ...more,
    });
  return { event, said, ack };
}

export type Writer = ReturnType<typeof writer>;
