import type { Document } from '../test/support/document.ts';
import { marks } from './secrets-marks.ts';
import { expectOk, type Walk } from './secrets-walk.ts';
import { type Finding, finding } from './torture.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of any shape
type Body = any;

/** Called rightly: every operation that the story before had no need of. */
export async function callTheRest(walk: Walk, simulator_url: string): Promise<void> {
  await callForPeople(walk);
  await callForChannels(walk);
  await callForEndpoints(walk, simulator_url);
  await callForAccounts(walk);
  for (const path of ['/health/live', '/health/ready']) await walk.call('GET', path);
  await walk.admin('GET', '/metrics');
}

const sure = async (walk: Walk, method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  expectOk(await walk.call(method, path, body, headers), `${method} ${path}`);

async function callForPeople(walk: Walk): Promise<void> {
  const phone = encodeURIComponent(marks.phone.value);
  const { contacts } = await sure(walk, 'GET', `/v1/contacts/lookup?phone=${phone}`);
  await sure(walk, 'PATCH', `/v1/contacts/${contacts[0].id}`, { name: marks.name.value });
  const { id, team } = await walk.start('(31) 98123-7764', { prefer: 'wait=20' });
  await sure(walk, 'POST', `/v1/attendances/${id}/messages`, { text: marks.text.value });
  const other = await sure(walk, 'POST', '/v1/teams', { name: `${marks.team.value} 2` });
  await sure(walk, 'PATCH', `/v1/teams/${other.id}`, { name: `${marks.team.value} 3` });
  await sure(walk, 'POST', `/v1/attendances/${id}/transfer`, { team_id: other.id });
  await sure(walk, 'POST', `/v1/attendances/${id}/transfer`, { team_id: team.id });
  await sure(walk, 'DELETE', `/v1/teams/${other.id}`);
  // Of a number that no WhatsApp has.
  const failed = await walk.start('(31) 98123-0404', { prefer: 'wait=20' });
  await sure(walk, 'POST', `/v1/attendances/${failed.id}/retry`, { text: marks.text.value });
}

async function callForChannels(walk: Walk): Promise<void> {
  const { data: templates } = await sure(walk, 'GET', '/v1/templates?limit=100');
  const template = templates.find((one: Body) => one.name === 'retomar_atendimento');
  const parameters = { 'body.1': marks.parameter.value, 'body.2': '8841' };
  await sure(walk, 'POST', `/v1/templates/${template.id}/preview`, { parameters });
  const { data: channels } = await sure(walk, 'GET', '/v1/channels?limit=100');
  const tokenOf = (one: Body) => encodeURIComponent(one.webhook.verify_token);
  const [official, zapi] = ['whatsapp_cloud', 'zapi'].map((name) =>
    channels.find((one: Body) => one.provider === name),
  );
  const shake = `hub.mode=subscribe&hub.challenge=1&hub.verify_token=${tokenOf(official)}`;
  await sure(walk, 'GET', `/v1/inbound/${official.id}?${shake}`);
  await sure(walk, 'POST', `/v1/inbound/${zapi.id}/${tokenOf(zapi)}`, { type: 'ConnectedCallback' });
  const wppconnect = channels.find((one: Body) => one.provider === 'wppconnect');
  await sure(walk, 'DELETE', `/v1/channels/${wppconnect.id}`);
}

async function callForEndpoints(walk: Walk, simulator_url: string): Promise<void> {
  const description = marks.description.value;
  const url = `${simulator_url}/graph`;
  const { id } = await sure(walk, 'POST', '/v1/webhook-endpoints', { url, description });
  await sure(walk, 'PATCH', `/v1/webhook-endpoints/${id}`, { description });
  await walk.call('POST', `/v1/webhook-endpoints/${id}/test`, {});
  await sure(walk, 'POST', `/v1/webhook-endpoints/${id}/replay`, { since: new Date(0).toISOString() });
  const { data: endpoints } = await sure(walk, 'GET', '/v1/webhook-endpoints?limit=100');
  const told = endpoints.at(-1);
  const { data: deliveries } = await sure(walk, 'GET', `/v1/webhook-endpoints/${told.id}/deliveries?limit=1`);
  await sure(walk, 'POST', `/v1/webhook-deliveries/${deliveries[0].id}/redeliver`, {});
  await sure(walk, 'DELETE', `/v1/webhook-endpoints/${id}`);
}

async function callForAccounts({ admin }: Walk): Promise<void> {
  const ask = async (method: string, path: string, body?: unknown) =>
    expectOk(await admin(method, `/admin/v1/accounts${path}`, body), `${method} ${path}`);
  await ask('GET', '');
  const { id } = await ask('POST', '', { name: marks.account.value });
  await ask('GET', `/${id}`);
  await ask('PATCH', `/${id}`, { name: marks.account.value });
  const { id: key_id } = await ask('POST', `/${id}/api-keys`, { name: 'marked' });
  await ask('GET', `/${id}/api-keys`);
  await ask('GET', `/${id}/api-keys/${key_id}`);
  await ask('PATCH', `/${id}/api-keys/${key_id}`, { name: 'marked' });
  await ask('DELETE', `/${id}/api-keys/${key_id}`);
  await ask('DELETE', `/${id}`);
}

/** The answers of an operation that never succeeded were not looked at. */
export function allSucceeded({ answers }: Walk, document: Document): Finding {
  const good = new Set(answers.filter(({ status }) => status >= 200 && status < 300).map(({ what }) => what));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
  const looked_at = operations.filter(({ path }) => !path.endsWith('/stream'));
  return finding('every operation was answered rightly at least once', looked_at, ({ method, path }) => {
    const pattern = new RegExp(`^${method} ${path.replace(/\{\w+\}/g, '[^/]+')}$`);
    return [...good].some((what) => pattern.test(what)) ? null : `${method} ${path}`;
  });
}
