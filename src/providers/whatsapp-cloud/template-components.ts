import type { FilledSlot, OutboundContent } from '../provider.ts';
import { isObject, type Json } from '../wire.ts';
import { buildButtons, type GraphComponent } from './template-buttons.ts';

type Template = Extract<OutboundContent, { type: 'template' }>;
type Format = Template['parameter_format'];

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
  const header = byPlace.filter(({ key }) => key.startsWith('header.')).map((slot) => buildHeader(slot, format));
  const body = byPlace.filter(({ key }) => key.startsWith('body.')).map((slot) => buildText(slot, format));
  const otp = byPlace.find(({ type }) => type === 'otp');
  // An authentication template carries its code twice: in the body and in the button.
  if (otp && body.length === 0) body.push({ type: 'text', text: otp.value });
  const offer = byPlace.find(({ key }) => key.startsWith('limited_time_offer.'));
  return [
    ...(header.length > 0 ? [{ type: 'header', parameters: header }] : []),
    ...(offer ? [buildOffer(offer)] : []),
    ...(body.length > 0 ? [{ type: 'body', parameters: body }] : []),
    ...buildButtons(byPlace.filter(({ key }) => key.startsWith('buttons.'))),
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

function buildHeader(slot: FilledSlot, format: Format): Json {
  const { type, value } = slot;
  switch (type) {
    case 'image':
    case 'video':
    case 'document':
      return { type, [type]: buildMedia(type, value) };
    case 'location':
    case 'product':
      return { type, [type]: value };
    default:
      return buildText(slot, format);
  }
}

function buildText({ key, value }: FilledSlot, format: Format): Json {
  const name = key.slice(key.indexOf('.') + 1);
  return { type: 'text', ...(format === 'named' ? { parameter_name: name } : {}), text: value };
}

function buildMedia(type: string, value: FilledSlot['value']): Json {
  const { media_id, link, filename } = isObject(value) ? value : {};
  return {
    // Meta wants exactly one of the two; an uploaded file does not depend on a third server.
    ...(media_id ? { id: media_id } : link ? { link } : {}),
    ...(type === 'document' && filename ? { filename } : {}),
  };
}

function buildOffer({ value }: FilledSlot): GraphComponent {
  const expiration_time_ms = typeof value === 'string' ? Date.parse(value) : value;
  return {
    type: 'limited_time_offer',
    parameters: [{ type: 'limited_time_offer', limited_time_offer: { expiration_time_ms } }],
  };
}
