import type { ParameterFormat, Slot } from './slot.ts';
import { type Component, field, fillPlaces, lengthOf, textOf } from './template-component.ts';

/** A slot per variable of a header or body; `limit` is what the rendered text may hold, in characters. */
export function textSlots(
  part: 'header' | 'body',
  component: Component,
  format: ParameterFormat,
  limit: number,
): Slot[] {
  const text = textOf(component.text) ?? '';
  const occurrences = countPlaces(text, format);
  const budget = limit - lengthOf(fillPlaces(text, (name) => (occurrences.has(name) ? '' : undefined)));
  const exampleOf = readExamples(part, component.example, format);
  const shortest = [...occurrences.values()].reduce((sum, times) => sum + times, 0);
  return [...occurrences].map(([name, times], place) => ({
    key: `${part}.${name}`,
    component: part,
    type: 'text',
    required: true,
    max_length: Math.max(1, Math.floor((budget - shortest) / times) + 1),
    example: exampleOf(name, place),
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

type ExampleOf = (name: string, place: number) => string | null;

/** The example of a variable: of its name, or of its place among the numbers. */
function readExamples(part: 'header' | 'body', example: unknown, format: ParameterFormat): ExampleOf {
  if (format === 'positional') {
    const values = listOf(field(example, `${part}_text`));
    return (_, place) => textOf((Array.isArray(values[0]) ? values[0] : values)[place]);
  }
  const named = listOf(field(example, `${part}_text_named_params`));
  // Backwards, so that of one name the first entry stands.
  const examples = new Map(named.toReversed().map((entry) => [field(entry, 'param_name'), field(entry, 'example')]));
  return (name) => textOf(examples.get(name));
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
