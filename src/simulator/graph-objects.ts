import { createHash } from 'node:crypto';
import type { DemoTemplate } from './demo-components.ts';
import { demo_templates } from './demo-templates.ts';
import { closed_prefix } from './demo-values.ts';
import type { GraphRefusal } from './graph-errors.ts';
import type { Members } from './json.ts';

/** A page never holds more, whatever `limit` says: Graph too may return less than was asked for. */
const max_page = 5;
const default_template_fields = 'name,parameter_format,components,language,status,category,id';
const template_fields =
  'id name language category previous_category correct_category sub_category status rejected_reason parameter_format components quality_score last_updated_time message_send_ttl_seconds library_template_name health_status cta_url_link_tracking_opted_out degrees_of_freedom_spec display_format is_primary_device_delivery_only source'.split(
    ' ',
  );
const default_phone_fields =
  'verified_name,code_verification_status,display_phone_number,quality_rating,platform_type,throughput,id';
const phone_fields =
  'id verified_name display_phone_number code_verification_status quality_rating quality_score platform_type throughput status name_status new_name_status account_mode health_status messaging_limit_tier whatsapp_business_manager_messaging_limit is_official_business_account is_pin_enabled is_on_biz_app is_preverified_number certificate last_onboarded_time search_visibility webhook_configuration country_dial_code host_platform username'.split(
    ' ',
  );

type Page = { data: Members[]; paging?: Members } | GraphRefusal;

interface PageRequest {
  waba_id: string;
  fields: string | undefined;
  limit: string | undefined;
  after: string | undefined;
  /** URL of this listing without its query. */
  url: string;
}

/** One page of a business account's templates, with the cursors and the `next` link that lead on. */
export function templatePage(request: PageRequest): Page {
  const { waba_id, fields, limit, after, url } = request;
  const start = after === undefined ? 0 : offsetOf(after);
  const asked = limit === undefined ? 25 : Number(limit);
  if (start === null) return { error: 'cursor_invalid' };
  if (!Number.isInteger(asked) || asked < 1) {
    return { error: 'invalid_parameter', message: '(#100) Param limit must be an integer greater than 0.' };
  }
  const selected = selectedFields(fields ?? default_template_fields, template_fields, 'MessageTemplate');
  if ('error' in selected) return selected;
  const end = start + Math.min(asked, max_page);
  const data = demo_templates.slice(start, end).map((template) => select(templateObject(waba_id, template), selected));
  if (data.length === 0) return { data };
  const cursors = { before: cursorOf(start), after: cursorOf(end) };
  const query = new URLSearchParams({
    ...(fields === undefined ? {} : { fields }),
    limit: String(asked),
    after: cursors.after,
  });
  return { data, paging: { cursors, ...(end < demo_templates.length ? { next: `${url}?${query}` } : {}) } };
}

function templateObject(waba_id: string, template: DemoTemplate): Members {
  const hash = createHash('sha256').update(`${waba_id} ${template.name} ${template.language}`).digest();
  return {
    ...template,
    // Sixteen digits, the same at every start, another in every business account.
    id: String(1_000_000_000_000_000n + (hash.readBigUInt64BE() % 9_000_000_000_000_000n)),
    rejected_reason: template.rejected_reason ?? 'NONE',
    quality_score: { score: template.status === 'PAUSED' ? 'RED' : 'GREEN', date: 1_780_000_000 },
    last_updated_time: '2026-10-05T12:00:00+0000',
    source: 'manual',
  };
}

/** What Graph says of a business phone number. A `closed…` one is not connected. */
export function phoneNumber(phone_number_id: string, fields: string | undefined): Members | GraphRefusal {
  const selected = selectedFields(fields ?? default_phone_fields, phone_fields, 'WhatsAppBusinessPhoneNumber');
  if ('error' in selected) return selected;
  const is_closed = phone_number_id.startsWith(closed_prefix);
  const number = {
    verified_name: 'Loja Aurora',
    display_phone_number: '+55 31 3333-0000',
    code_verification_status: is_closed ? 'EXPIRED' : 'VERIFIED',
    quality_rating: 'GREEN',
    quality_score: { score: 'GREEN' },
    platform_type: is_closed ? 'NOT_APPLICABLE' : 'CLOUD_API',
    throughput: { level: is_closed ? 'NOT_APPLICABLE' : 'STANDARD' },
    status: is_closed ? 'DISCONNECTED' : 'CONNECTED',
    name_status: 'APPROVED',
    account_mode: 'LIVE',
    health_status: { can_send_message: is_closed ? 'BLOCKED' : 'AVAILABLE', entities: [] },
    messaging_limit_tier: 'TIER_2K',
    whatsapp_business_manager_messaging_limit: 'TIER_2K',
    is_official_business_account: false,
    is_pin_enabled: true,
    is_on_biz_app: false,
    id: phone_number_id,
  };
  return select(number, selected);
}

/** Names at the top level of Graph's `fields` expression: `a,b{c,d},e.limit(2)` asks for a, b and e. */
function selectedFields(expression: string, known: string[], node: string): { names: string[] } | GraphRefusal {
  const names = withoutBraces(expression)
    .split(',')
    .map((name) => name.replace(/\..*$/, '').trim())
    .filter((name) => name !== '');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return { names };
  const message = `(#100) Tried accessing nonexisting field (${unknown}) on node type (${node})`;
  return { error: 'invalid_parameter', message };
}

function withoutBraces(expression: string): string {
  const inner = /\{[^{}]*\}/g;
  const outer = expression.replace(inner, '');
  return outer === expression ? outer : withoutBraces(outer);
}

/** As Graph: the id always comes, a known field without a value is left out. */
function select(object: Members, { names }: { names: string[] }): Members {
  const present = [...new Set([...names, 'id'])].filter((name) => object[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, object[name]]));
}

function cursorOf(offset: number): string {
  return Buffer.from(`t${offset}`).toString('base64url');
}

function offsetOf(cursor: string): number | null {
  const match = /^t(\d{1,4})$/.exec(Buffer.from(cursor, 'base64url').toString());
  return match ? Number(match[1]) : null;
}
