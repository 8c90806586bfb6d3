/** One part of a template as the provider gave it, in Meta's component language. Readers of it never throw. */
export type Component = Record<string, unknown>;

/** The `type` of a component or button in lower case: letter case differs between Meta's pages and answers. */
export function kindOf(part: Component): string {
  return textOf(part.type)?.toLowerCase() ?? '';
}

/** The kind of a button: as `kindOf`, and `otp` for what a listing shows as a URL to WhatsApp's one-time code page. */
export function buttonKind(button: Component): string {
  const kind = kindOf(button);
  const is_otp = kind === 'url' && /^https:\/\/(www\.)?whatsapp\.com\/otp\//i.test(textOf(button.url) ?? '');
  return is_otp ? 'otp' : kind;
}

/** The `format` of a header in lower case; a header without one is a text. */
export function headerFormat(component: Component): string {
  return textOf(component.format)?.toLowerCase() ?? 'text';
}

/** The buttons of a BUTTONS component; what is no object there is an empty one, so that the places of the others stay. */
export function buttonsOf(component: Component): Component[] {
  return recordsOf(component.buttons);
}

/** The components of each card of a CAROUSEL component, in the order of the cards. */
export function cardsOf(component: Component): Component[][] {
  return recordsOf(component.cards).map((card) => recordsOf(card.components));
}

/** True for an authentication template: its one code fills body and button. */
export function takesOneTimeCode(components: Component[]): boolean {
  return components.some(
    (component) =>
      kindOf(component) === 'buttons' && buttonsOf(component).some((button) => buttonKind(button) === 'otp'),
  );
}

/** Text and end of a LIMITED_TIME_OFFER component. */
export function offerOf(component: Component): { text: string | null; has_expiration: boolean } {
  const offer = component.limited_time_offer;
  return { text: textOf(field(offer, 'text')), has_expiration: field(offer, 'has_expiration') === true };
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Meta gives one example as a string or as a list of one. */
export function firstText(value: unknown): string | null {
  return textOf(Array.isArray(value) ? value[0] : value);
}

export function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/** Length as people count it: an emoji outside the basic plane is one character, not two. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Puts values in the place of `{{name}}`, once: a value is never read for further places. What has no value stays. */
export function fillPlaces(text: string, valueAt: (name: string) => string | undefined): string {
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (place, name: string) => valueAt(name) ?? place);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordsOf(value: unknown): Component[] {
  return Array.isArray(value) ? value.map((member: unknown) => (isRecord(member) ? member : {})) : [];
}
