import { createHmac } from 'node:crypto';
import { demo_values } from '../src/simulator/demo-values.ts';
import type { Document } from '../test/support/document.ts';
import type { Owner } from '../test/support/process.ts';
import { answerJson, startScriptedServer } from '../test/support/scripted-server.ts';
import { operationsOf } from './fuzz-requests.ts';
import { marks } from './secrets-marks.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of any shape
type Body = any;

export interface Told {
  what: string;
  status: number;
  text: string;
}

export interface Walk {
  /** Every answer that came. */
  answers: Told[];
  /** The key, and secrets that were shown once: they are followed from then on. */
  shown_once: { name: string; value: string }[];
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Body>;
  /** As the operator. */
  admin: (method: string, path: string, body?: unknown) => Promise<Body>;
  /** Starts with the marked text on the gateway. */
  start: (phone: string, headers?: Record<string, string>) => Promise<Body>;
}

interface Stage {
  owner: Owner;
  url: () => string;
  simulator_url: string;
}

/** Calls over the wire, keeping each answer with its headers; one that never came is an answer, too. */
function caller({ url }: Stage, answers: Told[]) {
  return async (
    key: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Body> => {
    const what = `${method} ${path.split('?')[0]}`;
    try {
      const answer = await fetch(url() + path, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        signal: AbortSignal.timeout(40_000),
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      answers.push({ what, status: answer.status, text: `${JSON.stringify([...answer.headers])}\n${text}` });
      return { status: answer.status, ...(text.startsWith('{') ? JSON.parse(text) : { text }) };
    } catch (error) {
      answers.push({ what, status: 0, text: String(error) });
      return { status: 0 };
    }
  };
}

export const expectOk = (answer: Body, what: string): Body => {
  if (answer.status >= 300 || answer.status === 0) throw new Error(`${what}: ${JSON.stringify(answer)}`);
  return answer;
};

/** A company all of whose values are marked, with a person of whom everything is known. */
export async function furnish(stage: Stage): Promise<Walk> {
  const answers: Told[] = [];
  const ask = caller(stage, answers);
  const admin: Walk['admin'] = (method, path, body) => ask(marks.admin_token.value, method, path, body);
  const accounts = '/admin/v1/accounts';
  const account = expectOk(await admin('POST', accounts, { name: marks.account.value }), 'account');
  const { key } = expectOk(await admin('POST', `${accounts}/${account.id}/api-keys`, { name: 'marked' }), 'key');
  const call: Walk['call'] = (method, path, body, headers) => ask(key, method, path, body, headers);
  const made = async (path: string, body: unknown, headers?: Record<string, string>) =>
    expectOk(await call('POST', path, body, headers), path);

  const team = await made('/v1/teams', { name: marks.team.value });
  const channels = await addChannels(stage, made);
  const endpoint = await made('/v1/webhook-endpoints', {
    url: `${stage.simulator_url}/graph`,
    description: marks.description.value,
  });
  const rotated = await made(`/v1/webhook-endpoints/${endpoint.id}/rotate-secret`, {});
  await made(`/v1/channels/${channels.official}/templates/sync`, {});

  const person = {
    ...{ name: marks.name.value, phone: marks.phone.value, email: marks.email.value },
    ...{ external_ref: marks.contact_ref.value, metadata: { colour: marks.contact_metadata.value } },
  };
  const keyed = { 'idempotency-key': marks.idempotency_key.value };
  const contact = await made('/v1/contacts', person, keyed);
  await startAll({ made, call }, { contact, team, channels });
  await hearAll(call, channels);
  const keys = [
    { name: 'api_key', value: String(key).split('_')[2] ?? '' },
    { name: 'webhook_secret', value: String(endpoint.secret).replace('whsec_', '') },
    { name: 'rotated_secret', value: String(rotated.secret).replace('whsec_', '') },
  ];
  const first = { team_id: team.id, channel_id: channels.gateway, text: marks.text.value };
  const start: Walk['start'] = (phone, headers) => made('/v1/attendances', { contact: { phone }, ...first }, headers);
  forgive(answers, keys);
  return { answers, shown_once: keys, call, admin, start };
}

/** A secret that is shown once is no leak where it is shown: there alone, and it alone. */
function forgive(answers: Told[], keys: Walk['shown_once']): void {
  for (const { name, value } of keys) {
    const shown = answers.find(({ text }) => text.includes(value));
    if (!shown) throw new Error(`${name} was shown nowhere`);
    shown.text = shown.text.replace(value, '');
  }
}

type Made = (path: string, body: unknown, headers?: Record<string, string>) => Promise<Body>;

/** One of each provider; all but two repeat whatever they are told in their errors: the simulator knows its own tokens only. */
async function addChannels(
  { owner, simulator_url }: Stage,
  made: Made,
): Promise<Record<'official' | 'gateway' | 'parrot' | 'zapi', string>> {
  const parrot = await startScriptedServer();
  owner.teardown(parrot.close);
  parrot.script((socket, { method, path, headers, body }) => {
    const said = JSON.stringify({ method, path, headers, body });
    answerJson(400, { status: 400, error: `Bad Request: ${said}`, message: said, response: { message: [said] } })(
      socket,
      { method, path, headers, body },
    );
  });
  const channel = (provider: string, base_url: string, credentials: Record<string, string>) => ({
    ...{ name: `Canal ${provider} ${base_url.length}`, provider, base_url, credentials, max_per_second: 100 },
  });
  const graph = {
    ...{ access_token: demo_values.graph.access_token, app_secret: marks.app_secret.value },
    ...{
      previous_app_secret: marks.previous_app_secret.value,
      phone_number_id: demo_values.graph.phone_number_id,
      waba_id: marks.waba_id.value,
    },
  };
  const evolution = { api_key: marks.evolution_api_key.value, instance: marks.instance.value };
  const zapi = { instance_id: 'demo', token: marks.zapi_token.value, client_token: marks.zapi_client_token.value };
  const ids = [
    channel('whatsapp_cloud', `${simulator_url}/graph`, graph),
    channel('evolution', `${simulator_url}/evolution`, { ...evolution, api_key: demo_values.evolution.api_key }),
    channel('evolution', parrot.origin, evolution),
    channel('zapi', parrot.origin, zapi),
    channel('waha', parrot.origin, {
      session: 'demo',
      api_key: marks.waha_api_key.value,
      hmac_key: marks.waha_hmac_key.value,
    }),
    channel('wppconnect', parrot.origin, { session: 'demo', token: marks.wppconnect_token.value }),
  ];
  const found: string[] = [];
  for (const body of ids) found.push((await made('/v1/channels', body)).id);
  const [official = '', gateway = '', parroting = '', zapi_id = ''] = found;
  const copy = { ...graph, access_token: marks.access_token.value };
  await made('/v1/channels', { ...channel('whatsapp_cloud', `${parrot.origin}/graph`, copy), name: 'Canal marcado' });
  return { official, gateway, parrot: parroting, zapi: zapi_id };
}

interface Parts {
  contact: Body;
  team: Body;
  channels: Awaited<ReturnType<typeof addChannels>>;
}

async function startAll(
  { made, call }: { made: Made; call: Walk['call'] },
  { contact, team, channels }: Parts,
): Promise<void> {
  const common = {
    ...{ contact: { id: contact.id }, team_id: team.id, external_ref: marks.attendance_ref.value },
    ...{
      metadata: { order: marks.attendance_metadata.value },
      actor: { id: marks.actor.value, name: marks.actor.value },
    },
  };
  const parameters = { 'body.1': marks.parameter.value, 'body.2': '8841' };
  const template = { name: 'retomar_atendimento', language: 'pt_BR', parameters };
  const wait = { prefer: 'wait=10' };
  await made('/v1/attendances?dry_run=true', { ...common, channel_id: channels.official, template });
  const official = await made(
    '/v1/attendances',
    { ...common, channel_id: channels.official, template },
    { ...wait, 'idempotency-key': `${marks.idempotency_key.value}-start` },
  );
  // The parrot refuses, or leaves a doubt, and repeats what it was told.
  for (const channel_id of [channels.parrot, channels.zapi, channels.gateway]) {
    const { id, first_message } = await made(
      '/v1/attendances',
      { ...common, channel_id, text: marks.text.value },
      wait,
    );
    await call('POST', `/v1/messages/${first_message.id}/resolve`, {
      action: 'mark_failed',
      reason: marks.resolve_reason.value,
    });
    await call('GET', `/v1/attendances/${id}/messages`);
    await call('POST', `/v1/channels/${channel_id}/check`, {});
  }
  // The connection to this number is cut once the message was taken: a doubt, which a person resolves.
  const doubt = { contact: { phone: '(31) 98123-0499' }, team_id: team.id, channel_id: channels.gateway };
  const { first_message } = await made('/v1/attendances', { ...doubt, text: marks.text.value }, wait);
  const decision = { action: 'mark_failed', reason: marks.resolve_reason.value };
  expectOk(
    await call('POST', `/v1/messages/${first_message.id}/resolve`, decision),
    `resolve of ${first_message.status}`,
  );
  await call('POST', `/v1/attendances/${official.id}/close`, { reason: marks.close_reason.value, force: true });
}

/** The person writes over both doors, and somebody who may not does. */
async function hearAll(call: Walk['call'], channels: Parts['channels']): Promise<void> {
  const wa_id = `55${marks.other_phone.value.replace(/^(\d\d)9/, '$1')}`;
  const metadata = { display_phone_number: '5531988880000', phone_number_id: demo_values.graph.phone_number_id };
  const message = {
    from: wa_id,
    id: 'wamid.MARKED1',
    timestamp: String(Math.floor(Date.now() / 1000)),
    type: 'text',
    text: { body: marks.inbound_text.value },
  };
  const value = {
    messaging_product: 'whatsapp',
    metadata,
    contacts: [{ wa_id, profile: { name: marks.profile_name.value } }],
    messages: [message],
  };
  const body = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: marks.waba_id.value, time: 1, changes: [{ field: 'messages', value }] }],
  });
  const signature = (secret: string) => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  });
  expectOk(await call('POST', `/v1/inbound/${channels.official}`, body, signature(marks.app_secret.value)), 'inbound');
  await call('POST', `/v1/inbound/${channels.official}`, body, { 'x-hub-signature-256': marks.wrong_signature.value });
  await call('POST', `/v1/inbound/${channels.gateway}/${marks.wrong_door.value}`, body);
  await call(
    'GET',
    `/v1/inbound/${channels.official}?hub.mode=subscribe&hub.verify_token=${marks.wrong_door.value}&hub.challenge=1`,
  );
  await call('PATCH', `/v1/channels/${channels.zapi}`, {
    credentials: { instance_id: 'demo', token: marks.changed_token.value },
  });
}

/** Every operation is called wrongly in each way, the marks standing where they do not belong. */
export async function misuse(stage: Stage, walk: Walk, document: Document): Promise<void> {
  const ask = caller(stage, walk.answers);
  const secrets = Object.values(marks).filter(({ kind }) => kind === 'secret');
  const all = JSON.stringify(
    Object.fromEntries([['unknown', marks.unknown_member.value], ...secrets.map(({ name, value }) => [name, value])]),
  );
  for (const { method, path } of operationsOf(document)) {
    if (path.endsWith('/stream')) continue;
    const url = path.replace(/\{\w+\}/g, '019a0000-0000-7000-8000-000000000001');
    const takes_body = method !== 'GET' && method !== 'DELETE';
    const asked = `${url}?strange=${marks.query.value}&search=${marks.query.value}`;
    const extra = { cookie: `session=${marks.cookie.value}` };
    await ask(marks.wrong_key.value, method, asked, takes_body ? all : undefined, extra);
    const call = path.startsWith('/admin/')
      ? (...args: [string, string, unknown?]) => ask(marks.admin_token.value, ...args)
      : walk.call;
    await call(method, asked, takes_body ? all : undefined);
    if (!takes_body) continue;
    await call(method, url, all);
    await call(method, url, `{"torn": "${marks.torn_body.value}`);
  }
  await ask(marks.wrong_admin.value, 'GET', '/admin/v1/accounts');
  await ask('', 'GET', `/nowhere/at/all?x=${marks.query.value}`);
}

const lists = ['contacts', 'teams', 'channels', 'templates', 'attendances', 'webhook-endpoints'];
const most_pages = 20;

/** Everything that can be read, page by page. */
export async function readAll({ call }: Walk): Promise<void> {
  for (const list of lists)
    for (const { id } of await readPages(call, `/v1/${list}`, 'cursor')) await readOne(call, list, id);
  await readPages(call, '/v1/events', 'after');
}

async function readPages(call: Walk['call'], path: string, at: 'cursor' | 'after'): Promise<Body[]> {
  const rows: Body[] = [];
  let place = '';
  for (let pages = 0; pages < most_pages; pages += 1) {
    const { data, next_cursor } = await call('GET', `${path}?limit=100${place}`);
    rows.push(...data);
    if (!next_cursor || data.length === 0) break;
    place = `&${at}=${next_cursor}`;
  }
  return rows;
}

async function readOne(call: Walk['call'], list: string, id: string): Promise<void> {
  await call('GET', `/v1/${list}/${id}`);
  if (list === 'contacts') await call('GET', `/v1/contacts/${id}/export`);
  if (list === 'webhook-endpoints') {
    const { data } = await call('GET', `/v1/webhook-endpoints/${id}/deliveries`);
    for (const delivery of data) await call('GET', `/v1/webhook-deliveries/${delivery.id}`);
  }
  if (list !== 'attendances') return;
  const { data } = await call('GET', `/v1/attendances/${id}/messages`);
  for (const message of data) await call('GET', `/v1/messages/${message.id}`);
}
