import type { ProviderCall, ProviderTemplate, TemplateListing } from '../provider.ts';
import { isObject, type Json, objectAt, providerError, secretsOf, stringOf, transportError } from '../wire.ts';
import { askGraph, provider_name, readGraph } from './graph.ts';

const fields = [
  'id',
  'name',
  'language',
  'category',
  'status',
  'rejected_reason',
  'parameter_format',
  'components',
  'quality_score',
].join(',');
const page_size = 100;
const max_pages = 200;
const max_listing_ms = 45_000;
const max_page_bytes = 8_388_608;
/** Of all pages: what an account of 6,000 templates lists, and no more than a process can hold for several at once. */
const max_listing_bytes = 16_777_216;
/** Of its components as JSON. The longest that Meta approves has a tenth of it. */
const max_template_bytes = 65_536;
const stale_cursor_code = '131059';

type Page =
  | { kind: 'page'; templates: ProviderTemplate[]; after: string | null; bytes: number }
  | { kind: 'stale_cursor' }
  | Extract<TemplateListing, { kind: 'unavailable' }>;

/**
 * All pages of the account's templates, or none: a part of the list would make the rest look deleted.
 * Follows `cursors.after`, never the absolute `next`, which would carry the token to a host that we did not choose.
 */
export async function listTemplates(call: ProviderCall): Promise<TemplateListing> {
  const until = performance.now() + max_listing_ms;
  const first = await listFromStart(call, until);
  const listing = first.kind === 'stale_cursor' ? await listFromStart(call, until) : first;
  return listing.kind === 'stale_cursor' ? unusable('the paging cursor went stale twice', stale_cursor_code) : listing;
}

async function listFromStart(call: ProviderCall, until: number): Promise<TemplateListing | { kind: 'stale_cursor' }> {
  const found = new Map<string, ProviderTemplate>();
  const seen = new Set<string>();
  let after: string | null = null;
  let bytes = 0;
  for (let pages = 0; pages < max_pages; pages += 1) {
    if (performance.now() > until) return unusable(`not read within ${max_listing_ms} ms`);
    const page = await readPage(call, after);
    if (page.kind !== 'page') return page;
    bytes += page.bytes;
    if (bytes > max_listing_bytes) return unusable(`more than ${max_listing_bytes} bytes`);
    for (const template of page.templates) found.set(template.provider_template_id, template);
    if (page.after === null) return { kind: 'listed', templates: [...found.values()] };
    if (seen.has(page.after)) return unusable('the paging cursor turns in a circle');
    seen.add(page.after);
    after = page.after;
  }
  return unusable(`more than ${max_pages} pages`);
}

async function readPage(call: ProviderCall, after: string | null): Promise<Page> {
  const { waba_id = '' } = call.credentials;
  const query = new URLSearchParams({ fields, limit: String(page_size), ...(after === null ? {} : { after }) });
  const path = `/${encodeURIComponent(waba_id)}/message_templates?${query}`;
  const outcome = await askGraph(call, { path, max_response_bytes: max_page_bytes });
  if (outcome.kind !== 'answered') return { kind: 'unavailable', error: transportError(provider_name, outcome) };
  const reading = readGraph(outcome, secretsOf(call));
  if (reading.kind === 'unreadable') return unusable(reading.message);
  if (reading.kind === 'fault') {
    const { error, channel } = reading;
    if (error.provider.code === stale_cursor_code) return { kind: 'stale_cursor' };
    return { kind: 'unavailable', error, ...(channel ? { channel } : {}) };
  }
  return readTemplates(reading.body, Buffer.byteLength(outcome.body));
}

function readTemplates(body: Json, bytes: number): Page {
  if (!Array.isArray(body.data)) return unusable('an answer without data');
  const templates = body.data.map(readTemplate).filter((template) => template !== null);
  const paging = objectAt(body, 'paging');
  if (paging.next === undefined || paging.next === null) return { kind: 'page', templates, after: null, bytes };
  const after = stringOf(objectAt(paging, 'cursors').after, 2_048);
  return after === null ? unusable('a next page without a cursor') : { kind: 'page', templates, after, bytes };
}

/** Null for what is no template, and for one that is larger than any can be. */
function readTemplate(value: unknown): ProviderTemplate | null {
  if (!isObject(value)) return null;
  const provider_template_id = stringOf(typeof value.id === 'number' ? String(value.id) : value.id, 64);
  const name = stringOf(value.name);
  const language = stringOf(value.language, 32);
  const components = Array.isArray(value.components) ? value.components.filter(isObject) : [];
  if (provider_template_id === null || name === null || language === null || !isCredible(components)) return null;
  return {
    provider_template_id,
    name,
    language: normaliseLanguage(language),
    category: mapCategory(value.category),
    status: mapStatus(value.status),
    quality: mapQuality(objectAt(value, 'quality_score').score),
    parameter_format: lowerCase(value.parameter_format) === 'named' ? 'named' : 'positional',
    components,
  };
}

function isCredible(components: Json[]): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(components)) <= max_template_bytes;
  } catch {
    // Nested deeper than can be written again.
    return false;
  }
}

/** Webhooks write `en-US` where listings write `en_US`. */
export function normaliseLanguage(language: string): string {
  return language.replaceAll('-', '_');
}

/** Our status for a status of the listing or an event of the status webhook; what is not known is `unknown`. */
export function mapStatus(status: unknown): ProviderTemplate['status'] {
  switch (lowerCase(status)) {
    case 'approved':
    case 'flagged': // Still sendable, a warning about its quality.
    case 'reinstated':
      return 'approved';
    case 'pending':
    case 'in_appeal':
      return 'pending';
    case 'rejected':
      return 'rejected';
    case 'paused':
      return 'paused';
    case 'disabled':
    case 'limit_exceeded':
      return 'disabled';
    case 'archived':
      return 'archived';
    case 'deleted':
    case 'pending_deletion':
      return 'deleted';
    default:
      return 'unknown';
  }
}

export function mapCategory(category: unknown): ProviderTemplate['category'] {
  const name = lowerCase(category);
  return name === 'marketing' || name === 'utility' || name === 'authentication' ? name : 'unknown';
}

export function mapQuality(score: unknown): ProviderTemplate['quality'] {
  const name = lowerCase(score);
  return name === 'green' || name === 'yellow' || name === 'red' ? name : 'unknown';
}

function lowerCase(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}

function unusable(message: string, code: string | null = null): Extract<TemplateListing, { kind: 'unavailable' }> {
  return { kind: 'unavailable', error: providerError(provider_name, 'template_listing_unusable', { message, code }) };
}
