import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { provider_names, registry } from '../../providers/registry.ts';
import { Closed, Id, Line, Nullable, OneOf, Page, Timestamp } from '../../schema.ts';

export const channel_types = ['official', 'unofficial'] as const;
const channel_statuses = ['connected', 'connecting', 'disconnected', 'restricted', 'unknown'] as const;
const unknown_policies = ['hold', 'resend', 'resend_same_id', 'fail'] as const;

const ChannelCapabilities = Closed(
  {
    requires_template: Type.Boolean({ description: 'A start needs an approved template.' }),
    opens_without_message: Type.Boolean({ description: 'A start may go without a message.' }),
    checks_number: Type.Boolean({ description: 'The provider can say whether a number has WhatsApp.' }),
    chooses_message_id: Type.Boolean({ description: 'We choose the message id, so a repeat can be recognised.' }),
    reports_status: Type.Boolean({ description: 'Delivery and reading are reported.' }),
  },
  { $id: 'ChannelCapabilities', title: 'ChannelCapabilities', description: 'What differs inside a channel type.' },
);

const ChannelWebhook = Closed(
  {
    url: Type.String({ description: 'Enter it at the provider. For Z-API and WPPConnect it ends in `verify_token`.' }),
    verify_token: Type.String({
      description:
        'Cloud API: what Meta repeats in its handshake, no credential. Gateways: whoever has it can speak as the provider (unless WAHA signs with an `hmac_key`), so keep it secret; it stands in `url` or `headers`, too. In events it is empty there, and `url` and `headers` lack it: enter what `GET /v1/channels/{channel_id}` shows.',
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'Headers for the provider to send with each call.',
    }),
  },
  { $id: 'ChannelWebhook', title: 'ChannelWebhook', description: 'What to enter at the provider.' },
);

const setting_members = {
  send_within_s: Type.Integer({
    minimum: 1,
    maximum: 604_800,
    description: 'A message still queued after this many seconds fails with `not_sent_in_time`. 3,600 unless set.',
  }),
  on_unknown: OneOf(unknown_policies, {
    description:
      'What follows when nobody can tell whether a message went out. `hold`: it waits for evidence or a person, and is `failed` with `presumed_lost` after 7 days. `fail`: it is `failed` with `presumed_lost` at once. `resend`: it is sent once more when for 15 minutes the provider told of later messages and not of this one, and may arrive twice. `resend_same_id`: once more under the same id, where the provider recognises it (`chooses_message_id`). `hold` unless set.',
  }),
  max_per_second: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    description:
      'Messages a second, at most. Unless set 80 on official channels and 1 on gateways; a number in coexistence takes 20.',
  }),
  stuck_after_s: Type.Integer({
    minimum: 1,
    maximum: 604_800,
    description: 'An accepted message without news for so long is shown as stuck. 600 unless set.',
  }),
  reopen_within_s: Type.Integer({
    minimum: 0,
    maximum: 2_592_000,
    description: 'A reply within this time of closing reopens the attendance. 0, never, unless set.',
  }),
};

export const Channel = Closed(
  {
    id: Id('The channel.'),
    name: Type.String({ description: 'For people; unique in the account.' }),
    type: OneOf(channel_types, { description: '`official`: WhatsApp Business Platform; `unofficial`: a gateway.' }),
    provider: OneOf(provider_names, { description: 'Who carries the messages.' }),
    phone: Nullable(Type.String({ description: "The company's number, E.164." })),
    base_url: Type.String({ description: 'Where the provider is called.' }),
    status: OneOf(channel_statuses, { description: '`disconnected` and `restricted` refuse a start.' }),
    status_detail: Nullable(Type.String({ description: "Why, in the provider's words or ours." })),
    capabilities: Type.Ref(ChannelCapabilities),
    default_team_id: Nullable(Id('The team of receptive attendances.')),
    webhook: Type.Ref(ChannelWebhook),
    ...setting_members,
    templates_synced_at: Nullable(Timestamp('When its templates were last read from the provider.')),
    created_at: Timestamp('When it was made.'),
    updated_at: Timestamp('When it was last changed.'),
  },
  {
    $id: 'Channel',
    title: 'Channel',
    description: "A company's WhatsApp number at one provider. Its credentials are never shown.",
    examples: [
      {
        id: '019a0000-0000-7000-8000-0000000000c1',
        name: 'Vendas',
        type: 'official',
        provider: 'whatsapp_cloud',
        phone: '+5531988880000',
        base_url: 'https://graph.facebook.com',
        status: 'connected',
        status_detail: null,
        capabilities: {
          requires_template: true,
          opens_without_message: false,
          checks_number: false,
          chooses_message_id: false,
          reports_status: true,
        },
        default_team_id: null,
        webhook: {
          url: 'https://conversar.example/v1/inbound/019a0000-0000-7000-8000-0000000000c1',
          verify_token: 'f3b1c0de5a7e4d52',
          headers: {},
        },
        send_within_s: 3600,
        on_unknown: 'hold',
        max_per_second: 80,
        stuck_after_s: 600,
        reopen_within_s: 0,
        templates_synced_at: null,
        created_at: '2026-11-22T12:00:00.000Z',
        updated_at: '2026-11-22T12:00:00.000Z',
      },
    ],
  },
);
export const ChannelPage = Page(Channel, 'ChannelPage');

const common_members = {
  name: Line(1, 200, { description: 'For people; unique in the account.', examples: ['Vendas'] }),
  phone: Type.Optional(
    Nullable(Line(1, 32, { description: "The company's number.", examples: ['+55 31 98888-0000'] })),
  ),
  default_team_id: Type.Optional(Nullable(Id('The team of receptive attendances.'))),
  send_within_s: Type.Optional(setting_members.send_within_s),
  on_unknown: Type.Optional(setting_members.on_unknown),
  max_per_second: Type.Optional(setting_members.max_per_second),
  stuck_after_s: Type.Optional(setting_members.stuck_after_s),
  reopen_within_s: Type.Optional(setting_members.reopen_within_s),
};

const pascal = (name: string) => name.replace(/(^|_)(\w)/g, (_, __, letter: string) => letter.toUpperCase());

/** One form per provider, told apart by `provider`; from the registry. */
const new_channel_forms: TSchema[] = Object.values(registry).map((provider) => {
  const base_url = Line(8, 2048, {
    description: 'Where the provider is called; http only inside allowed private ranges.',
  });
  const $id = `New${pascal(provider.name)}Channel`;
  return Closed(
    {
      provider: OneOf([provider.name]),
      ...common_members,
      base_url: provider.default_base_url === undefined ? base_url : Type.Optional(base_url),
      credentials: provider.credentials,
    },
    { $id, title: $id, description: `A channel of the provider \`${provider.name}\`.` },
  );
});

export const NewChannel = Type.Unsafe<NewChannelBody>({
  $id: 'NewChannel',
  title: 'NewChannel',
  description: 'A channel to add; `provider` says which form it takes.',
  type: 'object',
  required: ['provider'],
  discriminator: { propertyName: 'provider' },
  oneOf: new_channel_forms.map((form) => ({ $ref: `${form.$id}` })),
  example_names: ['Official, over Cloud API', 'Unofficial, over Evolution API'],
  examples: [
    {
      name: 'Vendas',
      provider: 'whatsapp_cloud',
      phone: '+55 31 98888-0000',
      credentials: {
        access_token: 'your-system-user-token',
        phone_number_id: '100000000000001',
        waba_id: '200000000000001',
        app_secret: 'your-app-secret',
      },
    },
    {
      name: 'Suporte',
      provider: 'evolution',
      phone: '+55 31 98888-0009',
      base_url: 'https://gateway.example',
      credentials: { api_key: 'your-instance-key', instance: 'suporte' },
    },
  ],
});

export const ChannelChange = Closed(
  {
    ...common_members,
    name: Type.Optional(common_members.name),
    base_url: Type.Optional(
      Line(8, 2048, { description: 'Where the provider is called; http only inside allowed private ranges.' }),
    ),
    credentials: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        maxProperties: 20,
        description: "All of them anew, as `POST /v1/channels` takes them for the channel's provider.",
      }),
    ),
  },
  {
    $id: 'ChannelChange',
    title: 'ChannelChange',
    description: 'What to change of a channel: `null` clears, what is absent stays. The provider is for good.',
    minProperties: 1,
    examples: [{ name: 'Vendas', max_per_second: 20 }],
  },
);

export const channel_schemas: TSchema[] = [
  ChannelCapabilities,
  ChannelWebhook,
  Channel,
  ChannelPage,
  ...new_channel_forms,
  NewChannel,
  ChannelChange,
];

const common_body = Closed(common_members);
export type NewChannelBody = Static<typeof common_body> & {
  provider: (typeof provider_names)[number];
  base_url?: string;
  credentials: Record<string, string>;
};
export type ChannelChangeBody = Static<typeof ChannelChange>;
export type ChannelView = Static<typeof Channel>;
