import { createRequire } from 'node:module';
import t from 'tap';
import { createDesk, waiting } from '../support/attendances.ts';
import { captureLog } from '../support/log.ts';
import { eventually, startService } from '../support/service.ts';
import { type ReceivedSpan, startSpanReceiver } from '../support/span-receiver.ts';
import { timed } from '../support/timed.ts';

const [trace_id, caller_id] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
const traceparent = `00-${trace_id}-${caller_id}-01`;
const server_kind = 2;
const isLoaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('@opentelemetry/sdk-trace'));
const client_kind = 3;

t.test('without OTEL_EXPORTER_OTLP_ENDPOINT nothing of it is loaded', async (t) => {
  const service = await startService(t);
  t.equal((await service.send(null, 'GET', '/health/live', undefined, { traceparent })).status, 200);
  t.notOk(isLoaded());
});

t.test('with OTEL_EXPORTER_OTLP_ENDPOINT', async (t) => {
  const receiver = await startSpanReceiver(t);
  const { log, lines } = captureLog();
  const service = await startService(t, { log, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
  t.ok(isLoaded());
  const company = await service.createCompany();
  const desk = createDesk(service, company);
  const phone = desk.nextPhone();
  const text = 'Olá, Joana! Seu pedido 8841 chegou.';
  const started = await desk.start({ contact: { phone, name: 'Joana Prado' }, text }, { ...waiting, traceparent });
  const official = await desk.startOfficial({ contact: { phone: desk.nextPhone(), name: 'Joana Prado' } }, waiting);
  await company.get(`/v1/contacts/lookup?phone=${phone}`);
  await company.get('/v1/contacts?search=Joana');
  await company.get(`/v1/contacts/${started.contact.id}`);
  await service.send(null, 'GET', '/health/ready');
  await desk.start({ contact: { phone: desk.nextPhone('0499') } }, waiting);
  const message_ids: string[] = [started.outcome.message_id, official.outcome.message_id];
  const of = (name: string) => receiver.spans().filter((span) => span.name === name);
  await eventually(
    async () => of('dispatch').map(({ attributes }) => attributes['conversar.outcome']),
    (outcomes) => outcomes.includes('ambiguous') && outcomes.length === 3,
  );
  const dispatchOf = (id: string) => of('dispatch').find((one) => one.attributes['conversar.message_id'] === id);
  const below = (span: ReceivedSpan | undefined) =>
    receiver.spans().filter(({ parentSpanId, traceId }) => parentSpanId === span?.spanId && traceId === span?.traceId);

  t.test('a request is a span below its caller, and names what it made', async (t) => {
    t.same([...receiver.paths], ['POST /v1/traces']);
    t.match(receiver.resource(), {
      'service.name': 'conversar',
      'service.version': /^\d/,
      'service.instance.id': /\d$/,
    });
    const spans = of('POST /v1/attendances').filter((span) => span.traceId === trace_id);
    t.equal(spans.length, 1);
    t.match(spans[0], {
      parentSpanId: caller_id,
      kind: server_kind,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/v1/attendances',
        'http.response.status_code': 201,
        'conversar.account_id': company.account_id,
        'conversar.attendance_id': started.id,
        'conversar.message_id': started.outcome.message_id,
      },
    });
  });

  t.test('its statements are below it, those after the body too', async (t) => {
    const names = below(of('POST /v1/attendances').find((span) => span.traceId === trace_id)).map(({ name }) => name);
    for (const name of ['read_start', 'insert_start']) t.ok(names.includes(name), `${name} in ${names.join(', ')}`);
  });

  t.test('each message that is sent is a trace of its own: claim, call, and what is written', async (t) => {
    const claims = of('dispatch claim').map(({ spanId }) => spanId);
    const finished = of('dispatch finish').flatMap(({ links = [] }) => links.map(({ spanId }) => spanId));
    for (const [place, id] of message_ids.entries()) {
      const span = dispatchOf(id);
      t.match(span, {
        attributes: {
          'conversar.attendance_id': place === 0 ? started.id : official.id,
          'conversar.provider': place === 0 ? 'evolution' : 'whatsapp_cloud',
          'conversar.attempt': 1,
          'conversar.outcome': 'accepted',
        },
      });
      t.ok(
        span?.links?.some(({ spanId }) => claims.includes(spanId)),
        'linked to the claim',
      );
      t.ok(finished.includes(span?.spanId ?? ''), 'and the writing to it');
      const calls = below(span).filter(({ kind }) => kind === client_kind);
      t.equal(calls.length, place === 0 ? 2 : 1, 'the gateway is asked for the number before');
      for (const call of calls) {
        t.match(call.attributes, { 'http.request.method': 'POST', 'server.address': '127.0.0.1' });
        t.match(String(call.attributes['http.response.status_code']), /^20[01]$/);
      }
    }
    t.ok(below(of('dispatch finish')[0]).some(({ name }) => name === 'apply_outcomes'));
  });

  t.test('a call that nobody answered is a failed one', async (t) => {
    const doubted = of('dispatch').find(({ attributes }) => attributes['conversar.outcome'] === 'ambiguous');
    t.match(doubted?.attributes, { 'conversar.error_code': 'provider_answer_lost' });
    const call = below(doubted).find(({ attributes }) => attributes['error.type'] !== undefined);
    t.match(call, { attributes: { 'error.type': /^unanswered: / }, status: { code: 2 } });
  });

  t.test('nothing personal, no secret and no path is in what was sent', async (t) => {
    const sent = receiver.text();
    const digits = phone.replace(/\D/g, '');
    const forbidden = [
      ...[digits, digits.slice(-8), digits.replace(/^(\d\d)9/, '$1'), 'Joana', 'Prado', 'pedido', 'Olá'],
      ...[
        company.key,
        company.key.slice(-20),
        'simulator-key',
        'simulator-token',
        '100000000000001',
        '200000000000001',
      ],
      ...['sendText', 'whatsappNumbers', '/graph', '/evolution', 'lookup?', 'search=', started.contact.id],
      ...['authorization', 'Bearer', 'boas_vindas', '@s.whatsapp.net'],
    ];
    for (const one of forbidden) t.notOk(sent.includes(one), one);
    t.notOk(
      receiver.spans().some(({ name }) => name.includes('/health')),
      'health is asked all the time',
    );
  });

  t.test('the line of log of a request has its trace', async (t) => {
    const requests = lines().filter(({ msg }) => msg === 'http.request');
    t.ok(requests.some((line) => line.trace_id === trace_id));
    const known = new Set(
      receiver
        .spans()
        .filter(({ kind }) => kind === server_kind)
        .map(({ traceId }) => traceId),
    );
    for (const line of requests.filter(({ route }) => route === '/v1/contacts')) t.ok(known.has(String(line.trace_id)));
  });
});

t.test('a traceparent that is none begins a trace', async (t) => {
  const receiver = await startSpanReceiver(t);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/` };
  const service = await startService(t, { with_lanes: false, env });
  const company = await service.createClient();
  const zeros = `00-${'0'.repeat(32)}-${caller_id}-01`;
  for (const header of ['', 'x', zeros, `ff-${trace_id}-${caller_id}-01`, `00-${trace_id}-${caller_id}-01x`])
    t.equal((await company.get('/v1/teams', { traceparent: header })).status, 200);
  await company.get('/v1/channels', { traceparent: `00-${trace_id}-${caller_id}-00` });
  await service.close();
  const spans = receiver.spans().filter(({ kind }) => kind === server_kind);
  t.equal(spans.length, 5, 'the last one was not to be sampled, says its caller');
  for (const span of spans) {
    t.notOk(span.parentSpanId);
    t.not(span.traceId, trace_id);
  }
  t.same([...receiver.paths], ['POST /v1/traces']);
});

t.test('a receiver that is gone, or never answers, holds up and fails nothing', async (t) => {
  const silent = await startSpanReceiver(t, { silent: true });
  for (const [name, url] of Object.entries({ gone: 'http://127.0.0.1:9', silent: silent.url })) {
    const { log, lines } = captureLog();
    const service = await startService(t, { log, env: { OTEL_EXPORTER_OTLP_ENDPOINT: url } });
    const company = await service.createCompany();
    const desk = createDesk(service, company);
    const answers = await Promise.all(Array.from({ length: 20 }, () => desk.start({}, waiting)));
    t.ok(
      answers.every(({ status }) => status === 'open'),
      `${name}: every start, and its message`,
    );
    const { took_ms } = await timed(service.close);
    t.ok(took_ms < 6_000, `${name}: the stop waits 2 s at most`);
    const warnings = async () => lines().filter(({ msg }) => msg === 'tracing.export_failed').length;
    t.equal(await eventually(warnings, (count) => count > 0), 1, `${name}: is said, once a minute`);
    t.equal(lines().filter(({ level }) => Number(level) >= 50).length, 0);
  }
});
