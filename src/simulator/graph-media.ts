import { BlockList, isIP } from 'node:net';
import type { GraphRefusal } from './graph-errors.ts';
import { countRefusal, isFilled, missingValue, refusalOfKeys } from './graph-parameters.ts';
import { isMembers, type Members } from './json.ts';

const max_link_length = 2048;
const max_id_length = 255;

/** Addresses that Meta's fetcher cannot reach; names are not resolved. */
const unreachable = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  unreachable.addSubnet(network, prefix);
}
unreachable.addAddress('::1', 'ipv6');
unreachable.addSubnet('fc00::', 7, 'ipv6');
unreachable.addSubnet('fe80::', 10, 'ipv6');

/** Checks the one parameter that a header of media, a place or a product needs. */
export function refusalOfMedia(format: string, parameters: Members[]): GraphRefusal | null {
  const [parameter] = parameters;
  const kind = format.toLowerCase();
  if (!parameter || parameter.type !== kind) {
    const received = parameter ? String(parameter.type).toUpperCase() : 'UNKNOWN';
    return { error: 'parameter_format', details: `header: Format mismatch, expected ${format}, received ${received}` };
  }
  if (parameters.length > 1) return countRefusal('header', parameters.length, 1);
  const content = parameter[kind];
  if (!isMembers(content)) return missingValue(kind, kind);
  if (kind === 'location') return refusalOfLocation(content);
  return kind === 'product' ? refusalOfProduct(content) : refusalOfFile(kind, content);
}

function refusalOfFile(kind: string, content: Members): GraphRefusal | null {
  const keys = refusalOfKeys(kind, content, kind === 'document' ? ['id', 'link', 'filename'] : ['id', 'link']);
  if (keys) return keys;
  const { id, link, filename } = content;
  if ((id === undefined) === (link === undefined)) {
    return { error: 'invalid_parameter', message: `(#100) Param ${kind} must have exactly one of the keys id, link.` };
  }
  if (filename !== undefined && (!isFilled(filename) || filename.length > 255))
    return { error: 'parameter_value_invalid' };
  if (link === undefined)
    return isFilled(id) && id.length <= max_id_length ? null : { error: 'parameter_value_invalid' };
  if (isFetchable(link)) return null;
  return { error: 'invalid_parameter', message: `(#100) Param ${kind}['link'] is not a valid URI.` };
}

/** A public https address, by its form: nothing is fetched. */
function isFetchable(link: unknown): boolean {
  if (typeof link !== 'string' || [...link].length > max_link_length || /[\s\\\p{Cc}]/u.test(link)) return false;
  if (!URL.canParse(link)) return false;
  const { protocol, username, password, hostname } = new URL(link);
  const host = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (protocol !== 'https:' || !/^https:\/\//i.test(link) || username || password) return false;
  if (host === '' || host === 'localhost') return false;
  return family === 0 || !unreachable.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

function refusalOfLocation(location: Members): GraphRefusal | null {
  const within = (value: unknown, limit: number) =>
    (typeof value === 'number' || (typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value))) &&
    Math.abs(Number(value)) <= limit;
  const keys = refusalOfKeys('location', location, ['latitude', 'longitude', 'name', 'address']);
  if (keys) return keys;
  if (!within(location.latitude, 90) || !within(location.longitude, 180)) {
    return { error: 'parameter_value_invalid', details: 'header: location needs a latitude and a longitude' };
  }
  const has_words = isFilled(location.name) && isFilled(location.address);
  return has_words ? null : { error: 'parameter_missing', details: 'header: location needs a name and an address' };
}

function refusalOfProduct(product: Members): GraphRefusal | null {
  const keys = refusalOfKeys('product', product, ['product_retailer_id', 'catalog_id']);
  if (keys) return keys;
  const absent = ['product_retailer_id', 'catalog_id'].find((name) => !isFilled(product[name]));
  if (absent !== undefined) return missingValue('product', absent);
  return String(product.product_retailer_id).length <= 100 ? null : { error: 'parameter_value_invalid' };
}
