import { limits, type Slot } from './slot.ts';
import {
  buttonKind,
  buttonsOf,
  type Component,
  fillPlaces,
  firstText,
  lengthOf,
  textOf,
} from './template-component.ts';

type Reader = (button: Component, index: number) => Slot[];

/** By kind of button; one that is not in here is kept, shown, and refused by name at a start. */
const readers = new Map<string, Reader>([
  ['quick_reply', replySlots],
  ['url', urlSlots],
  ['copy_code', couponSlots],
  ['otp', otpSlots],
  ['flow', flowSlots],
  ['catalog', catalogSlots],
  ['mpm', productListSlots],
  // These need nothing at a send.
  ...['phone_number', 'spm', 'request_contact_info', 'voice_call'].map((kind): [string, Reader] => [kind, () => []]),
]);

/** The slots of a BUTTONS component, in the order of the buttons. */
export function buttonSlots(component: Component): Slot[] {
  return buttonsOf(component).flatMap((button, index) => readers.get(buttonKind(button))?.(button, index) ?? []);
}

/**
 * The same in a card, where Meta wants every quick reply named: one without a payload of its own goes with its label,
 * which is what comes back from a reply without one anyway.
 */
export function cardButtonSlots(component: Component): Slot[] {
  const buttons = buttonsOf(component);
  return buttonSlots(component).map((slot) => {
    const label = textOf(buttons[slot.index ?? -1]?.text);
    return slot.type === 'payload' && label ? { ...slot, default: label } : slot;
  });
}

/** Names of the buttons nobody can fill in yet, such as `buttons.order_details`. */
export function unsupportedButtons(component: Component): string[] {
  const kinds = buttonsOf(component).map(buttonKind);
  return kinds.filter((kind) => !readers.has(kind)).map((kind) => `buttons.${kind || 'unknown'}`);
}

function slotOf(index: number, name: string, type: Slot['type'], more: Partial<Slot> = {}): Slot {
  const key = `buttons.${index}.${name}`;
  return { key, component: 'button', index, type, required: true, max_length: null, example: null, ...more };
}

function replySlots(_: Component, index: number): Slot[] {
  return [slotOf(index, 'payload', 'payload', { required: false, max_length: limits.payload })];
}

/** Meta's example is the whole URL; a form asks for the end of it. */
function urlSlots(button: Component, index: number): Slot[] {
  const url = textOf(button.url) ?? '';
  const fixed = fillPlaces(url, () => '');
  if (fixed === url) return [];
  const example = firstText(button.example);
  const suffix = example?.startsWith(fixed) ? example.slice(fixed.length) : example;
  const max_length = Math.max(1, limits.url - lengthOf(fixed));
  return [slotOf(index, 'url', 'url_suffix', { max_length, example: suffix || null })];
}

function couponSlots(button: Component, index: number): Slot[] {
  const max_length = limits.coupon_code;
  return [slotOf(index, 'coupon_code', 'coupon_code', { max_length, example: firstText(button.example) })];
}

/** One value for body and button, whichever way the app takes it: copied, by one tap or by none. */
function otpSlots(_: Component, index: number): Slot[] {
  return [slotOf(index, 'otp', 'otp', { max_length: limits.otp })];
}

/** Both may be left out, but Meta refuses a flow button that is not named: it goes with Meta's own default for the token. */
function flowSlots(_: Component, index: number): Slot[] {
  return [
    slotOf(index, 'flow_token', 'flow_token', { required: false, max_length: limits.flow_token, default: 'unused' }),
    slotOf(index, 'flow_action_data', 'flow_action_data', { required: false, max_length: limits.flow_action_data }),
  ];
}

/** Without a thumbnail Meta shows the first product of the catalogue. */
function catalogSlots(_: Component, index: number): Slot[] {
  return [thumbnailSlot(index, false)];
}

function productListSlots(_: Component, index: number): Slot[] {
  return [thumbnailSlot(index, true), slotOf(index, 'sections', 'product_sections')];
}

function thumbnailSlot(index: number, required: boolean): Slot {
  const max_length = limits.product_retailer_id;
  return slotOf(index, 'thumbnail_product_retailer_id', 'product_retailer_id', { required, max_length });
}
