import { createServer, type IncomingMessage } from 'node:http';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { createInbox, type Told } from './inbox.ts';

/** Longer is no event of ours. */
const longest_bytes = 1_048_576;

const secret = process.env.CONVERSAR_WEBHOOK_SECRET ?? '';
if (secret === '') {
  process.stderr.write('Set CONVERSAR_WEBHOOK_SECRET to the secret that was shown when the endpoint was made.\n');
  process.exit(2);
}
const webhook = new Webhook(secret);
const inbox = createInbox((event, is_gap) => {
  const number = event.sequence === null ? '-' : String(event.sequence);
  process.stdout.write(`${event.type} ${number}${is_gap ? ' (others are still on their way)' : ''} ${event.id}\n`);
});

/** The bytes as they came: a signature is over these, and not over what a parser would make of them. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > longest_bytes) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The status to answer with: 2xx means "it is mine now", anything else "tell me again later". */
async function receive(request: IncomingMessage): Promise<number> {
  if (request.method !== 'POST') return 405;
  const body = await readBody(request);
  if (body === null) return 413;
  try {
    // Refuses a wrong signature, and one that is older than five minutes: nobody can send a recorded call again.
    const event = webhook.verify(body, request.headers as Record<string, string>) as Told;
    inbox.take(event);
    return 204;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return 401;
    throw error;
  }
}

const server = createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      response.writeHead(500).end();
    },
  );
});
server.requestTimeout = 10_000;
server.listen(Number(process.env.PORT ?? 4000), process.env.HOST ?? '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address)
    process.stdout.write(`listening on http://${address.address}:${address.port}\n`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.close());
