import { v7 as uuid } from 'uuid';
import { demo_values } from '../src/simulator/demo-values.ts';
import { callOver } from '../test/support/remote-company.ts';

/** Ids of what exists, by kind, as the answers tell them. */
export interface World {
  find: (kind: string, nth: number) => string;
  /** Reads the ids out of an answer. */
  learn: (path: string, status: number, body: unknown) => void;
  /** How many ids of each kind are known. */
  sizes: () => Record<string, number>;
}

interface Place {
  url: string;
  admin_token: string;
  simulator_url: string;
}

type Row = Record<string, unknown>;

const most_ids = 60;
/** Of the 1,001 references these are to nothing, and the rest of another account. */
const missing_from = 950;
const foreign_from = 920;

/** Two accounts with everything that an account can have. */
export async function createWorld({ url, admin_token, simulator_url }: Place): Promise<World> {
  const post = async (key: string, path: string, body: unknown): Promise<Row> => {
    const answer = await callOver(`${url}${path}`, key, 'POST', body);
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const accountOf = async (scopes?: string[]) => {
    const account = await post(admin_token, '/admin/v1/accounts', { name: 'Loja Exemplo', starts_per_second: 0 });
    const path = `/admin/v1/accounts/${account.id}/api-keys`;
    const made = await post(admin_token, path, { name: 'fuzz', ...(scopes ? { scopes } : {}) });
    return { account_id: String(account.id), key_id: String(made.id), key: String(made.key), path };
  };
  const own = await accountOf();
  const other = await accountOf();
  const narrow = await post(admin_token, own.path, { name: 'narrow', scopes: ['webhooks:read'] });
  const revoked = await post(admin_token, own.path, { name: 'revoked' });
  await callOver(`${url}${own.path}/${revoked.id}`, admin_token, 'DELETE');

  const fixed: Record<string, string> = {
    key: own.key,
    admin: admin_token,
    narrow_key: String(narrow.key),
    revoked_key: String(revoked.key),
    graph: `${simulator_url}/graph`,
    evolution: `${simulator_url}/evolution`,
    waha: `${simulator_url}/waha`,
  };
  const pools = new Map<string, string[]>();
  const foreign = new Map<string, string[]>();
  // What the requests are sent with must outlive them.
  const kept = new Set([own.account_id, own.key_id, other.account_id, other.key_id, String(narrow.id)]);
  const learn = (into: Map<string, string[]>) => (path: string, status: number, body: unknown) => {
    if (status >= 300) return;
    for (const [kind, id] of idsOf(path, body)) if (!kept.has(id)) remember(into, kind, id);
  };
  for (const [company, into] of [
    [own, pools],
    [other, foreign],
  ] as const) {
    const tell = learn(into);
    const made = async (path: string, body: unknown) => {
      const answer = await post(company.key, path, body);
      tell(path, 201, answer);
      return answer;
    };
    await furnish(made, fixed);
    const listed = await callOver(`${url}/v1/templates?limit=100`, company.key, 'GET');
    tell('/v1/templates', 200, listed.body);
  }
  return {
    find: (kind, nth) => {
      if (fixed[kind] !== undefined) return fixed[kind];
      const pool = (nth >= foreign_from ? foreign : pools).get(kind) ?? [];
      return nth >= missing_from ? uuid() : (pool[nth % pool.length] ?? uuid());
    },
    learn: learn(pools),
    sizes: () => Object.fromEntries([...pools].map(([kind, ids]) => [kind, ids.length])),
  };
}

function remember(pools: Map<string, string[]>, kind: string, id: string): void {
  const pool = pools.get(kind) ?? [];
  pools.set(kind, pool);
  if (pool.includes(id)) return;
  // The first ones, which the rest stands on, stay; of the others the oldest goes.
  if (pool.length >= most_ids) pool.splice(5, 1);
  pool.push(id);
}

async function furnish(
  made: (path: string, body: unknown) => Promise<Row>,
  base: Record<string, string>,
): Promise<void> {
  const team = await made('/v1/teams', { name: 'Comercial' });
  await made('/v1/teams', { name: 'Suporte' });
  const common = { max_per_second: 1_000 };
  const graph = { provider: 'whatsapp_cloud', base_url: base.graph, credentials: demo_values.graph };
  const official = await made('/v1/channels', { ...common, ...graph, name: 'Oficial' });
  const gateway = { provider: 'evolution', base_url: base.evolution, credentials: demo_values.evolution };
  const unofficial = await made('/v1/channels', { ...common, ...gateway, name: 'Gateway' });
  await made('/v1/channels', {
    ...common,
    provider: 'waha',
    base_url: base.waha,
    credentials: demo_values.waha,
    name: 'Waha',
  });
  await made(`/v1/channels/${official.id}/templates/sync`, {});
  for (let nth = 0; nth < 6; nth += 1) {
    const contact = { phone: `(31) 98888-${1_000 + nth}`, name: `Ana ${nth}` };
    const template = { name: 'boas_vindas', language: 'pt_BR' };
    const way = nth % 2 === 0 ? { channel_id: official.id, template } : { channel_id: unofficial.id, text: 'Olá!' };
    await made('/v1/attendances', { contact, team_id: team.id, ...way });
  }
}

const kinds: Record<string, string> = {
  contacts: 'contact',
  teams: 'team',
  channels: 'channel',
  templates: 'template',
  attendances: 'attendance',
  messages: 'message',
  accounts: 'account',
  'api-keys': 'api_key',
  'webhook-endpoints': 'endpoint',
  deliveries: 'delivery',
  events: 'event',
};

/** `[kind, id]` of everything that an answer of this path shows. */
function idsOf(path: string, body: unknown): [string, string][] {
  if (body === null || typeof body !== 'object') return [];
  const { data, next_cursor } = body as { data?: unknown; next_cursor?: unknown };
  const collection = path.split('/').findLast((part) => part in kinds) ?? '';
  const kind = /\/(retry|transfer|close)$/.test(path) ? 'attendance' : (kinds[collection] ?? '');
  const rows = (Array.isArray(data) ? data : [body]) as Row[];
  const found = rows.flatMap((row): [string, unknown][] => [
    [kind, row.id],
    ['contact', (row.contact as Row | undefined)?.id],
    ['message', (row.first_message as Row | null | undefined)?.id],
    ['door', row.webhook ? `${row.id}/${(row.webhook as Row).verify_token}` : null],
  ]);
  if (typeof next_cursor === 'string') found.push(['cursor', next_cursor]);
  return found.filter((pair): pair is [string, string] => pair[0] !== '' && typeof pair[1] === 'string');
}
