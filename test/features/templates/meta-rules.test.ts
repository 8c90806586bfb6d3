import t from 'tap';
import { checkParameters } from '../../../src/features/templates/check-parameters.ts';
import type { Slot } from '../../../src/features/templates/slot.ts';
import { readSlots, unsupportedComponents } from '../../../src/features/templates/template-slots.ts';
import { Problem } from '../../../src/problem.ts';
import type { FilledSlot } from '../../../src/providers/provider.ts';
import { buildComponents } from '../../../src/providers/whatsapp-cloud/template-components.ts';
import type { DemoTemplate } from '../../../src/simulator/demo-components.ts';
import { refusalOfComponents } from '../../../src/simulator/graph-template.ts';
import { fits, type Kind, type Rule, text_kinds } from './meta-rules.fixtures.ts';
import { button_kinds } from './meta-rules-buttons.fixtures.ts';
import { media_kinds } from './meta-rules-media.fixtures.ts';
import { card_kinds, product_kinds } from './meta-rules-products.fixtures.ts';

type Parameters = Record<string, unknown>;

/** What our check holds against these parameters, as `key code`; else `fits`. */
function oursOn(slots: Slot[], parameters: Parameters): { verdict: string; filled: FilledSlot[] } {
  try {
    return { verdict: 'fits', ...checkParameters(slots, parameters, '') };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const found = error.violations.map(({ pointer, code }) => `${pointer.slice(1)} ${code}`);
    return { verdict: found.join(', '), filled: fillUnchecked(slots, parameters) };
  }
}

/** What would be sent if nobody had checked. */
function fillUnchecked(slots: Slot[], parameters: Parameters): FilledSlot[] {
  const known = new Map(slots.map((slot) => [slot.key, slot]));
  const defaults = Object.fromEntries(slots.map(({ key, default: value }) => [key, value]));
  const given = Object.fromEntries(
    Object.entries(parameters).filter(([, value]) => (value ?? undefined) !== undefined),
  );
  return Object.entries({ ...defaults, ...given })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      key,
      component: known.get(key)?.component ?? 'unknown',
      type: known.get(key)?.type ?? typeOf(key),
      value: value as FilledSlot['value'],
    }));
}

function typeOf(key: string): string {
  const name = key.slice(key.lastIndexOf('.') + 1);
  const types: Record<string, string> = {
    url: 'url_suffix',
    sections: 'product_sections',
    expires_at: 'date_time',
    thumbnail_product_retailer_id: 'product_retailer_id',
  };
  return types[name] ?? (/^\d+$/.test(name) ? 'text' : name);
}

function metaOn({ components, format }: Kind, { header }: Rule, filled: FilledSlot[]): string {
  const parameter_format = format ?? 'positional';
  const built = buildComponents({ parameter_format, slots: filled });
  const sent = header
    ? [{ type: 'header', parameters: [header] }, ...built.filter(({ type }) => type !== 'header')]
    : built;
  const template = { components, parameter_format: parameter_format.toUpperCase() } as unknown as DemoTemplate;
  return refusalOfComponents(template, JSON.parse(JSON.stringify(sent)), 'v25.0')?.error ?? 'fits';
}

const kinds = [...text_kinds, ...media_kinds, ...button_kinds, ...product_kinds, ...card_kinds];

for (const kind of kinds) {
  t.test(`${kind.kind}: what we accept Meta accepts, and the other way round`, async (t) => {
    t.same(unsupportedComponents(kind.components), []);
    const slots = readSlots(kind.components, kind.format ?? 'positional');
    for (const rule of [fits('as it should be', {}), ...kind.rules]) {
      const { verdict, filled } = oursOn(slots, { ...kind.good, ...rule.change });
      const said = `${rule.title}${rule.doubt === undefined ? '' : ` (${rule.doubt})`}`;
      t.equal(verdict, rule.ours, `ours: ${said}`);
      t.equal(metaOn(kind, rule, filled), rule.meta, `Meta's: ${said}`);
      t.equal(rule.ours === 'fits', rule.meta === 'fits', `the same: ${said}`);
    }
  });
}

t.test('the table has at least 120 rules', async (t) => {
  const count = kinds.reduce((sum, { rules }) => sum + rules.length + 1, 0);
  t.ok(count >= 120, String(count));
});
