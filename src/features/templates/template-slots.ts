import { buttonSlots, cardButtonSlots, unsupportedButtons } from './button-slots.ts';
import { limits, type ParameterFormat, type Slot } from './slot.ts';
import {
  type Component,
  cardsOf,
  field,
  firstText,
  headerFormat,
  kindOf,
  offerOf,
  takesOneTimeCode,
} from './template-component.ts';
import { textSlots } from './text-slots.ts';

export type { Component } from './template-component.ts';

/** What the rest of the template means for one of its components. */
interface Surroundings {
  format: ParameterFormat;
  body_limit: number;
  /** The body of an authentication template takes the code of its button. */
  takes_code: boolean;
  in_card: boolean;
}

interface Reader {
  slots: (component: Component, surroundings: Surroundings) => Slot[];
  /** Names of what is in it and cannot be sent. */
  unsupported: (component: Component) => string[];
}

const all_supported = () => [];
const media = new Set(['image', 'video', 'document', 'location', 'product'] as const);
type Media = typeof media extends Set<infer M> ? M : never;

/** By component type; a kind that is not in here is kept, shown, and refused by name at a start. */
const readers = new Map<string, Reader>([
  ['header', { slots: headerSlots, unsupported: unsupportedHeader }],
  ['body', { slots: bodySlots, unsupported: all_supported }],
  ['footer', { slots: () => [], unsupported: all_supported }],
  ['limited_time_offer', { slots: offerSlots, unsupported: all_supported }],
  [
    'buttons',
    {
      slots: (component, { in_card }) => (in_card ? cardButtonSlots(component) : buttonSlots(component)),
      unsupported: unsupportedButtons,
    },
  ],
  ['carousel', { slots: carouselSlots, unsupported: unsupportedCarousel }],
]);

/** The slots of a template in the order of its components; parts that cannot be sent have none. Never throws. */
export function readSlots(components: Component[], format: ParameterFormat): Slot[] {
  const has_offer = components.some((component) => kindOf(component) === 'limited_time_offer');
  const body_limit = has_offer ? limits.body_beside_offer : limits.body;
  const takes_code = takesOneTimeCode(components);
  return readPart(components, { format, body_limit, takes_code, in_card: false });
}

/** Names the parts that cannot be sent, such as `header.gif` or `buttons.order_details`; empty when a start may use the template. */
export function unsupportedComponents(components: Component[]): string[] {
  const names = components.flatMap((component) => {
    const reader = readers.get(kindOf(component));
    return reader ? reader.unsupported(component) : [kindOf(component) || 'unknown'];
  });
  return [...new Set(names)];
}

function readPart(components: Component[], surroundings: Surroundings): Slot[] {
  return components.flatMap((component) => readers.get(kindOf(component))?.slots(component, surroundings) ?? []);
}

function headerSlots(component: Component, { format }: Surroundings): Slot[] {
  const kind = headerFormat(component);
  if (kind === 'text') return textSlots('header', component, format, limits.header);
  if (!isMedia(kind)) return [];
  const example = firstText(field(component.example, 'header_handle'));
  return [{ key: `header.${kind}`, component: 'header', type: kind, required: true, max_length: null, example }];
}

function unsupportedHeader(component: Component): string[] {
  const kind = headerFormat(component);
  return kind === 'text' || isMedia(kind) ? [] : [`header.${kind}`];
}

function bodySlots(component: Component, { format, body_limit, takes_code }: Surroundings): Slot[] {
  return takes_code ? [] : textSlots('body', component, format, body_limit);
}

function offerSlots(component: Component): Slot[] {
  if (!offerOf(component).has_expiration) return [];
  const key = 'limited_time_offer.expires_at';
  return [{ key, component: 'limited_time_offer', type: 'date_time', required: true, max_length: null, example: null }];
}

/** Those of each card under its place: `cards.0.header.image`, `cards.0.body.1`, `cards.0.buttons.1.url`. */
function carouselSlots(component: Component, { format }: Surroundings): Slot[] {
  const surroundings = { format, body_limit: limits.card_body, takes_code: false, in_card: true };
  return cardsOf(component).flatMap((components, index) =>
    readPart(components, surroundings).map(
      (slot): Slot => ({ ...slot, key: `cards.${index}.${slot.key}`, component: 'card', index }),
    ),
  );
}

/** A card is sent because its header is filled in: without one Meta would miss it. */
function unsupportedCarousel(component: Component): string[] {
  const cards = cardsOf(component);
  const is_whole =
    cards.length > 0 &&
    cards.every((card) => card.some((part) => kindOf(part) === 'header' && headerFormat(part) !== 'text'));
  const within = unsupportedComponents(cards.flat()).map((name) => `carousel.${name}`);
  return is_whole ? within : ['carousel', ...within];
}

function isMedia(kind: string): kind is Media {
  return (media as Set<string>).has(kind);
}
