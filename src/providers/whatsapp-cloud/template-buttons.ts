import type { FilledSlot } from '../provider.ts';
import { isObject, type Json } from '../wire.ts';

export interface GraphComponent {
  type: string;
  sub_type?: string;
  index?: string;
  parameters?: Json[];
  cards?: { card_index: number; components: GraphComponent[] }[];
}

/** One component per button that takes something, at its index; the slots come sorted by their keys. */
export function buildButtons(slots: FilledSlot[]): GraphComponent[] {
  const buttons = new Map<number, FilledSlot[]>();
  for (const slot of slots) {
    const index = Number(/^buttons\.(\d+)\./.exec(slot.key)?.[1] ?? slot.index ?? 0);
    buttons.set(index, [...(buttons.get(index) ?? []), slot]);
  }
  return [...buttons].map(([index, own]) => ({ type: 'button', index: String(index), ...buildButton(own) }));
}

function buildButton(slots: FilledSlot[]): { sub_type: string; parameters: Json[] } {
  const values = Object.fromEntries(slots.map(({ type, value }) => [type, value]));
  const has = (type: string) => values[type] !== undefined;
  if (has('payload')) return { sub_type: 'quick_reply', parameters: [{ type: 'payload', payload: values.payload }] };
  if (has('coupon_code')) {
    return { sub_type: 'copy_code', parameters: [{ type: 'coupon_code', coupon_code: values.coupon_code }] };
  }
  if (has('flow_token') || has('flow_action_data')) return { sub_type: 'flow', parameters: [buildFlow(values)] };
  if (has('product_retailer_id') || has('product_sections')) return buildProducts(values);
  // Whatever its kind, Meta takes a one-time code as the end of the button's URL.
  return { sub_type: 'url', parameters: [{ type: 'text', text: values.url_suffix ?? values.otp }] };
}

function buildFlow({ flow_token, flow_action_data }: Json): Json {
  const token = flow_token === undefined ? {} : { flow_token };
  const data = flow_action_data === undefined ? {} : { flow_action_data };
  return { type: 'action', action: { ...token, ...data } };
}

/** A list of products when there are sections, else the whole catalogue. */
function buildProducts({ product_retailer_id, product_sections }: Json): { sub_type: string; parameters: Json[] } {
  const thumbnail = product_retailer_id === undefined ? {} : { thumbnail_product_retailer_id: product_retailer_id };
  if (product_sections === undefined) {
    return { sub_type: 'catalog', parameters: [{ type: 'action', action: thumbnail }] };
  }
  const sections = Array.isArray(product_sections) ? product_sections.map(buildSection) : product_sections;
  return { sub_type: 'mpm', parameters: [{ type: 'action', action: { ...thumbnail, sections } }] };
}

function buildSection(section: unknown): unknown {
  if (!isObject(section)) return section;
  const { title, product_retailer_ids: ids } = section;
  const product_items = Array.isArray(ids) ? ids.map((product_retailer_id) => ({ product_retailer_id })) : ids;
  return { title, product_items };
}
