import { blankOrForbidden, membersOf, type Verdict } from './judge-text.ts';
import type { Fault } from './parameter-faults.ts';
import { limits } from './slot.ts';

interface Section {
  title: string;
  product_retailer_ids: string[];
}

const max_catalog_id_length = 255;

/** `{product_retailer_id, catalog_id}`. */
export function judgeProduct(value: unknown): Verdict {
  const members = membersOf(value, ['product_retailer_id', 'catalog_id']);
  const product_retailer_id = members?.get('product_retailer_id');
  const catalog_id = members?.get('catalog_id');
  if (typeof product_retailer_id !== 'string' || typeof catalog_id !== 'string') return { fault: 'product' };
  const fault =
    blankOrForbidden(product_retailer_id, limits.product_retailer_id) ??
    blankOrForbidden(catalog_id, max_catalog_id_length);
  return fault ?? { value: { product_retailer_id, catalog_id } };
}

/** `[{title, product_retailer_ids: […]}]`, at most 30 products in all. */
export function judgeSections(value: unknown): Verdict {
  const shape: Fault = { fault: 'sections', params: { max: limits.sections } };
  if (!Array.isArray(value) || value.length === 0 || value.length > limits.sections) return shape;
  const sections = value.map(readSection).filter((section) => section !== null);
  if (sections.length < value.length) return shape;
  const products = sections.flatMap((section) => section.product_retailer_ids);
  const faults = [
    ...sections.map(({ title }) => blankOrForbidden(title, limits.section_title)),
    ...products.map((id) => blankOrForbidden(id, limits.product_retailer_id)),
  ];
  const fault = faults.find((one) => one !== undefined);
  if (fault) return fault;
  if (products.length <= limits.products) return { value: sections.map((section) => ({ ...section })) };
  return { fault: 'products', params: { length: products.length, max: limits.products } };
}

function readSection(value: unknown): Section | null {
  const members = membersOf(value, ['title', 'product_retailer_ids']);
  const title = members?.get('title');
  const ids: unknown = members?.get('product_retailer_ids');
  if (typeof title !== 'string' || !Array.isArray(ids) || ids.length === 0) return null;
  const product_retailer_ids = ids.filter((id): id is string => typeof id === 'string');
  return product_retailer_ids.length === ids.length ? { title, product_retailer_ids } : null;
}
