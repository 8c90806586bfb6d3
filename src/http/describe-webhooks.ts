import type { TSchema } from '@sinclair/typebox';

const header = (name: string, description: string, schema: object, example: unknown) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { ...schema, examples: [example] },
});

/** Of every call, as Standard Webhooks has them. */
export const webhook_parameters = {
  WebhookId: header(
    'webhook-id',
    'The id of the event: the same with every repeat, so that a receiver knows what it has had.',
    { type: 'string', format: 'uuid' },
    '019a0000-0000-7000-8000-0000000000a1',
  ),
  WebhookTimestamp: header(
    'webhook-timestamp',
    'When this attempt was made, in seconds since 1970. Refuse what is older than five minutes.',
    { type: 'string', pattern: '^\\d{1,12}$' },
    '1795348805',
  ),
  WebhookSignature: header(
    'webhook-signature',
    '`v1,` and the base64 of HMAC-SHA-256 over `{webhook-id}.{webhook-timestamp}.{body}` with the secret of the endpoint; one for each secret, separated by blanks. Compare with every one, over the bytes as they came.',
    { type: 'string' },
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ),
};

/** What a receiver may answer. */
const answers = {
  '2XX': { description: 'Taken; the body is not read. Anything slower than 15 s counts as no answer.' },
  '410': { description: 'The endpoint wants no more: it is disabled at once.' },
  default: { description: 'Not taken, redirects included: it is tried again, later and later.' },
};

/** The `webhooks` of the document: one entry per schema of an event, named by the one value that its `type` has. */
export function describeWebhooks(events: TSchema[]): Record<string, object> {
  return Object.fromEntries(
    events.map(({ $id = '', description = '', properties }) => {
      const [type = ''] = properties.type.enum as string[];
      const post = {
        operationId: `on${$id.replace(/Event$/, '')}`,
        tags: ['Webhooks'],
        summary: sentenceOf(type),
        description: `${description}\n\nSent to every webhook endpoint that asks for \`${type}\`.`,
        parameters: Object.keys(webhook_parameters).map((name) => ({ $ref: `#/components/parameters/${name}` })),
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: `#/components/schemas/${$id}` } } },
        },
        responses: answers,
        security: [],
      };
      return [type, { post }];
    }),
  );
}

/** `message.id_conflict` → `Message id conflict`. */
const sentenceOf = (type: string) => `${type.charAt(0).toUpperCase()}${type.slice(1).replace(/[._]/g, ' ')}`;
