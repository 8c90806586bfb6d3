import type { FilledSlot } from '../../providers/provider.ts';
import { buttonsOf, type Component, fillPlaces, headerFormat, kindOf, textOf } from './template-slots.ts';

interface RenderedButton {
  /** In lower case: `quick_reply`, `url`, `phone_number`, `copy_code` … */
  type: string;
  text: string;
  url?: string | null;
  phone_number?: string | null;
  coupon_code?: string | null;
}

/** A template as its reader sees it. `header` is null when there is none or when it is no text (media, location). */
export interface RenderedTemplate {
  header: string | null;
  body: string;
  footer: string | null;
  buttons: RenderedButton[];
}

type Values = Map<string, FilledSlot['value']>;

/** Renders what the provider will show for these slots. A place without a value stays as `{{name}}`; values are never expanded again. */
export function renderTemplate(components: Component[], filled: FilledSlot[]): RenderedTemplate {
  const values: Values = new Map(filled.map((slot) => [slot.key, slot.value]));
  const find = (kind: string) => components.find((component) => kindOf(component) === kind);
  const header = find('header');
  const buttons = find('buttons');
  return {
    header: header && headerFormat(header) === 'text' ? renderText('header', header, values) : null,
    body: renderText('body', find('body'), values) ?? '',
    footer: textOf(find('footer')?.text),
    buttons: buttons ? buttonsOf(buttons).map((button, index) => renderButton(button, index, values)) : [],
  };
}

/** What history keeps as the text of a message: header, body and footer, a blank line between them. */
export function renderedText(rendered: Pick<RenderedTemplate, 'header' | 'body' | 'footer'>): string {
  return [rendered.header, rendered.body, rendered.footer].filter(Boolean).join('\n\n');
}

function renderText(part: string, component: Component | undefined, values: Values): string | null {
  const text = textOf(component?.text);
  return text === null ? null : fillPlaces(text, (name) => stringOf(values.get(`${part}.${name}`)));
}

function renderButton(button: Component, index: number, values: Values): RenderedButton {
  const type = kindOf(button);
  const shown: RenderedButton = { type, text: textOf(button.text) ?? '' };
  if (type === 'url') {
    const suffix = stringOf(values.get(`buttons.${index}.url`));
    const url = textOf(button.url);
    return { ...shown, url: url === null ? null : fillPlaces(url, () => suffix) };
  }
  if (type === 'phone_number') return { ...shown, phone_number: textOf(button.phone_number) };
  if (type !== 'copy_code') return shown;
  return { ...shown, coupon_code: stringOf(values.get(`buttons.${index}.coupon_code`)) ?? null };
}

function stringOf(value: FilledSlot['value'] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
