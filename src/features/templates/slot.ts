export type ParameterFormat = 'positional' | 'named';

export const slot_components = ['header', 'limited_time_offer', 'body', 'button', 'card'] as const;

/** What a slot takes. Objects: the media, `location`, `product`, `flow_action_data`; a list: `product_sections`; texts: the rest. */
export const slot_types = [
  'text',
  'image',
  'video',
  'document',
  'location',
  'product',
  'url_suffix',
  'coupon_code',
  'payload',
  'otp',
  'flow_token',
  'flow_action_data',
  'product_retailer_id',
  'product_sections',
  'date_time',
] as const;

/** One thing to fill in: all a form needs to draw one field. */
export interface Slot {
  /** `header.1`, `header.image`, `body.nome`, `buttons.1.url`, `cards.0.buttons.0.url`, `limited_time_offer.expires_at` … */
  key: string;
  component: (typeof slot_components)[number];
  /** Zero-based place of the button among all buttons of the template, or of the card among its cards. */
  index?: number;
  type: (typeof slot_types)[number];
  required: boolean;
  /** In characters: what the provider's limit leaves beside the fixed text when every other slot holds one character; null where it takes no text. */
  max_length: number | null;
  example: string | null;
  /** How often the value stands in the text; absent when once. */
  occurrences?: number;
  /** What is sent when it is left out; absent when nothing is. */
  default?: string;
}

/**
 * Meta's limits of a rendered text, in characters. `payload`, `flow_token`, `flow_action_data` (as JSON) and
 * `product_retailer_id` have no documented one; ours are cautious (a catalogue keeps product ids of at most 100).
 */
export const limits = {
  header: 60,
  body: 1024,
  body_beside_offer: 600,
  card_body: 160,
  url: 2000,
  coupon_code: 20,
  otp: 15,
  payload: 128,
  flow_token: 512,
  flow_action_data: 8192,
  product_retailer_id: 100,
  section_title: 24,
  sections: 10,
  products: 30,
} as const;
