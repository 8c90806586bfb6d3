import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Owner } from '../test/support/process.ts';

/** What one endpoint that answers was told, judged as a receiver would. */
export interface Heard {
  /** Calls by `webhook-id`. */
  calls: Map<string, number>;
  /** When each was told first, since 1970. */
  first_at_ms: Map<string, number>;
  /** The id under which each contact was told of. */
  id_of_contact: Map<string, string>;
  /** Signatures that were not good, ids that were not the event's, contacts that were told of under two ids. */
  faults: string[];
}

export interface Receivers {
  url: string;
  /** By path. */
  heard: Map<string, Heard>;
  /** Judges the calls of this path from now on. */
  expect: (path: string, secret: string) => void;
}

/** One server that plays all receivers: `/ok…` take, `/fail…` answer 500, `/hang…` never answer. */
export async function startReceivers(owner: Owner): Promise<Receivers> {
  const heard = new Map<string, Heard>();
  const judges = new Map<string, Webhook>();
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (path.startsWith('/hang')) return;
    if (path.startsWith('/fail')) {
      response.writeHead(500).end();
      return;
    }
    const known = heard.get(path);
    const judge = judges.get(path);
    if (known && judge) take(known, judge, Buffer.concat(chunks).toString(), request.headers as Record<string, string>);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  owner.teardown(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    expect: (path, secret) => {
      heard.set(path, { calls: new Map(), first_at_ms: new Map(), id_of_contact: new Map(), faults: [] });
      judges.set(path, new Webhook(secret));
    },
  };
}

interface Told {
  id: string;
  type: string;
  data: { id: string };
}

function take(known: Heard, judge: Webhook, text: string, headers: Record<string, string>): void {
  const id = headers['webhook-id'] ?? '';
  let event: Told;
  try {
    event = judge.verify(text, headers) as Told;
  } catch (error) {
    known.faults.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  if (event.id !== id) known.faults.push(`${id} says that it is ${event.id}`);
  const before = known.id_of_contact.get(event.data.id) ?? id;
  if (before !== id) known.faults.push(`contact ${event.data.id} was told of as ${before} and as ${id}`);
  known.id_of_contact.set(event.data.id, before);
  known.calls.set(id, (known.calls.get(id) ?? 0) + 1);
  if (!known.first_at_ms.has(id)) known.first_at_ms.set(id, Date.now());
}
