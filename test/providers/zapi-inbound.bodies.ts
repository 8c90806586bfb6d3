/** Webhooks of Z-API; numbers and ids that nobody has. */

export type Json = Record<string, unknown>;

export const at = new Date(1_790_000_000_123);
export const lid = '138400000000001@lid';
export const by_phone = [
  { kind: 'wa_id', value: '553188880001' },
  { kind: 'phone', value: '+553188880001' },
];
export const by_both = [...by_phone, { kind: 'lid', value: lid }];

/** Bodies for one channel. */
export function writer(instanceId: string) {
  const event = (type: string, more: Json): Json => ({ type, instanceId, momment: 1_790_000_000_123, ...more });
  const received = (more: Json): Json =>
    event('ReceivedCallback', {
      isStatusReply: false,
      chatLid: lid,
      senderLid: null,
      connectedPhone: '553188880000',
      waitingMessage: false,
      isEdit: false,
      isGroup: false,
      isNewsletter: false,
      messageId: '3A00000000000001',
      phone: '553188880001',
      fromMe: false,
      fromApi: false,
      status: 'RECEIVED',
      chatName: 'José da Silva',
      senderName: 'José',
      senderPhoto: 'https://photo.example/1',
      photo: null,
      broadcast: false,
      ...more,
    });
  return { event, received };
}

export type Writer = ReturnType<typeof writer>;
