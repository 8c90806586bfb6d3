/** One part of a template as the provider gave it, in Meta's component language. */
export type Component = Record<string, unknown>;
type ParameterFormat = 'positional' | 'named';

/** One thing to fill in: all a form needs to draw one field. */
export interface Slot {
  /** `header.1`, `header.image`, `body.1`, `body.nome`, `buttons.1.url`, `buttons.0.coupon_code` … */
  key: string;
  component: 'header' | 'body' | 'button';
  /** Zero-based place of the button among all buttons of the template. */
  index?: number;
  type: 'text' | 'image' | 'video' | 'document' | 'location' | 'url_suffix' | 'coupon_code' | 'payload';
  required: boolean;
  /** In characters: what the provider's limit leaves beside the fixed text when every other slot holds one character; null for objects. */
  max_length: number | null;
  example: string | null;
  /** How often the value stands in the text; absent when once. */
  occurrences?: number;
}

/** Longest rendered text, in characters. `payload` has no documented limit; 128 is a cautious one. */
const limits = { header: 60, body: 1024, url: 2000, coupon_code: 20, payload: 128 };

interface Reader {
  slots: (component: Component, format: ParameterFormat) => Slot[];
  /** Names of what is in it and cannot be filled yet. */
  unsupported: (component: Component) => string[];
}

const all_supported = () => [];
const media = new Set(['image', 'video', 'document', 'location'] as const);
type Media = typeof media extends Set<infer M> ? M : never;

/** By component type; a kind that is not in here is kept, shown, and refused by name at a start. */
const readers = new Map<string, Reader>([
  ['header', { slots: headerSlots, unsupported: unsupportedHeader }],
  ['body', { slots: bodySlots, unsupported: all_supported }],
  ['footer', { slots: () => [], unsupported: all_supported }],
  ['buttons', { slots: buttonSlots, unsupported: unsupportedButtons }],
]);

/** By button type, as above. Those without slots need nothing at a send. */
const button_readers = new Map<string, (button: Component, index: number) => Slot[]>([
  ['quick_reply', (_, index) => [buttonSlot(index, 'payload', { required: false, max_length: limits.payload })]],
  ['url', urlSlots],
  ['copy_code', couponSlots],
  ['phone_number', () => []],
  ['request_contact_info', () => []],
]);

/** The slots of a template in the order of its components; parts that cannot be filled yet have none. Never throws. */
export function readSlots(components: Component[], parameter_format: ParameterFormat): Slot[] {
  return components.flatMap((component) => readers.get(kindOf(component))?.slots(component, parameter_format) ?? []);
}

/** Names the parts nobody can fill in yet, such as `carousel`, `buttons.otp`, `header.gif`; empty when a start may use the template. */
export function unsupportedComponents(components: Component[]): string[] {
  const names = components.flatMap((component) => {
    const reader = readers.get(kindOf(component));
    return reader ? reader.unsupported(component) : [kindOf(component) || 'unknown'];
  });
  return [...new Set(names)];
}

/** The `type` of a component or button in lower case: letter case differs between Meta's pages and answers. */
export function kindOf(part: Component): string {
  return textOf(part.type)?.toLowerCase() ?? '';
}

/** The `format` of a header in lower case; a header without one is a text. */
export function headerFormat(component: Component): string {
  return textOf(component.format)?.toLowerCase() ?? 'text';
}

/** The buttons of a BUTTONS component; what is no object there is an empty one, so that the places of the others stay. */
export function buttonsOf(component: Component): Component[] {
  const buttons = Array.isArray(component.buttons) ? component.buttons : [];
  return buttons.map((button: unknown) => (isRecord(button) ? button : {}));
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Length as people count it: an emoji outside the basic plane is one character, not two. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Puts values in the place of `{{name}}`, once: a value is never read for further places. What has no value stays. */
export function fillPlaces(text: string, valueAt: (name: string) => string | undefined): string {
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (place, name: string) => valueAt(name) ?? place);
}

function headerSlots(component: Component, format: ParameterFormat): Slot[] {
  const kind = headerFormat(component);
  if (kind === 'text') return textSlots('header', component, format);
  if (!isMedia(kind)) return [];
  const example = firstText(field(component.example, 'header_handle'));
  return [{ key: `header.${kind}`, component: 'header', type: kind, required: true, max_length: null, example }];
}

function unsupportedHeader(component: Component): string[] {
  const kind = headerFormat(component);
  return kind === 'text' || isMedia(kind) ? [] : [`header.${kind}`];
}

function bodySlots(component: Component, format: ParameterFormat): Slot[] {
  return textSlots('body', component, format);
}

function textSlots(part: 'header' | 'body', component: Component, format: ParameterFormat): Slot[] {
  const text = textOf(component.text) ?? '';
  const occurrences = countPlaces(text, format);
  const budget = limits[part] - lengthOf(fillPlaces(text, (name) => (occurrences.has(name) ? '' : undefined)));
  const shortest = [...occurrences.values()].reduce((sum, times) => sum + times, 0);
  return [...occurrences].map(([name, times], place) => ({
    key: `${part}.${name}`,
    component: part,
    type: 'text',
    required: true,
    max_length: Math.max(1, Math.floor((budget - shortest) / times) + 1),
    example: exampleOf(part, component.example, format === 'named' ? name : place),
    ...(times > 1 ? { occurrences: times } : {}),
  }));
}

/** How often each variable stands in the text; numbers in their order, names in the order of the text. */
function countPlaces(text: string, format: ParameterFormat): Map<string, number> {
  const counts = new Map<string, number>();
  fillPlaces(text, (name) => {
    if (format === 'named' || /^\d+$/.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
    return undefined;
  });
  return format === 'named' ? counts : new Map([...counts].sort(([a], [b]) => Number(a) - Number(b)));
}

function exampleOf(part: 'header' | 'body', example: unknown, name: string | number): string | null {
  if (typeof name === 'number') {
    const values = listOf(field(example, `${part}_text`));
    return textOf((Array.isArray(values[0]) ? values[0] : values)[name]);
  }
  const named = listOf(field(example, `${part}_text_named_params`));
  return textOf(
    field(
      named.find((entry) => field(entry, 'param_name') === name),
      'example',
    ),
  );
}

function buttonSlots(component: Component): Slot[] {
  return buttonsOf(component).flatMap((button, index) => button_readers.get(kindOf(button))?.(button, index) ?? []);
}

function unsupportedButtons(component: Component): string[] {
  const kinds = buttonsOf(component).map(kindOf);
  return kinds.filter((kind) => !button_readers.has(kind)).map((kind) => `buttons.${kind || 'unknown'}`);
}

/** Meta's example is the whole URL; a form asks for the end of it. */
function urlSlots(button: Component, index: number): Slot[] {
  const url = textOf(button.url) ?? '';
  const fixed = fillPlaces(url, () => '');
  if (fixed === url) return [];
  const example = firstText(button.example);
  const suffix = example?.startsWith(fixed) ? example.slice(fixed.length) : example;
  return [
    buttonSlot(index, 'url_suffix', {
      max_length: Math.max(1, limits.url - lengthOf(fixed)),
      example: suffix || null,
    }),
  ];
}

function couponSlots(button: Component, index: number): Slot[] {
  const max_length = limits.coupon_code;
  return [buttonSlot(index, 'coupon_code', { max_length, example: firstText(button.example) })];
}

function buttonSlot(index: number, type: 'url_suffix' | 'coupon_code' | 'payload', more: Partial<Slot>): Slot {
  const key = `buttons.${index}.${type === 'url_suffix' ? 'url' : type}`;
  return { key, component: 'button', index, type, required: true, max_length: null, example: null, ...more };
}

function isMedia(kind: string): kind is Media {
  return (media as Set<string>).has(kind);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Meta gives one example as a string or as a list of one. */
function firstText(value: unknown): string | null {
  return textOf(Array.isArray(value) ? value[0] : value);
}
