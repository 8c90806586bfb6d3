import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import type { ConnectionSettings } from './db/connection.ts';
import { countWaiting } from './db/pool.ts';
import { failAfterAccept } from './failpoints.ts';
import { gatherKeys } from './features/accounts/accounts.repository.ts';
import { adminRoutes } from './features/accounts/accounts.routes.ts';
import { readKey } from './features/accounts/read-key.ts';
import { createVaults, type Vaults } from './features/accounts/vaults.ts';
import { attendanceVerbRoutes } from './features/attendances/attendance-verbs.routes.ts';
import { attendanceRoutes } from './features/attendances/attendances.routes.ts';
import { Attendance } from './features/attendances/attendances.schema.ts';
import { messageVerbRoutes } from './features/attendances/message-verbs.routes.ts';
import { gatherStartRows } from './features/attendances/start-rows.ts';
import { countChannelAttendances, countTeamAttendances } from './features/attendances/use.repository.ts';
import { channelRoutes } from './features/channels/channels.routes.ts';
import { Channel } from './features/channels/channels.schema.ts';
import type { Outside } from './features/channels/provider-call.ts';
import { contactRoutes } from './features/contacts/contacts.routes.ts';
import { Contact } from './features/contacts/contacts.schema.ts';
import { eventRoutes } from './features/events/events.routes.ts';
import { createEventSchemas } from './features/events/events.schema.ts';
import { createEventStreams } from './features/events/stream-events.ts';
import { tellOfEvents } from './features/events/tell-of-events.ts';
import { inboundRoutes } from './features/inbound/inbound.routes.ts';
import { messageRoutes } from './features/messages/messages.routes.ts';
import { Message } from './features/messages/messages.schema.ts';
import { countUnsettledMessages } from './features/messages/use.repository.ts';
import { createWaiting } from './features/messages/wait-for-message.ts';
import { privacyRoutes } from './features/privacy/privacy.routes.ts';
import { teamRoutes } from './features/teams/teams.routes.ts';
import { removeTemplates } from './features/templates/removal.repository.ts';
import { templateRoutes } from './features/templates/templates.routes.ts';
import { Template } from './features/templates/templates.schema.ts';
import { webhookEndpointRoutes } from './features/webhooks/webhook-endpoints.routes.ts';
import { webhookVerbRoutes } from './features/webhooks/webhook-verbs.routes.ts';
import { WebhookEndpoint } from './features/webhooks/webhooks.schema.ts';
import { authenticateOperator, authenticateWith } from './http/authenticate.ts';
import { healthRoutes } from './http/health.ts';
import { gatherStoredAnswers } from './http/idempotency.repository.ts';
import { checkIdempotencyKey } from './http/idempotency.ts';
import { metricsRoute } from './http/metrics.ts';
import { describeApi, serveDocument } from './http/openapi.ts';
import { gateOutside } from './http/outside-gate.ts';
import { limitRate } from './http/rate-limit.ts';
import { type App, createServer } from './http/server.ts';
import { createShedding } from './http/shedding.ts';
import { type LaneParts, startLanes } from './lane-list.ts';
import type { Lane } from './lanes/lane.ts';
import { createWake } from './lanes/wake.ts';
import { type AddressGuard, createAddressGuard } from './outbound/address-guard.ts';
import { createHttpClient } from './outbound/http-client.ts';
import { createLookUp } from './outbound/look-up.ts';
import { createOperatorVault, type KeyRing } from './seal.ts';
import { openTelemetry } from './telemetry/telemetry.ts';

/** What a process has before it serves anything. */
export interface Ground {
  config: Config;
  /** Where this service is reached, without a slash at its end. */
  public_url: string;
  db: Knex;
  settings: ConnectionSettings;
  key_ring: KeyRing;
  log: Logger;
}

/** Everything composed: the server with its routes, the lanes ready to start, and one way to end it all. */
export interface Application {
  server: App;
  /** For the command line and the demo: speaks for no account. */
  ctx: Context;
  vaults: Vaults;
  outside: Outside;
  startLanes: () => void;
  /** For a process that serves no API: `/health` and `/metrics` alone, on this port of HOST. */
  listenForOperators: (port: number) => Promise<void>;
  /** Requests get 5 s, messages in the air 1.2 × the send timeout, webhook calls 5 s; then connections are closed. */
  close: () => Promise<void>;
}

const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
  .version;

/** Composes the application; nothing listens or runs yet. */
export async function createApp(ground: Ground): Promise<Application> {
  const { config, db, log, settings } = ground;
  const stopping = new AbortController();
  const ended = new AbortController();
  // Each message in the air listens.
  setMaxListeners(0, ended.signal);
  const ctx: Context = { db, log, now: () => new Date(), signal: stopping.signal };
  const telemetry = await openTelemetry({ config, ctx, version });
  // As many messages as are in the air may be on their way to one provider.
  const connections = Math.max(128, config.dispatch_slots);
  const allowed_private_ranges = [...config.allowed_private_ranges];
  const lookUp = createLookUp({ may_be_private: allowed_private_ranges.length > 0 });
  const http = createHttpClient({ allowed_private_ranges, lookUp, connections });
  const guard = createAddressGuard({ allowed_private_ranges, lookUp });
  const outside: Outside = {
    http: telemetry.watchClient(http.request),
    graph_version: config.graph_version,
    send_timeout_ms: config.send_timeout_ms,
  };
  const vaults = createVaults(ground.key_ring);
  const wake = createWake(settings, log);
  const parts = { ground, ctx, vaults, outside, guard, wake, telemetry };
  const shedding = createShedding({ config, log, countWaiting: () => countWaiting(db), metrics: telemetry.metrics });
  const server = await createServer(config, log, shedding);
  telemetry.watchRequests(server);
  await addRoutes(server, parts);
  const servers = [server];
  const lanes: Lane[] = [];
  return {
    server,
    ctx,
    vaults,
    outside,
    startLanes: () => lanes.push(...startLanes({ ...ctx, signal: ended.signal }, parts)),
    listenForOperators: async (port) => {
      const operators = await createServer(config, log);
      addOperatorRoutes(operators, parts);
      servers.push(operators);
      await operators.listen({ host: config.host, port });
    },
    close: async () => {
      stopping.abort();
      await Promise.all([...servers.map(closeServer), ...lanes.map((lane) => lane.stop())]);
      ended.abort();
      await wake.close();
      await http.close();
      await telemetry.close();
    },
  };
}

/** Requests end in this time, or are cut: a client that never sends the rest of its own would hold up the stop. */
const close_within_ms = 5_000;

async function closeServer(server: App): Promise<void> {
  // A worker's never listens, and closing it would first build all of it: a second of work.
  if (!server.server.listening) return;
  const timer = setTimeout(() => server.server.closeAllConnections(), close_within_ms);
  await server.close().finally(() => clearTimeout(timer));
}

interface Parts extends LaneParts {
  ground: Ground;
  ctx: Context;
  guard: AddressGuard;
}

function addOperatorRoutes(server: App, { ground: { config }, ctx, telemetry: { metrics } }: Parts): void {
  healthRoutes(server, () => isDatabaseReady(ctx));
  metricsRoute(server, { expose: metrics.expose, token: config.metrics_token });
}

/** The list of routes. */
async function addRoutes(server: App, parts: Parts): Promise<void> {
  const { ground, ctx, vaults, outside, guard, wake } = parts;
  const { config, public_url } = ground;
  const events = createEventSchemas({ Contact, Attendance, Message, Channel, Template, WebhookEndpoint });
  await describeApi(server, { public_url, version, events: events.sent });
  failAfterAccept(server, config.failpoint);
  addOperatorRoutes(server, parts);
  server.addHook('onResponse', async (request, reply) => {
    if (request.method !== 'GET' && reply.statusCode < 400) tellOfEvents(wake);
  });
  const findKey = gatherKeys(ctx);
  await server.register(async (v1: App) => {
    v1.addHook('onRoute', gateOutside());
    v1.addHook(
      'onRequest',
      authenticateWith((request, presented) =>
        readKey({ ...ctx, log: request.log as Logger }, vaults, presented, findKey),
      ),
    );
    v1.addHook('onRequest', checkIdempotencyKey);
    v1.addHook('onRequest', limitRate(ctx));
    contactRoutes(v1);
    teamRoutes(v1, { use: { countTeamAttendances } });
    const channel_use = { countChannelAttendances, countUnsettledMessages, removeTemplates };
    channelRoutes(v1, { guard, outside, public_url, use: channel_use });
    templateRoutes(v1, { outside });
    messageRoutes(v1);
    const waiting = { wake, waitFor: createWaiting(ctx, wake) };
    attendanceRoutes(v1, { ...waiting, rows: gatherStartRows(ctx), findStored: gatherStoredAnswers(ctx) });
    attendanceVerbRoutes(v1, waiting);
    messageVerbRoutes(v1, { ...waiting, public_url });
    privacyRoutes(v1, { wake });
    webhookEndpointRoutes(v1, { guard });
    webhookVerbRoutes(v1, { http: outside.http, timeout_ms: config.webhook_timeout_ms });
    eventRoutes(v1, { schemas: events, streams: createEventStreams(ctx, wake) });
  });
  await server.register(async (inbound: App) => inboundRoutes(inbound, { ctx, vaults, wake }));
  await server.register(async (admin: App) => {
    admin.addHook('onRequest', authenticateOperator(config.admin_token, ctx, createOperatorVault(ground.key_ring)));
    admin.addHook('onRequest', checkIdempotencyKey);
    adminRoutes(admin, ctx, ground.key_ring);
  });
  serveDocument(server);
}

const ready_within_ms = 1_500;

async function isDatabaseReady(ctx: Context): Promise<boolean> {
  const asked = ctx.db.raw('select 1').then(
    () => true,
    () => false,
  );
  // The wait for a connection counts, too.
  return Promise.race([asked, delay(ready_within_ms, false, { ref: false })]);
}
