import type { DemoComponent } from './demo-components.ts';
import type { GraphRefusal } from './graph-errors.ts';
import { countRefusal, firstRefusal } from './graph-parameters.ts';
import { isMembers, type Members } from './json.ts';

/** Checks that every approved card is there, once and in its place, and each as `judge` wants it. */
export function refusalOfCarousel(
  carousel: DemoComponent | undefined,
  given: Members | undefined,
  judge: (approved: DemoComponent[], components: Members[]) => GraphRefusal | null,
): GraphRefusal | null {
  const approved = carousel?.cards ?? [];
  const cards = given?.cards ?? [];
  if (!Array.isArray(cards) || !cards.every(isMembers)) {
    return { error: 'invalid_parameter', message: "(#100) Param ['cards'] must be an array of objects." };
  }
  const count = countRefusal('carousel', cards.length, approved.length);
  if (count) return count;
  const places = cards.map((card) => card.card_index);
  if (!approved.every((_, index) => places.includes(index))) {
    return { error: 'parameter_value_invalid', details: 'carousel: card_index must go from 0 without a gap' };
  }
  return firstRefusal(cards, (card) => {
    const components = card.components ?? [];
    if (!Array.isArray(components) || !components.every(isMembers)) {
      return { error: 'invalid_parameter', message: "(#100) Param ['components'] of a card must be an array." };
    }
    return judge(approved[Number(card.card_index)]?.components ?? [], components);
  });
}

/** Checks the end of a limited-time offer: milliseconds, given when and only when the template shows it. */
export function refusalOfOffer(
  offer: DemoComponent | undefined,
  given: Members | undefined,
  parameters: Members[],
): GraphRefusal | null {
  const has_expiration = offer?.limited_time_offer?.has_expiration === true;
  if (!has_expiration) {
    const details = 'limited_time_offer: the template shows no end of an offer';
    return given ? { error: 'parameter_format', details } : null;
  }
  const count = countRefusal('limited_time_offer', parameters.length, 1);
  if (count) return count;
  const [parameter] = parameters;
  const value = isMembers(parameter?.limited_time_offer) ? parameter.limited_time_offer.expiration_time_ms : undefined;
  if (parameter?.type === 'limited_time_offer' && Number.isSafeInteger(value) && Number(value) > 0) return null;
  return { error: 'parameter_value_invalid', details: 'limited_time_offer: expiration_time_ms must be milliseconds' };
}
