import { Type } from '@sinclair/typebox';
import type { Context } from '../../context.ts';
import { answerPost } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import { type App, allowSilence } from '../../http/server.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import type { KeyRing } from '../../seal.ts';
import {
  findAccount,
  findApiKey,
  listAccounts,
  listApiKeys,
  toAccount,
  toApiKey,
  updateAccount,
  updateApiKey,
} from './accounts.repository.ts';
import {
  Account,
  AccountChange,
  AccountPage,
  ApiKey,
  ApiKeyChange,
  ApiKeyPage,
  account_schemas,
  CreatedApiKey,
  NewAccount,
  NewApiKey,
} from './accounts.schema.ts';
import { checkCountry, country_unknown, createAccount } from './create-account.ts';
import {
  account_not_found,
  api_key_not_found,
  createKeyForAccount,
  expiry_in_the_past,
  readExpiry,
  revokeApiKey,
} from './create-api-key.ts';
import { deleteAccount, deletion_unfinished } from './delete-account.ts';

const tags = ['Admin'];
const AccountPath = Closed({ account_id: Id('The account.') });
const KeyPath = Closed({ account_id: Id('The account.'), api_key_id: Id('The key.') });
const PageQuery = Closed(page_query);

/** `/admin/v1`: accounts and their keys, for the operator. */
export function adminRoutes(app: App, ctx: Context, key_ring: KeyRing): void {
  for (const schema of account_schemas) app.addSchema(schema);
  accountRoutes(app, ctx, key_ring);
  apiKeyRoutes(app, ctx);
}

function accountRoutes(app: App, ctx: Context, key_ring: KeyRing): void {
  const mustFind = <T>(row: T | undefined, account_id: string): T => {
    if (!row) throw account_not_found({ pointer: ':account_id', params: { account_id } });
    return row;
  };
  app.post(
    '/admin/v1/accounts',
    {
      config: { problems: [country_unknown], idempotent: true },
      schema: {
        operationId: 'createAccount',
        tags,
        summary: 'Make an account',
        body: Type.Ref(NewAccount),
        response: { 201: Type.Ref(Account) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const body = await createAccount(scope, key_ring, request.body);
        return { status: 201, location: `/admin/v1/accounts/${body.id}`, body };
      }),
  );

  app.get(
    '/admin/v1/accounts',
    {
      config: { problems: [cursor_invalid] },
      schema: {
        operationId: 'listAccounts',
        tags,
        summary: 'List accounts',
        querystring: PageQuery,
        response: { 200: Type.Ref(AccountPage) },
      },
    },
    async (request) => {
      const page = readPage(request.query);
      return toPage(await listAccounts(ctx, page), page.limit, toAccount);
    },
  );

  app.get(
    '/admin/v1/accounts/:account_id',
    {
      config: { problems: [account_not_found] },
      schema: {
        operationId: 'getAccount',
        tags,
        summary: 'Read an account',
        params: AccountPath,
        response: { 200: Type.Ref(Account) },
      },
    },
    async ({ params: { account_id } }) => toAccount(mustFind(await findAccount(ctx, account_id), account_id)),
  );

  app.patch(
    '/admin/v1/accounts/:account_id',
    {
      config: { problems: [account_not_found, country_unknown] },
      schema: {
        operationId: 'updateAccount',
        tags,
        summary: 'Change an account',
        params: AccountPath,
        body: Type.Ref(AccountChange),
        response: { 200: Type.Ref(Account) },
      },
    },
    async ({ params: { account_id }, body }) => {
      if (body.default_country !== undefined) checkCountry(body.default_country);
      return toAccount(mustFind(await updateAccount(ctx, account_id, { ...body, updated_at: ctx.now() }), account_id));
    },
  );

  app.delete(
    '/admin/v1/accounts/:account_id',
    {
      config: { problems: [account_not_found, deletion_unfinished] },
      schema: {
        operationId: 'deleteAccount',
        tags,
        summary: 'Delete an account',
        description:
          'Deletes the account and everything in it, for good. Its keys end at once; the answer comes when all is gone, which takes minutes where millions of rows are. Who lost the connection sends it again.',
        params: AccountPath,
        response: { 204: Type.Null({ description: 'Gone.' }) },
      },
    },
    async (request, reply) => {
      allowSilence(request);
      const { account_id } = request.params;
      mustFind((await deleteAccount(ctx, account_id)) || undefined, account_id);
      return reply.code(204).send(null);
    },
  );
}

function apiKeyRoutes(app: App, ctx: Context): void {
  const base = '/admin/v1/accounts/:account_id/api-keys';
  const mustFind = <T>(row: T | undefined, api_key_id: string): T => {
    if (!row) throw api_key_not_found({ pointer: ':api_key_id', params: { api_key_id } });
    return row;
  };
  app.post(
    base,
    {
      config: { problems: [account_not_found, expiry_in_the_past], idempotent: true, shows_secret: true },
      schema: {
        operationId: 'createApiKey',
        tags,
        summary: 'Make an API key',
        description: 'The answer is the only time `key` is shown.',
        params: AccountPath,
        body: Type.Ref(NewApiKey),
        response: { 201: Type.Ref(CreatedApiKey) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const body = await createKeyForAccount(scope, request.params.account_id, request.body);
        return { status: 201, location: `/admin/v1/accounts/${body.account_id}/api-keys/${body.id}`, body };
      }),
  );

  app.get(
    base,
    {
      config: { problems: [account_not_found, cursor_invalid] },
      schema: {
        operationId: 'listApiKeys',
        tags,
        summary: "List an account's API keys",
        params: AccountPath,
        querystring: PageQuery,
        response: { 200: Type.Ref(ApiKeyPage) },
      },
    },
    async ({ params: { account_id }, query }) => {
      const page = readPage(query);
      if (!(await findAccount(ctx, account_id)))
        throw account_not_found({ pointer: ':account_id', params: { account_id } });
      return toPage(await listApiKeys(ctx, account_id, page), page.limit, toApiKey);
    },
  );

  app.get(
    `${base}/:api_key_id`,
    {
      config: { problems: [api_key_not_found] },
      schema: {
        operationId: 'getApiKey',
        tags,
        summary: 'Read an API key',
        params: KeyPath,
        response: { 200: Type.Ref(ApiKey) },
      },
    },
    async ({ params: { account_id, api_key_id } }) =>
      toApiKey(mustFind(await findApiKey(ctx, account_id, api_key_id), api_key_id)),
  );

  app.patch(
    `${base}/:api_key_id`,
    {
      config: { problems: [api_key_not_found, expiry_in_the_past] },
      schema: {
        operationId: 'updateApiKey',
        tags,
        summary: 'Change an API key',
        params: KeyPath,
        body: Type.Ref(ApiKeyChange),
        response: { 200: Type.Ref(ApiKey) },
      },
    },
    async ({ params: { account_id, api_key_id }, body }) => {
      const { expires_at, ...rest } = body;
      const change = expires_at === undefined ? rest : { ...rest, expires_at: readExpiry(ctx, expires_at) };
      return toApiKey(mustFind(await updateApiKey(ctx, account_id, api_key_id, change), api_key_id));
    },
  );

  app.delete(
    `${base}/:api_key_id`,
    {
      config: { problems: [api_key_not_found] },
      schema: {
        operationId: 'revokeApiKey',
        tags,
        summary: 'Revoke an API key',
        description: 'It is refused from now on and stays listed.',
        params: KeyPath,
        response: { 200: Type.Ref(ApiKey) },
      },
    },
    async ({ params: { account_id, api_key_id } }) => revokeApiKey(ctx, account_id, api_key_id),
  );
}
