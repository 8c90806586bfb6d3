#!/usr/bin/env node
import { parseArgs } from 'node:util';
import type { Logger } from 'pino';
import { type Application, createApp } from './app.ts';
import { accountsCommand, inboundCommand, keysCommand, masterKeysCommand } from './command-line.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { connect } from './db/connection.ts';
import { isDatabaseUnavailable } from './db/pg-errors.ts';
import { type Demo, openDemo } from './demo.ts';
import { describeDemo } from './demo-text.ts';
import { type OpenGround, openGround } from './ground.ts';
import { backlog } from './http/held-port.ts';
import { createLog } from './log.ts';
import { createKeyRing } from './seal.ts';
import { startSimulator } from './simulator/simulator.ts';

const usage = `conversar <command>

  serve [--no-lanes]            HTTP, and the lanes unless told otherwise
  worker                        the lanes alone
  migrate                       bring the database up to date and end
  openapi                       print the API document
  accounts create --name NAME [--country BR] [--starts-per-second N] [--starts-burst N]
  accounts update --account ID [--name NAME] [--starts-per-second N] [--starts-burst N]
  accounts list
  keys create --account ID --name NAME [--scopes a,b] [--expires-at TIME] [--starts-per-second N] [--starts-burst N]
  keys rotate --account ID --key ID   a new key with the same name and scopes; the old one is revoked
  keys revoke --account ID --key ID
  inbound list                  what providers sent and could not be applied
  inbound retry [--body ID]     make it due again
  master-keys reseal            wrap all data keys with the first of CONVERSAR_MASTER_KEYS, under load
  simulator [--port 3001] [--host 127.0.0.1] [--state-file FILE]

Settings come from the environment: docs/configuration.md.
`;

const options = {
  'no-lanes': { type: 'boolean' },
  name: { type: 'string' },
  country: { type: 'string' },
  account: { type: 'string' },
  key: { type: 'string' },
  scopes: { type: 'string' },
  'expires-at': { type: 'string' },
  'starts-per-second': { type: 'string' },
  'starts-burst': { type: 'string' },
  port: { type: 'string' },
  host: { type: 'string' },
  'state-file': { type: 'string' },
  body: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const print = (text: string) => process.stdout.write(text);

/** A stop that hangs ends here. */
const stop_within_ms = 15_000;

/** One stop for all: the first signal aborts, what is open is closed in order, a second one ends at once. */
function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
      setTimeout(() => process.exit(1), stop_within_ms).unref();
    });
  }
  return stop;
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    // Something must keep the process alive when nothing listens.
    const alive = setInterval(() => undefined, 60_000);
    signal.addEventListener('abort', () => clearInterval(alive), { once: true });
  });

/**
 * A full disk or a reader that is gone ends no service: what it has to say goes to the log, which bears both. To touch the streams
 * is also what lets a write to a pipe that is full return at once.
 */
function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

async function serve(config: Config, log: Logger, with_lanes: boolean): Promise<void> {
  const stop = stopSignal();
  const ground = await openGround(config, log, stop.signal);
  let app: Application | undefined;
  let demo: Demo | undefined;
  try {
    app = await createApp(ground);
    if (config.demo === 'on') demo = await openDemo(ground, app);
    const { held_port, config: at } = ground;
    await (held_port?.serve(app.server) ?? app.server.listen({ host: at.host, port: at.port, backlog }));
    if (with_lanes) app.startLanes();
    await demo?.connect();
    log.info({ url: ground.public_url, with_lanes }, 'process.ready');
    print(`\nConversar is ready at ${ground.public_url} (API docs: ${ground.public_url}/docs)\n`);
    if (demo) print(describeDemo(demo, ground.public_url));
    await untilAborted(stop.signal);
  } finally {
    await closeAll(log, [app?.close, demo?.close, ground.close]);
  }
}

async function work(config: Config, log: Logger): Promise<void> {
  const stop = stopSignal();
  const ground = await openGround(config, log, stop.signal);
  let app: Application | undefined;
  try {
    app = await createApp(ground);
    if (config.metrics_port > 0) await app.listenForOperators(config.metrics_port);
    app.startLanes();
    log.info('process.ready');
    await untilAborted(stop.signal);
  } finally {
    await closeAll(log, [app?.close, ground.close]);
  }
}

/** In order, each whatever became of the one before. */
async function closeAll(log: Logger, closers: ((() => Promise<void>) | undefined)[]): Promise<void> {
  for (const close of closers)
    await close?.().catch((error: unknown) => log.error({ err: error }, 'process.close_failed'));
  log.info('process.stopped');
}

async function onGround(config: Config, log: Logger, run: (ground: OpenGround) => Promise<void>): Promise<void> {
  const ground = await openGround(config, log, stopSignal().signal);
  await run(ground).finally(ground.close);
}

/** The document needs no database: nothing of this ever connects. */
async function printDocument(config: Config, log: Logger): Promise<void> {
  const settings = { connection_string: 'postgres://127.0.0.1:9/none' };
  const db = connect(settings, { pool_max: 2, application_name: 'conversar', log });
  const key_ring = createKeyRing([{ kid: 'none', key: Buffer.alloc(32) }]);
  const public_url = config.public_url ?? 'http://127.0.0.1:3000';
  const app = await createApp({ config, public_url, db, settings, key_ring, log });
  await app.server.ready();
  print(`${JSON.stringify(app.server.swagger(), null, 2)}\n`);
  await app.close();
}

async function simulate(values: { port?: string; host?: string; 'state-file'?: string }, log: Logger): Promise<void> {
  const stop = stopSignal();
  const port = Number(values.port ?? 3001);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ConfigError('--port must be a number from 0 to 65535.');
  const state_file = values['state-file'];
  const simulator = await startSimulator({
    host: values.host ?? '127.0.0.1',
    port,
    log,
    ...(state_file === undefined ? {} : { state_file }),
  });
  print(`The simulator is ready at ${simulator.url}\n`);
  await untilAborted(stop.signal);
  await simulator.close();
}

async function run(argv: string[], log: Logger, config: Config): Promise<void> {
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
  const [command, verb] = positionals;
  if (values.help || command === undefined) return void print(usage);
  switch (command) {
    case 'serve':
      return serve(config, log, values['no-lanes'] !== true);
    case 'worker':
      return work(config, log);
    case 'migrate':
      return onGround(config, log, async () => void print('The database is up to date.\n'));
    case 'openapi':
      return printDocument(config, log);
    case 'accounts':
      return onGround(config, log, (ground) => accountsCommand(ground, verb, values, print));
    case 'keys':
      return onGround(config, log, (ground) => keysCommand(ground, verb, values, print));
    case 'inbound':
      return onGround(config, log, (ground) => inboundCommand(ground, verb, values, print));
    case 'master-keys':
      return onGround(config, log, (ground) => masterKeysCommand(ground, verb, print));
    case 'simulator':
      return simulate(values, log);
    default:
      throw new ConfigError(`"${command}" is no command. See: conversar --help`);
  }
}

/** A command's own output goes to stdout, so the log of one that prints goes to stderr. */
function logOf(level: string, command: string | undefined): Logger {
  const is_service = command === 'serve' || command === 'worker' || command === 'simulator';
  if (!is_service) return createLog(level === 'silent' ? level : 'warn', 2);
  outliveOutput();
  return createLog(level, 1);
}

/** What chooses the port of a command; PORT is what chooses that of `serve`. */
const port_names: Record<string, string> = { worker: 'CONVERSAR_METRICS_PORT', simulator: '--port' };

/** 78 (EX_CONFIG) for what the operator can set right; a sentence where we know one, the stack where it is our mistake. */
function explain(error: unknown): { sentence: string; exit_code: number } {
  const { name, message, stack, code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (name === 'ConfigError' || code?.startsWith('ERR_PARSE_ARGS')) return { sentence: message, exit_code: 78 };
  if (name === 'EmbeddedError' || name === 'MigrationError' || name === 'MasterKeyMissing')
    return { sentence: message, exit_code: 1 };
  if (code === 'EADDRINUSE')
    return {
      sentence: `Port ${port} is taken; set ${port_names[process.argv[2] ?? ''] ?? 'PORT'} to another one.`,
      exit_code: 1,
    };
  if (isDatabaseUnavailable(error))
    return { sentence: `The database of DATABASE_URL cannot be reached: ${message}`, exit_code: 1 };
  return { sentence: stack ?? String(error), exit_code: 1 };
}

try {
  const config = readConfig();
  await run(process.argv.slice(2), logOf(config.log_level, process.argv[2]), config);
} catch (error) {
  const { sentence, exit_code } = explain(error);
  process.stderr.write(`${sentence}\n`);
  process.exitCode = exit_code;
}
