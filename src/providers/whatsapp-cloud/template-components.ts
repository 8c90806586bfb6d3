import type { FilledSlot, OutboundContent } from '../provider.ts';

type Template = Extract<OutboundContent, { type: 'template' }>;
type Format = Template['parameter_format'];

export interface GraphComponent {
  type: string;
  sub_type?: string;
  index?: string;
  parameters?: Record<string, unknown>[];
  cards?: { card_index: number; components: GraphComponent[] }[];
}

/**
 * Filled slots as Graph's `components`. What has no variable is left out; positional values are ordered by the
 * number in their key, and a button keeps its index among all buttons of the template.
 */
export function buildComponents(template: Pick<Template, 'parameter_format' | 'slots'>): GraphComponent[] {
  const own = template.slots.filter(({ key }) => !key.startsWith('cards.'));
  const components = buildPart(own, template.parameter_format);
  const cards = buildCards(template);
  return cards.length === 0 ? components : [...components, { type: 'carousel', cards }];
}

function buildPart(slots: FilledSlot[], format: Format): GraphComponent[] {
  const byPlace = [...slots].sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
  const header = byPlace.filter(({ key }) => key.startsWith('header.')).map((slot) => textOrMedia(slot, format));
  const body = byPlace.filter(({ key }) => key.startsWith('body.')).map((slot) => textOrMedia(slot, format));
  const otp = byPlace.find(({ type }) => type === 'otp');
  // An authentication template carries its code twice: in the body and in the button.
  if (otp && body.length === 0) body.push({ type: 'text', text: asText(otp.value) });
  const offer = byPlace.find(({ key }) => key.startsWith('limited_time_offer.'));
  const buttons = byPlace.filter(({ key }) => key.startsWith('buttons.')).map(buildButton);
  if (otp?.key.startsWith('body.')) buttons.push(buildOtpButton(otp));
  return [
    ...(header.length > 0 ? [{ type: 'header', parameters: header }] : []),
    ...(body.length > 0 ? [{ type: 'body', parameters: body }] : []),
    ...(offer ? [buildOffer(offer)] : []),
    ...buttons,
  ];
}

function buildCards({ parameter_format, slots }: Pick<Template, 'parameter_format' | 'slots'>) {
  const cards = new Map<number, FilledSlot[]>();
  for (const slot of slots) {
    const [, index, key] = /^cards\.(\d+)\.(.+)$/.exec(slot.key) ?? [];
    if (index === undefined || key === undefined) continue;
    const card = cards.get(Number(index)) ?? [];
    cards.set(Number(index), [...card, { ...slot, key }]);
  }
  return [...cards]
    .sort(([a], [b]) => a - b)
    .map(([card_index, own]) => ({ card_index, components: buildPart(own, parameter_format) }));
}

function textOrMedia({ key, type, value }: FilledSlot, format: Format): Record<string, unknown> {
  switch (type) {
    case 'image':
    case 'video':
    case 'document':
      return { type, [type]: buildMedia(type, value) };
    case 'location':
      return { type, location: typeof value === 'string' ? {} : value };
    default: {
      const name = key.slice(key.indexOf('.') + 1);
      const named = format === 'named' ? { parameter_name: name } : {};
      return { type: 'text', ...named, text: asText(value) };
    }
  }
}

function buildMedia(type: string, value: FilledSlot['value']): Record<string, string> {
  if (typeof value === 'string') return { link: value };
  const { media_id, link, filename } = value;
  return {
    // Meta wants exactly one of the two; an uploaded file does not depend on a third server.
    ...(media_id ? { id: media_id } : link ? { link } : {}),
    ...(type === 'document' && filename ? { filename } : {}),
  };
}

function buildButton(slot: FilledSlot): GraphComponent {
  const index = String(Number(/^buttons\.(\d+)/.exec(slot.key)?.[1] ?? slot.index ?? 0));
  const text = asText(slot.value);
  switch (slot.type) {
    case 'payload':
      return { type: 'button', sub_type: 'quick_reply', index, parameters: [{ type: 'payload', payload: text }] };
    case 'coupon_code':
      return { type: 'button', sub_type: 'copy_code', index, parameters: [{ type: 'coupon_code', coupon_code: text }] };
    default:
      return { type: 'button', sub_type: 'url', index, parameters: [{ type: 'text', text }] };
  }
}

function buildOtpButton({ index, value }: FilledSlot): GraphComponent {
  const parameters = [{ type: 'text', text: asText(value) }];
  return { type: 'button', sub_type: 'url', index: String(index ?? 0), parameters };
}

function buildOffer({ value }: FilledSlot): GraphComponent {
  const text = asText(value);
  const expiration_time_ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return {
    type: 'limited_time_offer',
    parameters: [{ type: 'limited_time_offer', limited_time_offer: { expiration_time_ms } }],
  };
}

function asText(value: FilledSlot['value']): string {
  return typeof value === 'string' ? value : '';
}
