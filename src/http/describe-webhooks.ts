import type { TSchema } from '@sinclair/typebox';

const header = (name: string, description: string, schema: object, example: unknown) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { ...schema, examples: [example] },
});

/** For whoever writes a receiver: with these in hand the signature is this one. */
const vector = {
  secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
  id: '019a0000-0000-7000-8000-0000000000a1',
  timestamp: '1795348805',
  body: '{"type":"contact.created"}',
  signature: 'v1,MmbOETw3tRYLcVCFxQkmIyK9EfBaX41YxA0FJKsNNRA=',
};

/** Of every call, as Standard Webhooks has them. */
export const webhook_parameters = {
  WebhookId: header(
    'webhook-id',
    'The id of the event: the same with every repeat, so that a receiver knows what it has had.',
    { type: 'string', format: 'uuid' },
    vector.id,
  ),
  WebhookTimestamp: header(
    'webhook-timestamp',
    'When this attempt was made, in seconds since 1970. Refuse what is older than five minutes.',
    { type: 'string', pattern: '^\\d{1,12}$' },
    vector.timestamp,
  ),
  WebhookSignature: header(
    'webhook-signature',
    '`v1,` and the base64 of HMAC-SHA-256 over `{webhook-id}.{webhook-timestamp}.{body}` keyed with the 32 bytes that base64 gives of what stands behind `whsec_` in a secret of the endpoint; one for each secret, separated by blanks. Compare with every one, over the bytes as they came.',
    { type: 'string' },
    vector.signature,
  ),
};

/** What a receiver must know that holds nothing but the document. */
export const webhook_rules = `
Where a CRM is told of events, and what it answered. Each call is a POST with the JSON of one event, signed as Standard Webhooks has it.

- **Verify**: \`webhook-signature\` over the bytes as they came. With the secret \`${vector.secret}\`, the id \`${vector.id}\`, the timestamp \`${vector.timestamp}\` and the body \`${vector.body}\` it is \`${vector.signature}\`.
- **At least once**: a call whose answer was lost comes again with the same \`webhook-id\`. Take each id once.
- **No order of arrival**: up to four calls are in the air at one endpoint, and repeats come late. \`sequence\` orders the events of an attendance.
- **Repeats**: what is not answered with 2xx within 15 s is tried again 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after the one before, each ±20 %; after the tenth attempt the delivery is \`failed\`. \`Retry-After\` is honoured where it is longer, up to 24 h. 410 disables the endpoint at once, five days without a success do, too.
- **To have it again**: redeliver one, replay all since a time, or read \`GET /v1/events\`.
`.trim();

/** Goes to the endpoint that is tested, without having happened. */
const test_type = 'webhook_endpoint.test';

/** What a receiver may answer. */
const answers = {
  '2XX': {
    description: 'Taken. Anything slower than 15 s counts as no answer; of the body 4 KB are kept for you to look at.',
  },
  '410': { description: 'The endpoint wants no more: it is disabled at once.' },
  default: {
    description:
      'Not taken, redirects included: it is tried again, ten times in about three days. `Retry-After` is honoured, up to 24 h.',
  },
};

const receiversOf = (type: string) =>
  type === test_type
    ? 'Sent to the endpoint that is tested, whatever it asks for, and to nobody else; it stands in no feed.'
    : `Sent to every webhook endpoint that asks for \`${type}\`.`;

/** The `webhooks` of the document: one entry per schema of an event, named by the one value that its `type` has. */
export function describeWebhooks(events: TSchema[]): Record<string, object> {
  return Object.fromEntries(
    events.map(({ $id = '', description = '', properties }) => {
      const [type = ''] = properties.type.enum as string[];
      const post = {
        operationId: `on${$id.replace(/Event$/, '')}`,
        tags: ['Webhooks'],
        summary: sentenceOf(type),
        description: `${description}\n\n${receiversOf(type)}`,
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
