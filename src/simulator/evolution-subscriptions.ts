import { instanceId } from './evolution-webhooks.ts';
import { isMembers, type Members } from './json.ts';
import { isCallable, type Target, type Targets } from './webhook-targets.ts';

const max_url_length = 2_048;
const max_headers = 20;
const max_value_length = 4_096;
/** Written by whoever sends, whatever is registered. */
const own_headers = ['host', 'connection', 'content-length', 'content-type', 'transfer-encoding', 'expect', 'upgrade'];

/** Takes the nested body of `POST /webhook/set/{instance}`; `enabled: false` takes the webhook away. */
export function setWebhook(
  targets: Targets,
  instance: string,
  body: unknown,
): { webhook: Members } | { refusal: unknown } {
  const webhook = isMembers(body) ? body.webhook : undefined;
  // The flat body of older versions, which the public documentation still shows.
  if (!isMembers(webhook)) return { refusal: [['instance requires property "webhook"']] };
  const { enabled, url, byEvents, headers = {}, events = [] } = webhook;
  if (typeof enabled !== 'boolean') return { refusal: [['webhook requires property "enabled"']] };
  if (!isCallable(url, max_url_length)) return { refusal: ['Invalid "url" property'] };
  if (!isHeaders(headers)) return { refusal: [['webhook.headers is not valid']] };
  if (!isEvents(events)) return { refusal: [['webhook.events is not valid']] };
  const target = { url, headers, events: events.length === 0 ? null : events, by_events: byEvents === true };
  targets.set('instance', instance, enabled ? target : null);
  return { webhook: viewOf(instance, target, enabled) };
}

/** What `GET /webhook/find/{instance}` answers: null for none. */
export function findWebhook(targets: Targets, instance: string): Members | null {
  const target = targets.get('instance', instance);
  return target ? viewOf(instance, target, true) : null;
}

function viewOf(instance: string, { url, headers, events, by_events }: Target, enabled: boolean): Members {
  return {
    id: `wh-${instance}`,
    url,
    enabled,
    headers,
    events: events ?? [],
    webhookByEvents: by_events,
    webhookBase64: false,
    instanceId: instanceId(instance),
  };
}

function isHeaders(value: unknown): value is Record<string, string> {
  if (!isMembers(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= max_headers && entries.every(([name, content]) => isHeader(name, content));
}

function isHeader(name: string, content: unknown): boolean {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(name) || own_headers.includes(name.toLowerCase())) return false;
  return typeof content === 'string' && content.length <= max_value_length && /^[\x20-\x7e]*$/.test(content);
}

function isEvents(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= 100 &&
    value.every((one) => typeof one === 'string' && /^[A-Z_]{1,50}$/.test(one))
  );
}
