import {
  corsOrigins,
  type Environment,
  integer,
  levels,
  oneOf,
  readFailpoint,
  readHttpUrl,
  readMasterKeys,
  readRanges,
  readTrustProxy,
  readUrl,
  setting,
  token,
} from './setting.ts';

/** A setting that cannot be used: named, with what was wrong and what is accepted. Ends the process with code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Every setting there is: the reader, docs/configuration.md and .env.example follow from this table. */
export const settings = {
  host: setting('HOST', '127.0.0.1', 'Address to listen on.', (value) => value ?? '127.0.0.1'),
  port: integer('PORT', [0, 3000, 65_535], 'Port to listen on; 0 takes a free one.'),
  database_url: setting(
    'DATABASE_URL',
    'none: embedded PostgreSQL',
    'PostgreSQL 15 to 18. Unset: an embedded one under CONVERSAR_DATA_DIR.',
    (value) => readUrl(value, ['postgres:', 'postgresql:']),
  ),
  data_dir: setting(
    'CONVERSAR_DATA_DIR',
    './data',
    'Folder of the embedded database and of the generated master key.',
    (value) => value ?? './data',
  ),
  public_url: setting(
    'CONVERSAR_PUBLIC_URL',
    'http://HOST:PORT',
    'Where providers and browsers reach this service; shown in channel webhooks and in the API document.',
    readHttpUrl,
  ),
  admin_token: token('CONVERSAR_ADMIN_TOKEN', 'none: /admin/v1 is off', '/admin/v1'),
  master_keys: setting(
    'CONVERSAR_MASTER_KEYS',
    'generated when embedded',
    '`kid:base64` of 32 bytes, comma-separated; the first one seals, all unseal.',
    readMasterKeys,
  ),
  demo: setting(
    'CONVERSAR_DEMO',
    'on when embedded',
    '`on` makes a demo account and runs the provider simulator beside the service; `off` starts without.',
    (value, env) => oneOf(['on', 'off'], env.DATABASE_URL === undefined ? 'on' : 'off')(value),
  ),
  allowed_private_ranges: setting(
    'CONVERSAR_ALLOWED_PRIVATE_RANGES',
    '127.0.0.0/8,::1/128 when embedded, else none',
    'CIDR ranges that gateway and webhook URLs may point into although they are not public. Set, even to the empty string, it replaces the default.',
    readRanges,
  ),
  graph_version: setting('CONVERSAR_GRAPH_VERSION', 'v25.0', 'Version segment of Graph API URLs.', (value) => {
    if (value !== undefined && !/^v\d{1,3}\.\d$/.test(value)) throw new Error('must look like v25.0');
    return value ?? 'v25.0';
  }),
  cors_origins: setting(
    'CONVERSAR_CORS_ORIGINS',
    'none',
    'Origins that browsers may call from, comma-separated, or `*`.',
    corsOrigins,
  ),
  trust_proxy: setting(
    'CONVERSAR_TRUST_PROXY',
    'false',
    'CIDR ranges of the proxies whose X-Forwarded-* headers count; where nothing else reaches this port: how many there are, or `true`.',
    readTrustProxy,
  ),
  metrics_token: token('CONVERSAR_METRICS_TOKEN', 'none: whoever reaches it may read', '/metrics'),
  metrics_port: integer('CONVERSAR_METRICS_PORT', [0, 0, 65_535], 'Port of a `worker` for /metrics, /health; 0: none.'),
  otlp_endpoint: setting('OTEL_EXPORTER_OTLP_ENDPOINT', 'none', 'URL that spans go to, by OTLP/HTTP.', readHttpUrl),
  log_level: setting('LOG_LEVEL', 'info', `One of ${levels.join(', ')}.`, oneOf(levels, 'info')),
  pool_max: integer('CONVERSAR_POOL_MAX', [2, 16, 200], 'Database connections of one process.'),
  max_pool_queue: integer(
    'CONVERSAR_MAX_POOL_QUEUE',
    [0, 250, 100_000],
    'Requests are refused with 503 `overloaded` while more than this wait for the database; 0: never.',
  ),
  max_event_loop_delay_ms: integer(
    'CONVERSAR_MAX_EVENT_LOOP_DELAY_MS',
    [0, 1000, 60_000],
    'Requests are refused with 503 `overloaded` while the event loop keeps being later than this; 0: never.',
  ),
  dispatch_slots: integer('CONVERSAR_DISPATCH_SLOTS', [1, 128, 1000], 'Messages one process has in the air at once.'),
  lease_ms: integer(
    'CONVERSAR_LEASE_MS',
    [500, 20_000, 600_000],
    'How long a claimed message belongs to its claimer; at least 1.25 × the send timeout.',
  ),
  sweep_ms: integer(
    'CONVERSAR_SWEEP_MS',
    [50, 1000, 60_000],
    'How often expired leases and late messages are looked for, and the dispatch lane polls; the other lanes poll a third as often.',
  ),
  send_timeout_ms: integer(
    'CONVERSAR_SEND_TIMEOUT_MS',
    [100, 10_000, 300_000],
    'How long a provider may take to answer a send.',
  ),
  webhook_timeout_ms: integer(
    'CONVERSAR_WEBHOOK_TIMEOUT_MS',
    [100, 15_000, 60_000],
    'How long a webhook endpoint may take to answer.',
  ),
  webhook_slots: integer('CONVERSAR_WEBHOOK_SLOTS', [2, 32, 1000], 'Webhook endpoints one process calls at once.'),
  events_kept_days: integer(
    'CONVERSAR_EVENTS_KEPT_DAYS',
    [31, 365, 3650],
    'Days that events are kept: the feed begins, and timelines end, with the oldest that is left. What providers told and could not be applied is kept as long.',
  ),
  webhook_log_days: integer(
    'CONVERSAR_WEBHOOK_LOG_DAYS',
    [1, 30, 3650],
    'Days that deliveries to webhook endpoints are kept, with what was answered; at most CONVERSAR_EVENTS_KEPT_DAYS.',
  ),
  failpoint: setting(
    'CONVERSAR_FAILPOINT',
    'none',
    'For crash tests: the process ends (`:kill`) or freezes (`:stop`) itself at `after_accept`, `after_claim` or `answer_read`.',
    readFailpoint,
  ),
};

export type Config = Readonly<{ [K in keyof typeof settings]: ReturnType<(typeof settings)[K]['read']> }>;

function refuseUnknown(env: Environment): void {
  const known = Object.values(settings).map((one) => one.name);
  for (const name of Object.keys(env)) {
    if (name.startsWith('CONVERSAR_') && !known.includes(name)) {
      throw new ConfigError(`${name} is no setting of Conversar. Known: ${known.join(', ')}.`);
    }
  }
}

/** Settings whose value is never repeated in a message. */
const secrets = ['admin_token', 'master_keys', 'database_url', 'metrics_token', 'otlp_endpoint'];

/** Reads the environment once into a frozen object; throws ConfigError naming the first setting that cannot be used. */
export function readConfig(env: Environment = process.env): Config {
  refuseUnknown(env);
  const config: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(settings)) {
    const given = env[one.name];
    // An empty value means "unset", but for the one setting where the contract gives it a meaning.
    const value = given === '' && key !== 'allowed_private_ranges' ? undefined : given;
    try {
      config[key] = one.read(value, env.DATABASE_URL === '' ? { ...env, DATABASE_URL: undefined } : env);
    } catch (error) {
      const shown = secrets.includes(key) ? '' : ` (it is "${given}")`;
      throw new ConfigError(`${one.name} ${(error as Error).message}${shown}.`);
    }
  }
  const frozen = Object.freeze(config) as unknown as Config;
  if (frozen.lease_ms < 1.25 * frozen.send_timeout_ms) {
    throw new ConfigError('CONVERSAR_LEASE_MS must be at least 1.25 × CONVERSAR_SEND_TIMEOUT_MS.');
  }
  if (frozen.webhook_log_days > frozen.events_kept_days) {
    throw new ConfigError('CONVERSAR_WEBHOOK_LOG_DAYS must be at most CONVERSAR_EVENTS_KEPT_DAYS.');
  }
  return frozen;
}
