import t from 'tap';
import { ConfigError, readConfig, settings } from '../src/config.ts';

const key = (fill: number) => Buffer.alloc(32, fill).toString('base64');
const secret = 'a-secret-of-the-test';
const with_database = { DATABASE_URL: 'postgres://db.example/conversar', CONVERSAR_MASTER_KEYS: `k1:${key(1)}` };

t.test('without any setting', async (t) => {
  const config = readConfig({});
  t.same(config, {
    host: '127.0.0.1',
    port: 3000,
    database_url: null,
    data_dir: './data',
    public_url: null,
    admin_token: null,
    master_keys: null,
    demo: 'on',
    allowed_private_ranges: ['127.0.0.0/8', '::1/128'],
    graph_version: 'v25.0',
    cors_origins: [],
    trust_proxy: false,
    metrics_token: null,
    metrics_port: 0,
    otlp_endpoint: null,
    log_level: 'info',
    pool_max: 16,
    max_pool_queue: 250,
    max_event_loop_delay_ms: 1000,
    dispatch_slots: 128,
    lease_ms: 20_000,
    sweep_ms: 1_000,
    send_timeout_ms: 10_000,
    webhook_timeout_ms: 15_000,
    webhook_slots: 32,
    events_kept_days: 365,
    webhook_log_days: 30,
    failpoint: null,
  });
  t.ok(Object.isFrozen(config));
  t.same(readConfig(Object.fromEntries(Object.values(settings).map(({ name }) => [name, '']))), {
    ...config,
    allowed_private_ranges: [],
  });
});

t.test('with DATABASE_URL there is no demo, no private address and no generated key', async (t) => {
  const config = readConfig(with_database);
  t.match(config, { demo: 'off', master_keys: [{ kid: 'k1', key: Buffer.alloc(32, 1) }] });
  t.same(config.allowed_private_ranges, []);
  t.throws(() => readConfig({ DATABASE_URL: with_database.DATABASE_URL }), {
    message: /^CONVERSAR_MASTER_KEYS is required with DATABASE_URL; make one with: /,
  });
  t.equal(readConfig({ ...with_database, CONVERSAR_DEMO: 'on' }).demo, 'on', 'unless it is asked for');
});

/** What each setting takes, as it is read, and what it refuses. */
const cases: Record<string, { good: [string, unknown][]; bad: string[] }> = {
  host: {
    good: [
      ['0.0.0.0', '0.0.0.0'],
      ['::', '::'],
      ['localhost', 'localhost'],
    ],
    bad: [],
  },
  port: {
    good: [
      ['0', 0],
      ['8080', 8080],
      ['65535', 65_535],
    ],
    bad: ['65536', '-1', '80.5', '0x50', '1e3', ' 80', 'http'],
  },
  database_url: {
    good: [
      ['postgres://u:p@h:5432/d?sslmode=require', 'postgres://u:p@h:5432/d?sslmode=require'],
      ['postgresql://h/d', 'postgresql://h/d'],
      ['postgres:///d?host=/run/postgresql', 'postgres:///d?host=/run/postgresql'],
    ],
    bad: ['mysql://h/d', 'h/d', 'postgres'],
  },
  data_dir: { good: [['/var/lib/conversar', '/var/lib/conversar']], bad: [] },
  public_url: {
    good: [
      ['https://conversar.example', 'https://conversar.example'],
      ['http://h:1/base/', 'http://h:1/base'],
    ],
    bad: ['conversar.example', 'ftp://conversar.example', '//h'],
  },
  admin_token: { good: [[secret, secret]], bad: ['fifteen-chars..'] },
  metrics_token: { good: [[secret, secret]], bad: ['fifteen-chars..'] },
  metrics_port: {
    good: [
      ['0', 0],
      ['9464', 9464],
    ],
    bad: ['-1', '65536', 'nine'],
  },
  otlp_endpoint: {
    good: [
      ['http://127.0.0.1:4318', 'http://127.0.0.1:4318'],
      ['https://otlp.example/tenant/', 'https://otlp.example/tenant'],
    ],
    bad: ['127.0.0.1:4318', 'grpc://otlp.example'],
  },
  master_keys: {
    good: [
      [`a:${key(1)}`, [{ kid: 'a', key: Buffer.alloc(32, 1) }]],
      [
        ` a-1:${key(1)}, b_2:${key(2)}`,
        [
          { kid: 'a-1', key: Buffer.alloc(32, 1) },
          { kid: 'b_2', key: Buffer.alloc(32, 2) },
        ],
      ],
    ],
    bad: [
      key(1),
      `a:${key(1)},a:${key(2)}`,
      'a:c2hvcnQ=',
      `:${key(1)}`,
      `a b:${key(1)}`,
      ',',
      `a:${key(1)};b:${key(2)}`,
    ],
  },
  demo: {
    good: [
      ['on', 'on'],
      ['off', 'off'],
    ],
    bad: ['ON', 'true', '1'],
  },
  allowed_private_ranges: {
    good: [
      ['', []],
      ['10.0.0.0/8', ['10.0.0.0/8']],
      ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
    ],
    bad: ['10.0.0.0', '10.0.0.0/33', '::1/129', 'intranet', '10.0.0.0/8;::1/128', '10.0.0.0/', '10.0.0.0/8/8'],
  },
  graph_version: {
    good: [
      ['v24.0', 'v24.0'],
      ['v101.0', 'v101.0'],
    ],
    bad: ['24.0', 'v25', 'v25.0/x', 'latest'],
  },
  cors_origins: {
    good: [
      ['*', ['*']],
      ['https://crm.example, http://localhost:5173', ['https://crm.example', 'http://localhost:5173']],
    ],
    bad: ['crm.example', 'https://crm.example/', 'https://crm.example/app', 'https://*.example'],
  },
  trust_proxy: {
    good: [
      ['true', true],
      ['false', false],
      ['1', 1],
      ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    ],
    bad: ['yes', 'proxy.example', '10.0.0.0/99', '10.0.0.0/x', '-1'],
  },
  log_level: {
    good: [
      ['debug', 'debug'],
      ['silent', 'silent'],
    ],
    bad: ['verbose', 'INFO', '30'],
  },
  pool_max: {
    good: [
      ['2', 2],
      ['200', 200],
    ],
    bad: ['1', '201', 'many'],
  },
  max_pool_queue: {
    good: [
      ['0', 0],
      ['100000', 100_000],
    ],
    bad: ['-1', '100001', 'off'],
  },
  max_event_loop_delay_ms: { good: [['0', 0]], bad: ['60001', '0.5'] },
  dispatch_slots: {
    good: [
      ['1', 1],
      ['1000', 1000],
    ],
    bad: ['0', '1001'],
  },
  lease_ms: { good: [['600000', 600_000]], bad: ['499', '600001', '20s'] },
  webhook_timeout_ms: {
    good: [
      ['100', 100],
      ['60000', 60_000],
    ],
    bad: ['99', '60001', '15s'],
  },
  webhook_slots: {
    good: [
      ['2', 2],
      ['1000', 1000],
    ],
    bad: ['1', '1001', 'many'],
  },
  events_kept_days: {
    good: [
      ['31', 31],
      ['3650', 3650],
    ],
    bad: ['30', '3651', '365.5'],
  },
  webhook_log_days: {
    good: [
      ['1', 1],
      ['365', 365],
    ],
    bad: ['0', '3651', '30d'],
  },
  sweep_ms: {
    good: [
      ['50', 50],
      ['60000', 60_000],
    ],
    bad: ['49', '60001'],
  },
  send_timeout_ms: { good: [['100', 100]], bad: ['99', '300001'] },
  failpoint: {
    good: [
      ['after_claim', { name: 'after_claim', action: 'kill' }],
      ['answer_read:stop', { name: 'answer_read', action: 'stop' }],
    ],
    bad: ['never', 'after_claim:explode'],
  },
};

t.same(Object.keys(cases).toSorted(), Object.keys(settings).toSorted(), 'every setting has its cases');

for (const [field, { name, description, shown_default }] of Object.entries(settings)) {
  t.test(name, async (t) => {
    const { good = [], bad = [] } = cases[field] ?? {};
    const beside = name === 'DATABASE_URL' ? { CONVERSAR_MASTER_KEYS: with_database.CONVERSAR_MASTER_KEYS } : {};
    for (const [value, read] of good) {
      t.same(readConfig({ ...beside, [name]: value })[field as keyof typeof settings], read, `takes "${value}"`);
    }
    const is_secret = /TOKEN$|KEYS$|ENDPOINT$|^DATABASE_URL$/.test(name);
    for (const value of bad) {
      let message = 'nothing was refused';
      try {
        readConfig({ ...beside, [name]: value });
      } catch (error) {
        t.ok(error instanceof ConfigError);
        message = (error as Error).message;
      }
      t.ok(message.startsWith(`${name} `), `refuses "${value}" by name: ${message}`);
      t.equal(message.includes(`"${value}"`), !is_secret, is_secret ? 'without showing it' : 'showing it');
    }
    t.match(description, /\.$/, 'is described');
    t.ok(shown_default.length > 0, 'has a default to show');
  });
}

t.test('a secret is shown in no refusal, whichever setting it stands in', async (t) => {
  for (const env of [
    { CONVERSAR_ADMIN_TOKEN: 'short-secret' },
    { CONVERSAR_MASTER_KEYS: `short-secret:${key(1)},x` },
    { DATABASE_URL: 'mysql://u:short-secret@h/d' },
    { CONVERSAR_ADMIN_TOKE: 'short-secret' },
    { CONVERSAR_METRICS_TOKEN: 'short-secret' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'otlp://u:short-secret@h' },
    { CONVERSAR_ADMIN_TOKEN: 'short-secret-long-enough', PORT: 'x' },
  ]) {
    try {
      readConfig(env);
      t.fail('it was taken');
    } catch (error) {
      t.notMatch((error as Error).message, 'short-secret');
    }
  }
});

t.test('a misspelt setting is refused by name, with those there are', async (t) => {
  for (const { name } of Object.values(settings)) {
    if (!name.startsWith('CONVERSAR_')) continue;
    t.throws(() => readConfig({ [`${name}S_`]: 'x' }), {
      message: new RegExp(`^${name}S_ is no setting of Conversar. Known: .*${name}\\b`),
    });
  }
  t.doesNotThrow(() => readConfig({ PATH: '/bin', NODE_ENV: 'production' }), 'what is not ours is left alone');
});

t.test('a log of webhooks that outlives the events it tells of is refused', async (t) => {
  const env = { CONVERSAR_EVENTS_KEPT_DAYS: '31' };
  t.equal(readConfig({ ...env, CONVERSAR_WEBHOOK_LOG_DAYS: '31' }).events_kept_days, 31);
  t.throws(() => readConfig({ ...env, CONVERSAR_WEBHOOK_LOG_DAYS: '32' }), {
    message: /^CONVERSAR_WEBHOOK_LOG_DAYS must be at most CONVERSAR_EVENTS_KEPT_DAYS/,
  });
  t.throws(() => readConfig({ CONVERSAR_EVENTS_KEPT_DAYS: '30' }), { message: /from 31 to 3650/ });
});

t.test('a lease shorter than 1.25 send timeouts is refused', async (t) => {
  const env = { CONVERSAR_SEND_TIMEOUT_MS: '8000' };
  t.equal(readConfig({ ...env, CONVERSAR_LEASE_MS: '10000' }).lease_ms, 10_000);
  t.throws(() => readConfig({ ...env, CONVERSAR_LEASE_MS: '9999' }), {
    message: /^CONVERSAR_LEASE_MS must be at least 1.25 × CONVERSAR_SEND_TIMEOUT_MS/,
  });
});
