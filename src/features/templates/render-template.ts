import type { FilledSlot } from '../../providers/provider.ts';
import { presetBody, presetFooter } from './one-time-code.ts';
import {
  buttonKind,
  buttonsOf,
  type Component,
  cardsOf,
  fillPlaces,
  headerFormat,
  isRecord,
  kindOf,
  offerOf,
  takesOneTimeCode,
  textOf,
} from './template-component.ts';
import type { RenderedButtonView, RenderedCardView, RenderedTemplateView } from './templates.schema.ts';

/** A template as its reader sees it. `header` is null when there is none or when it is no text (media, location). */
export type RenderedTemplate = RenderedTemplateView;

type Values = Map<string, FilledSlot['value']>;

/**
 * Renders what the provider will show for these slots. A place without a value stays as `{{name}}`; values are never expanded
 * again. `language` chooses the words of a one-time code's preset text where the provider did not give it.
 */
export function renderTemplate(components: Component[], filled: FilledSlot[], language = 'en'): RenderedTemplate {
  const values: Values = new Map(filled.map((slot) => [slot.key, slot.value]));
  const find = (kind: string) => components.find((component) => kindOf(component) === kind);
  const code = takesOneTimeCode(components) ? filled.find(({ type }) => type === 'otp')?.value : undefined;
  const offer = find('limited_time_offer');
  const carousel = find('carousel');
  return {
    ...renderPart(components, values, ''),
    ...(takesOneTimeCode(components) ? { body: presetBody(find('body'), stringOf(code), language) } : {}),
    footer: textOf(find('footer')?.text) ?? presetFooter(find('footer'), language),
    ...(offer ? { limited_time_offer: renderOffer(offer, values) } : {}),
    ...(carousel ? { cards: cardsOf(carousel).map((card, index) => renderCard(card, values, index)) } : {}),
  };
}

/** What history keeps as the text of a message: header, offer, body, footer and the texts of the cards, a blank line between them. */
export function renderedText(
  rendered: Pick<RenderedTemplateView, 'header' | 'limited_time_offer' | 'body' | 'footer' | 'cards'>,
): string {
  const { header, limited_time_offer: offer, body, footer, cards = [] } = rendered;
  const offered = offer && [offer.text, offer.expires_at].filter(Boolean).join(' – ');
  const card_texts = cards.map((card) => [card.header, card.body].filter(Boolean).join('\n'));
  return [header, offered, body, footer, ...card_texts].filter(Boolean).join('\n\n');
}

function renderPart(components: Component[], values: Values, prefix: string) {
  const find = (kind: string) => components.find((component) => kindOf(component) === kind);
  const header = find('header');
  const buttons = find('buttons');
  return {
    header: header && headerFormat(header) === 'text' ? renderText(`${prefix}header`, header, values) : null,
    body: renderText(`${prefix}body`, find('body'), values) ?? '',
    buttons: buttons
      ? buttonsOf(buttons).map((button, index) => renderButton(button, `${prefix}buttons.${index}`, values))
      : [],
  };
}

function renderCard(components: Component[], values: Values, index: number): RenderedCardView {
  const { body, ...rest } = renderPart(components, values, `cards.${index}.`);
  return { ...rest, body: body === '' ? null : body };
}

function renderText(part: string, component: Component | undefined, values: Values): string | null {
  const text = textOf(component?.text);
  return text === null ? null : fillPlaces(text, (name) => stringOf(values.get(`${part}.${name}`)));
}

function renderButton(button: Component, place: string, values: Values): RenderedButtonView {
  const type = buttonKind(button);
  const shown: RenderedButtonView = { type, text: textOf(button.text) ?? '' };
  const textAt = (name: string) => stringOf(values.get(`${place}.${name}`));
  switch (type) {
    case 'url': {
      const url = textOf(button.url);
      return { ...shown, url: url === null ? null : fillPlaces(url, () => textAt('url')) };
    }
    case 'phone_number':
      return { ...shown, phone_number: textOf(button.phone_number) };
    case 'copy_code':
      return { ...shown, coupon_code: textAt('coupon_code') ?? null };
    case 'otp':
      return { ...shown, code: textAt('otp') ?? null };
    case 'catalog':
      return { ...shown, thumbnail_product_retailer_id: textAt('thumbnail_product_retailer_id') ?? null };
    case 'mpm': {
      const thumbnail_product_retailer_id = textAt('thumbnail_product_retailer_id') ?? null;
      return { ...shown, thumbnail_product_retailer_id, sections: sectionsOf(values.get(`${place}.sections`)) };
    }
    default:
      return shown;
  }
}

function sectionsOf(value: FilledSlot['value'] | undefined): NonNullable<RenderedButtonView['sections']> {
  const sections = Array.isArray(value) ? value.filter(isRecord) : [];
  return sections.map(({ title, product_retailer_ids: ids }) => ({
    title: textOf(title) ?? '',
    product_retailer_ids: Array.isArray(ids) ? ids.map(String) : [],
  }));
}

function renderOffer(component: Component, values: Values): { text: string; expires_at: string | null } {
  const { text } = offerOf(component);
  return { text: text ?? '', expires_at: stringOf(values.get('limited_time_offer.expires_at')) ?? null };
}

function stringOf(value: FilledSlot['value'] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
