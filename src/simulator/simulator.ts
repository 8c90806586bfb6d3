import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { demo_values } from './demo-values.ts';
import { evolutionRoutes } from './evolution.routes.ts';
import { graphRoutes } from './graph.routes.ts';
import { peopleRoutes } from './people.routes.ts';
import { openPeople } from './people.ts';
import { receivedRoutes } from './received.routes.ts';
import { openReceived } from './received.ts';
import { script } from './script.ts';
import type { Simulation } from './simulation.ts';
import { wahaRoutes } from './waha.routes.ts';
import { openTargets } from './webhook-targets.ts';
import { webhooksRoutes } from './webhooks.routes.ts';
import { openWebhooks } from './webhooks.ts';
import { wppconnectRoutes } from './wppconnect.routes.ts';
import { zapiRoutes } from './zapi.routes.ts';

export interface SimulatorOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: FastifyBaseLogger;
  /** Where what arrived is kept, so that a simulator killed and started again still knows it. Default: memory only. */
  state_file?: string;
  /** Added to every answer to a message. Default 0. */
  latency_ms?: number;
  /** How late recipients ending in 0408 are answered. Default 3,000. */
  slow_ms?: number;
  /** How long recipients ending in 0000 are left without an answer before the connection is cut. Default 60,000. */
  silence_ms?: number;
  /** Share (0 to 1) of the messages not scripted otherwise whose connection is cut before they are accepted. Default 0. */
  cut_before?: number;
  /** The same, after they were accepted. Default 0. */
  cut_after?: number;
  /** How many received messages are kept. Default 100,000. */
  max_received?: number;
  /** Between one webhook and the next of the same message. Default 300. */
  webhook_delay_ms?: number;
  /** Before the second repeat of a webhook that was not taken; doubles with each. Default 1,000. */
  webhook_retry_ms?: number;
  /** How often a webhook is tried that nobody takes. Default as the provider does, or as near as is of use: Graph 8, Evolution 10. */
  webhook_tries?: number;
  /** How long a webhook may take to be answered. Default 5,000. */
  webhook_timeout_ms?: number;
}

export interface Simulator {
  /** Without a slash at the end; base URLs are `<url>/graph`, `<url>/evolution`, `<url>/waha`, `<url>/zapi`, `<url>/wppconnect`. */
  url: string;
  /** Cuts what is still connected. */
  close: () => Promise<void>;
}

/** Starts a server that speaks Graph's and the gateways' protocols; throws when it cannot listen or open its file. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const simulation = openSimulation(options);
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: 256 * 1024,
    routerOptions: { maxParamLength: 200 },
    // An unknown filter is refused: left out in silence it would make a test count the wrong messages.
    ajv: { customOptions: { removeAdditional: false } },
  });
  // Before the server waits for its callers: some of them wait for webhooks.
  app.addHook('preClose', async () => simulation.webhooks.close());
  app.addHook('onClose', () => simulation.received.close());
  app.register(async (scope) => graphRoutes(scope, simulation), { prefix: '/graph' });
  app.register(async (scope) => evolutionRoutes(scope, simulation), { prefix: '/evolution' });
  app.register(async (scope) => wahaRoutes(scope, simulation), { prefix: '/waha' });
  app.register(async (scope) => zapiRoutes(scope, simulation), { prefix: '/zapi' });
  app.register(async (scope) => wppconnectRoutes(scope, simulation), { prefix: '/wppconnect' });
  app.register(async (scope) => receivedRoutes(scope, simulation));
  app.register(async (scope) => webhooksRoutes(scope, simulation));
  app.register(async (scope) => peopleRoutes(scope, simulation));

  app.get('/', (request) => {
    const url = `${request.protocol}://${request.host}`;
    const bases = ['graph', 'evolution', 'waha', 'zapi', 'wppconnect'].map((name) => [name, `${url}/${name}`]);
    return { ...Object.fromEntries(bases), received: `${url}/_received`, demo_values, script };
  });

  const url = await app.listen({ host: options.host, port: options.port });
  return { url, close: () => app.close() };
}

function openSimulation({ state_file, ...options }: SimulatorOptions): Simulation {
  return {
    received: openReceived(options.max_received ?? 100_000, state_file),
    attempts: new Map(),
    latency_ms: options.latency_ms ?? 0,
    slow_ms: options.slow_ms ?? 3_000,
    silence_ms: options.silence_ms ?? 60_000,
    cut_before: options.cut_before ?? 0,
    cut_after: options.cut_after ?? 0,
    people: openPeople(),
    webhooks: openWebhooks({
      targets: openTargets(state_file === undefined ? undefined : `${state_file}.webhooks`),
      delay_ms: options.webhook_delay_ms ?? 300,
      retry_ms: options.webhook_retry_ms ?? 1_000,
      tries: options.webhook_tries,
      timeout_ms: options.webhook_timeout_ms ?? 5_000,
    }),
  };
}
