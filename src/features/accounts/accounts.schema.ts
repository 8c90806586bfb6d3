import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Line, Nullable, OneOf, Page, Timestamp } from '../../schema.ts';

/** What a key may do: `read` covers GET, `write` covers the rest. */
export const scopes = [
  'contacts:read',
  'contacts:write',
  'teams:read',
  'teams:write',
  'channels:read',
  'channels:write',
  'templates:read',
  'templates:write',
  'attendances:read',
  'attendances:write',
  'webhooks:read',
  'webhooks:write',
  'events:read',
] as const;

const country = (description: string) => Type.String({ pattern: '^[A-Z]{2}$', description, examples: ['BR'] });

/** `starts_per_second` and `starts_burst` of an account or a key. */
const perSecond = (least: number, description: string) =>
  Type.Integer({ minimum: least, maximum: 100_000, description, examples: [500] });
const burst = (description: string) => Type.Integer({ minimum: 1, maximum: 1_000_000, description, examples: [1000] });
const account_limits = {
  starts_per_second: perSecond(0, 'Starts and later messages a second, of all keys together; 0: no limit.'),
  starts_burst: burst('How many may come at once after a quiet time.'),
};
const key_limits = {
  starts_per_second: Nullable(
    perSecond(1, 'A limit of this key, beside that of the account; null: that of the account.'),
  ),
  starts_burst: Nullable(burst('How many may come at once after a quiet time; null: as for the account.')),
};
const burst_default = 'Default: twice `starts_per_second`.';

export const Account = Closed(
  {
    id: Id('The account.'),
    name: Type.String({ description: 'For people.' }),
    default_country: country('Numbers without a country code are read as numbers of this country (ISO 3166-1).'),
    ...account_limits,
    created_at: Timestamp('When it was made.'),
    updated_at: Timestamp('When it was last changed.'),
  },
  {
    $id: 'Account',
    title: 'Account',
    description: 'A tenant: everything else belongs to one.',
    examples: [
      {
        id: '019a0000-0000-7000-8000-0000000000a1',
        name: 'Loja Exemplo',
        default_country: 'BR',
        starts_per_second: 500,
        starts_burst: 1000,
        created_at: '2026-11-22T12:00:00.000Z',
        updated_at: '2026-11-22T12:00:00.000Z',
      },
    ],
  },
);
export const AccountPage = Page(Account, 'AccountPage');

export const NewAccount = Closed(
  {
    name: Line(1, 200, { description: 'For people.', examples: ['Loja Exemplo'] }),
    default_country: Type.Optional(country('Default `BR`.')),
    starts_per_second: Type.Optional(perSecond(0, 'Starts and later messages a second; 0: no limit. Default 500.')),
    starts_burst: Type.Optional(burst(burst_default)),
  },
  { $id: 'NewAccount', title: 'NewAccount', description: 'An account to make.', examples: [{ name: 'Loja Exemplo' }] },
);
export const AccountChange = Closed(
  {
    name: Type.Optional(Line(1, 200, { description: 'For people.' })),
    default_country: Type.Optional(country('ISO 3166-1.')),
    starts_per_second: Type.Optional(account_limits.starts_per_second),
    starts_burst: Type.Optional(account_limits.starts_burst),
  },
  {
    $id: 'AccountChange',
    title: 'AccountChange',
    description: 'What is to be changed; the rest stays.',
    minProperties: 1,
    examples: [{ name: 'Loja Exemplo Matriz' }],
  },
);

const key_example = {
  id: '019a0000-0000-7000-8000-0000000000b1',
  account_id: '019a0000-0000-7000-8000-0000000000a1',
  name: 'CRM',
  scopes: ['contacts:read', 'attendances:write'],
  starts_per_second: null,
  starts_burst: null,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  created_at: '2026-11-22T12:00:00.000Z',
};

const key_members = {
  id: Id('The key, not its secret.'),
  account_id: Id('The account it speaks for.'),
  name: Type.String({ description: 'For people.' }),
  scopes: Type.Array(OneOf(scopes), { description: 'What it may do.' }),
  ...key_limits,
  expires_at: Nullable(Timestamp('From then on it is refused; null for never.')),
  revoked_at: Nullable(Timestamp('Since then it is refused.')),
  last_used_at: Nullable(Timestamp('To the minute.')),
  created_at: Timestamp('When it was made.'),
};

export const ApiKey = Closed(key_members, {
  $id: 'ApiKey',
  title: 'ApiKey',
  description: 'A key of one account, without its secret.',
  examples: [key_example],
});
export const ApiKeyPage = Page(ApiKey, 'ApiKeyPage');

export const CreatedApiKey = Closed(
  { ...key_members, key: Type.String({ description: 'The key itself. Shown here and never again.' }) },
  {
    $id: 'CreatedApiKey',
    title: 'CreatedApiKey',
    description: 'A new key with its secret, shown this once.',
    examples: [{ ...key_example, key: 'cvs_<id>_<secret>_<checksum>' }],
  },
);

export const NewApiKey = Closed(
  {
    name: Line(1, 200, { description: 'For people: who holds it.', examples: ['CRM'] }),
    scopes: Type.Optional(
      Type.Array(OneOf(scopes), {
        minItems: 1,
        maxItems: scopes.length,
        uniqueItems: true,
        description: 'Default: all.',
      }),
    ),
    expires_at: Type.Optional(Nullable(Timestamp('In the future; null for never.'))),
    starts_per_second: Type.Optional(key_limits.starts_per_second),
    starts_burst: Type.Optional(Nullable(burst(`${burst_default} Null without it: as for the account.`))),
  },
  { $id: 'NewApiKey', title: 'NewApiKey', description: 'A key to make.', examples: [{ name: 'CRM' }] },
);
export const ApiKeyChange = Closed(
  {
    name: Type.Optional(Line(1, 200, { description: 'For people.' })),
    expires_at: Type.Optional(Nullable(Timestamp('In the future; null for never.'))),
    starts_per_second: Type.Optional(key_limits.starts_per_second),
    starts_burst: Type.Optional(key_limits.starts_burst),
  },
  {
    $id: 'ApiKeyChange',
    title: 'ApiKeyChange',
    description: 'What is to be changed; the rest stays.',
    minProperties: 1,
    examples: [{ name: 'CRM (old)' }],
  },
);

export type AccountView = Static<typeof Account>;
export type ApiKeyView = Static<typeof ApiKey>;

export const account_schemas = [
  Account,
  AccountPage,
  NewAccount,
  AccountChange,
  ApiKey,
  ApiKeyPage,
  CreatedApiKey,
  NewApiKey,
  ApiKeyChange,
];
