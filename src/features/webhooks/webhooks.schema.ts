import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Line, Nullable, OneOf, Page, page_query, Timestamp } from '../../schema.ts';
import { event_types } from '../events/events.schema.ts';

const endpoint_id = '019a0000-0000-7000-8000-000000000071';
const delivery_id = '019a0000-0000-7000-8000-000000000072';
const event_id = '019a0000-0000-7000-8000-000000000073';
const at = '2026-11-22T12:00:00.000Z';

const endpoint_members = {
  id: Id('The endpoint.'),
  url: Type.String({ description: 'Where events are posted to.', examples: ['https://crm.example/conversar'] }),
  events: Nullable(Type.Array(OneOf(event_types), { description: 'The types that it hears of; null: all.' })),
  description: Nullable(Type.String({ description: 'For people.' })),
  is_enabled: Type.Boolean({ description: 'Is called. What happens while it is not, it hears of by a replay alone.' }),
  disabled_reason: Nullable(
    OneOf(['by_request', 'gone', 'failing'], {
      description: '`gone`: it answered 410. `failing`: no attempt was taken for 5 days. Null while enabled.',
    }),
  ),
  failing_since: Nullable(Timestamp('Since then no attempt was taken; null while all is well.')),
  previous_secret_until: Nullable(Timestamp('Until then the secret before the last rotation signs, too.')),
  created_at: Timestamp('When it was made.'),
  updated_at: Timestamp('When it was last changed.'),
};

const endpoint_example = {
  id: endpoint_id,
  url: 'https://crm.example/conversar',
  events: null,
  description: 'CRM',
  is_enabled: true,
  disabled_reason: null,
  failing_since: null,
  previous_secret_until: null,
  created_at: at,
  updated_at: at,
};

export const WebhookEndpoint = Closed(endpoint_members, {
  $id: 'WebhookEndpoint',
  title: 'WebhookEndpoint',
  description: 'Where events are told, without its secret.',
  examples: [endpoint_example],
});
const WebhookEndpointPage = Page(WebhookEndpoint, 'WebhookEndpointPage');

export const WebhookEndpointWithSecret = Closed(
  {
    ...endpoint_members,
    secret: Type.String({
      pattern: '^whsec_',
      description:
        'What signs (Standard Webhooks): the key are the bytes that base64 gives of what stands behind `whsec_`. Shown here and never again.',
    }),
  },
  {
    $id: 'WebhookEndpointWithSecret',
    title: 'WebhookEndpointWithSecret',
    description: 'An endpoint with its new secret, shown this once.',
    examples: [{ ...endpoint_example, secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' }],
  },
);

const url = Type.String({
  minLength: 8,
  maxLength: 2048,
  format: 'storable',
  description: 'https, without user and password, of a public host; other ranges are the operator’s to allow.',
  examples: ['https://crm.example/conversar'],
});
const eventsOf = (description: string) =>
  Nullable(
    Type.Array(OneOf(event_types), { minItems: 1, maxItems: event_types.length, uniqueItems: true, description }),
  );
const description = Nullable(Line(1, 500, { description: 'For people.', examples: ['CRM'] }));
const is_enabled = Type.Boolean({ description: 'Default true.' });

export const NewWebhookEndpoint = Closed(
  {
    url,
    events: Type.Optional(eventsOf('The types to hear of; null or absent: all.')),
    description: Type.Optional(description),
    is_enabled: Type.Optional(is_enabled),
  },
  {
    $id: 'NewWebhookEndpoint',
    title: 'NewWebhookEndpoint',
    description: 'An endpoint to make.',
    examples: [{ url: 'https://crm.example/conversar', events: ['attendance.started', 'message.received'] }],
  },
);

export const WebhookEndpointChange = Closed(
  {
    url: Type.Optional(url),
    events: Type.Optional(eventsOf('The types to hear of; null: all.')),
    description: Type.Optional(description),
    is_enabled: Type.Optional(
      Type.Boolean({
        description:
          'False: it is called no more. True: what waited goes on, and it hears of all that happens from now on; replay what it missed.',
      }),
    ),
  },
  {
    $id: 'WebhookEndpointChange',
    title: 'WebhookEndpointChange',
    description: 'What to change of an endpoint; what is absent stays.',
    minProperties: 1,
    examples: [{ is_enabled: false }],
  },
);

const attempt_members = {
  at: Timestamp('When it began.'),
  duration_ms: Type.Integer({ minimum: 0, description: 'Until the answer was read, or given up.' }),
  status_code: Nullable(Type.Integer({ description: 'Of the answer; null when none came.' })),
  error: Nullable(
    Type.String({
      description:
        'Why it counts as a failure: `status` (other than 2xx), `timeout`, `reset`, `dns`, `refused`, `tls`, `address_not_allowed` … Null when it was taken.',
    }),
  ),
  response: Nullable(Type.String({ description: 'The first 4 KB of the answer; null when none came.' })),
};
const attempt_example = { at, duration_ms: 41, status_code: 204, error: null, response: '' };

const WebhookAttempt = Closed(
  { number: Type.Integer({ minimum: 1, description: 'Its number, of all attempts.' }), ...attempt_members },
  {
    $id: 'WebhookAttempt',
    title: 'WebhookAttempt',
    description: 'One call of an endpoint.',
    examples: [{ number: 1, ...attempt_example }],
  },
);

export const delivery_statuses = ['pending', 'delivered', 'failed'] as const;

export const WebhookDelivery = Closed(
  {
    id: Id('The delivery.'),
    endpoint_id: Id('To whom.'),
    event_id: Id('What: the `webhook-id` of every attempt.'),
    event_type: Type.String({ description: 'The type of the event.' }),
    status: OneOf(delivery_statuses, {
      description: '`pending`: tried, or tried again, at `next_attempt_at`. `failed`: given up; redeliver it.',
    }),
    next_attempt_at: Nullable(
      Timestamp('Not before; later while the endpoint fails or is disabled. Null when not pending.'),
    ),
    attempts: Type.Array(Type.Ref(WebhookAttempt), { description: 'The last 20, oldest first.' }),
    created_at: Timestamp('When it was to be told first.'),
    delivered_at: Nullable(Timestamp('When it was taken (2xx).')),
    failed_at: Nullable(Timestamp('When it was given up.')),
  },
  {
    $id: 'WebhookDelivery',
    title: 'WebhookDelivery',
    description: 'One event for one endpoint, and what came of it.',
    examples: [
      {
        id: delivery_id,
        endpoint_id,
        event_id,
        event_type: 'attendance.started',
        status: 'delivered',
        next_attempt_at: null,
        attempts: [{ number: 1, ...attempt_example }],
        created_at: at,
        delivered_at: at,
        failed_at: null,
      },
    ],
  },
);
const WebhookDeliveryPage = Page(WebhookDelivery, 'WebhookDeliveryPage');

export const WebhookTest = Closed(
  {
    event_id: Id('The `webhook-id` that was sent.'),
    is_delivered: Type.Boolean({ description: 'It was answered with 2xx.' }),
    ...attempt_members,
  },
  {
    $id: 'WebhookTest',
    title: 'WebhookTest',
    description: 'What an endpoint answered to a test event.',
    examples: [{ event_id, is_delivered: true, ...attempt_example }],
  },
);

export const ReplayEvents = Closed(
  { since: Timestamp('Events from then on are told again, those that were never told for the first time.') },
  {
    $id: 'ReplayEvents',
    title: 'ReplayEvents',
    description: 'From when to tell again.',
    examples: [{ since: at }],
  },
);

export const webhook_schemas = [
  WebhookEndpoint,
  WebhookEndpointPage,
  WebhookEndpointWithSecret,
  NewWebhookEndpoint,
  WebhookEndpointChange,
  WebhookAttempt,
  WebhookDelivery,
  WebhookDeliveryPage,
  WebhookTest,
  ReplayEvents,
];

export const DeliveriesQuery = Closed({
  ...page_query,
  status: Type.Optional(OneOf(delivery_statuses, { description: 'Those alone.' })),
});

export { WebhookDeliveryPage, WebhookEndpointPage };

export type WebhookEndpointView = Static<typeof WebhookEndpoint>;
export type NewWebhookEndpointBody = Static<typeof NewWebhookEndpoint>;
export type WebhookEndpointChangeBody = Static<typeof WebhookEndpointChange>;
export type WebhookAttemptView = Static<typeof WebhookAttempt>;
export type WebhookDeliveryView = Static<typeof WebhookDelivery>;
export type WebhookTestView = Static<typeof WebhookTest>;
export type DeliveryStatus = (typeof delivery_statuses)[number];
