import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { demo_values } from './demo-values.ts';
import { evolutionRoutes } from './evolution.routes.ts';
import { graphRoutes } from './graph.routes.ts';
import { receivedRoutes } from './received.routes.ts';
import { openReceived } from './received.ts';
import { script } from './script.ts';
import type { Simulation } from './simulation.ts';

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
  /** How many received messages are kept. Default 100,000. */
  max_received?: number;
}

export interface Simulator {
  /** Without a slash at the end; base URLs are `<url>/graph` and `<url>/evolution`. */
  url: string;
  /** Cuts what is still connected. */
  close: () => Promise<void>;
}

/** Starts a server that speaks Graph's and Evolution API's protocols; throws when it cannot listen or open its file. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const simulation: Simulation = {
    received: openReceived(options.max_received ?? 100_000, options.state_file),
    attempts: new Map(),
    latency_ms: options.latency_ms ?? 0,
    slow_ms: options.slow_ms ?? 3_000,
    silence_ms: options.silence_ms ?? 60_000,
  };
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: 256 * 1024,
    routerOptions: { maxParamLength: 200 },
    // An unknown filter is refused: left out in silence it would make a test count the wrong messages.
    ajv: { customOptions: { removeAdditional: false } },
  });
  app.addHook('onClose', () => simulation.received.close());
  app.register(async (scope) => graphRoutes(scope, simulation), { prefix: '/graph' });
  app.register(async (scope) => evolutionRoutes(scope, simulation), { prefix: '/evolution' });
  app.register(async (scope) => receivedRoutes(scope, simulation));

  app.get('/', (request) => {
    const url = `${request.protocol}://${request.host}`;
    return { graph: `${url}/graph`, evolution: `${url}/evolution`, received: `${url}/_received`, demo_values, script };
  });

  const url = await app.listen({ host: options.host, port: options.port });
  return { url, close: () => app.close() };
}
