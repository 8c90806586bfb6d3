import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

interface RawAttribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number };
}
interface RawSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: RawAttribute[];
  links?: { traceId: string; spanId: string }[];
  status: { code?: number };
}

/** A span as it came over the wire. */
export interface ReceivedSpan extends Omit<RawSpan, 'attributes'> {
  attributes: Record<string, string | number | undefined>;
}

const readAttributes = (attributes: RawAttribute[]) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.doubleValue)]),
  );

/** Listens for OTLP over HTTP until `t` ends; `silent` takes everything and never answers. */
export async function startSpanReceiver(t: Test, { silent = false } = {}) {
  const bodies: string[] = [];
  const paths = new Set<string>();
  const server = createServer((request, response) => {
    let body = '';
    paths.add(`${request.method} ${request.url}`);
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      if (!silent) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  type Envelope = { resourceSpans: { resource: { attributes: RawAttribute[] }; scopeSpans: { spans: RawSpan[] }[] }[] };
  const resources = () => bodies.flatMap((body) => (JSON.parse(body) as Envelope).resourceSpans);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    /** Everything that came, as text. */
    text: () => bodies.join('\n'),
    resource: () => readAttributes(resources()[0]?.resource.attributes ?? []),
    spans: (): ReceivedSpan[] =>
      resources()
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
        .map((span) => ({ ...span, attributes: readAttributes(span.attributes) })),
  };
}
