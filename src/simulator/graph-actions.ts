import type { GraphRefusal } from './graph-errors.ts';
import { firstRefusal, isFilled, missingValue, refusalOfKeys } from './graph-parameters.ts';
import { isMembers, type Members } from './json.ts';

const max_sections = 10;
const max_products = 30;
const max_title_length = 24;
const max_product_id_length = 100;
const max_token_length = 512;
const max_data_length = 8192;

/** Checks the action of a flow button; token and data may both be missing. */
export function refusalOfFlow(parameter: Members): GraphRefusal | null {
  const action = actionOf(parameter);
  if (!action) return missingValue('action', 'action');
  const keys = refusalOfKeys('action', action, ['flow_token', 'flow_action_data']);
  if (keys) return keys;
  const { flow_token: token, flow_action_data: data } = action;
  if (token !== undefined && !isLine(token, max_token_length)) {
    return { error: 'parameter_value_invalid', details: 'buttons: flow_token is not valid' };
  }
  if (data === undefined || (isMembers(data) && JSON.stringify(data).length <= max_data_length)) return null;
  return { error: 'parameter_value_invalid', details: 'buttons: flow_action_data must be an object' };
}

/** Checks the action of a catalogue button. */
export function refusalOfThumbnail(parameter: Members): GraphRefusal | null {
  const action = actionOf(parameter);
  if (!action) return missingValue('action', 'action');
  return refusalOfKeys('action', action, ['thumbnail_product_retailer_id']) ?? refusalOfProductId(action);
}

/** Checks the action of a button with a list of products. */
export function refusalOfProductList(parameter: Members): GraphRefusal | null {
  const action = actionOf(parameter);
  if (!action) return missingValue('action', 'action');
  const refusal =
    refusalOfKeys('action', action, ['thumbnail_product_retailer_id', 'sections']) ?? refusalOfProductId(action);
  if (refusal) return refusal;
  const { sections } = action;
  if (!Array.isArray(sections) || sections.length === 0) return missingValue('action', 'sections');
  if (sections.length > max_sections) {
    return { error: 'parameter_value_invalid', details: `buttons: more than ${max_sections} sections` };
  }
  const products = sections.flatMap((section) => (isMembers(section) ? section.product_items : null));
  if (products.length > max_products) {
    return { error: 'parameter_value_invalid', details: `buttons: more than ${max_products} products` };
  }
  return firstRefusal(sections, refusalOfSection);
}

function refusalOfSection(section: unknown): GraphRefusal | null {
  if (!isMembers(section) || !isFilled(section.title)) return missingValue('section', 'title');
  if (!isLine(section.title, max_title_length)) {
    return { error: 'parameter_value_invalid', details: `buttons: title has more than ${max_title_length} characters` };
  }
  const items = section.product_items;
  if (!Array.isArray(items) || items.length === 0) return missingValue('section', 'product_items');
  const ids = items.map((item) => (isMembers(item) ? item.product_retailer_id : undefined));
  return ids.every((id) => isLine(id, max_product_id_length)) ? null : missingValue('product', 'product_retailer_id');
}

function refusalOfProductId({ thumbnail_product_retailer_id: id }: Members): GraphRefusal | null {
  return isLine(id, max_product_id_length) ? null : missingValue('action', 'thumbnail_product_retailer_id');
}

function actionOf(parameter: Members): Members | null {
  return parameter.type === 'action' && isMembers(parameter.action) ? parameter.action : null;
}

/** A text on one line. */
function isLine(value: unknown, max_length: number): boolean {
  return isFilled(value) && [...value].length <= max_length && !/[\p{Cc}\u2028\u2029]| {5}/u.test(value);
}
