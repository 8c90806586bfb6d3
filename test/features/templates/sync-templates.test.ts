import t from 'tap';
import { v7 as uuid } from 'uuid';
import { lockChannel } from '../../../src/features/channels/channels.repository.ts';
import type { ChannelView } from '../../../src/features/channels/channels.schema.ts';
import type { TemplateView } from '../../../src/features/templates/templates.schema.ts';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { untilServed } from '../../support/service.ts';
import {
  graphTemplate,
  listNames,
  startGraph,
  startTemplates,
  sync,
  type TemplatePageView,
} from '../../support/template-server.ts';

const { ctx, createClient, addChannel, simulator } = await startTemplates(t);

t.test('POST /v1/channels/{channel_id}/templates/sync', async (t) => {
  t.test('reads all pages, says what it did, and marks the channel; a second one changes nothing', async (t) => {
    const client = await createClient();
    const channel = await addChannel(client);
    const first = await sync(client, channel);
    t.equal(first.status, 200);
    t.match(first.body, { created: 27, updated: 0, removed: 0, unchanged: 0 });
    const shown = (await client.get<ChannelView>(`/v1/channels/${channel.id}`)).body;
    t.equal(shown.templates_synced_at, first.body.synced_at);

    const rows = () =>
      ctx.db('templates').where({ channel_id: channel.id }).orderBy('id').select('*', ctx.db.raw('xmin'));
    const before = await rows();
    const second = await sync(client, channel);
    t.match(second.body, { created: 0, updated: 0, removed: 0, unchanged: 27 });
    t.ok(second.body.synced_at > first.body.synced_at);
    t.same(await rows(), before, 'no row was written again');
  });

  t.test(
    'counts what is new, different, gone and as before; gone ones stay readable as deleted and may come back',
    async (t) => {
      const client = await createClient();
      const graph = await startGraph(t, [
        graphTemplate('a'),
        graphTemplate('b'),
        graphTemplate('c'),
        graphTemplate('d'),
        graphTemplate('e'),
      ]);
      const channel = await addChannel(client, { base_url: graph.url });
      t.match((await sync(client, channel)).body, { created: 5 });
      const [gone] = (await client.get<TemplatePageView>('/v1/templates?search=d')).body.data;

      const text = [{ type: 'BODY', text: 'Oi {{1}}' }];
      graph.templates = [
        graphTemplate('a'),
        graphTemplate('b', { status: 'PAUSED' }),
        graphTemplate('c', { components: text }),
        graphTemplate('f'),
      ];
      t.match((await sync(client, channel)).body, { created: 1, updated: 2, removed: 2, unchanged: 1 });
      t.same(await listNames(client), ['f', 'c', 'a']);
      t.same(await listNames(client, '&status=paused'), ['b']);
      t.same(await listNames(client, '&status=deleted'), ['e', 'd']);
      t.match((await client.get<TemplateView>(`/v1/templates/${gone?.id}`)).body, { name: 'd', status: 'deleted' });

      t.match(
        (await sync(client, channel)).body,
        { created: 0, updated: 0, removed: 0, unchanged: 4 },
        'removed is counted once',
      );
      graph.templates = [...graph.templates, graphTemplate('d')];
      t.match((await sync(client, channel)).body, { created: 0, updated: 1, removed: 0, unchanged: 4 });
      t.match(
        (await client.get<TemplateView>(`/v1/templates/${gone?.id}`)).body,
        { status: 'approved' },
        'with the id it had',
      );
    },
  );

  t.test('the order of members in components is no change', async (t) => {
    const client = await createClient();
    const graph = await startGraph(t, [graphTemplate('a', { components: [{ type: 'BODY', text: 'Oi' }] })]);
    const channel = await addChannel(client, { base_url: graph.url });
    await sync(client, channel);
    graph.templates = [graphTemplate('a', { components: [{ text: 'Oi', type: 'BODY' }] })];
    t.match((await sync(client, channel)).body, { updated: 0, unchanged: 1 });
  });

  t.test('600 templates take six statements', async (t) => {
    const client = await createClient();
    const graph = await startGraph(
      t,
      Array.from({ length: 600 }, (_, n) => graphTemplate(`t_${n}`)),
    );
    const channel = await addChannel(client, { base_url: graph.url });
    const statements: string[] = [];
    const listener = ({ sql }: { sql: string }) => void statements.push(sql);
    ctx.db.on('query', listener);
    const { body } = await sync(client, channel);
    ctx.db.removeListener('query', listener);
    t.match(body, { created: 600 });
    const of_sync = statements.filter((sql) => !sql.includes('api_keys'));
    t.equal(of_sync.length, 6, 'find, begin, lock, write, mark, commit');
  });

  t.test('of two names that are the same the approved one is kept, and what no column holds is left out', async (t) => {
    const client = await createClient();
    const graph = await startGraph(t, [
      graphTemplate('a', { id: '1', status: 'DELETED' }),
      graphTemplate('a', { id: '2' }),
      graphTemplate('a', { id: '3', status: 'PENDING' }),
      graphTemplate('b', { id: '4', language: 'en' }),
      graphTemplate('b'),
      graphTemplate('long', { language: 'x'.repeat(21) }),
      graphTemplate('nul', { components: [{ type: 'BODY', text: 'A\u0000B \ud800 \\u0000' }] }),
    ]);
    const channel = await addChannel(client, { base_url: graph.url });
    t.match((await sync(client, channel)).body, { created: 4, unchanged: 0 });
    const { data } = (await client.get<TemplatePageView>('/v1/templates')).body;
    t.same(
      data.map(({ name, language, provider_template_id }) => [name, language, provider_template_id]),
      [
        ['nul', 'pt_BR', 'id-nul'],
        ['b', 'pt_BR', 'id-b'],
        ['b', 'en', '4'],
        ['a', 'pt_BR', '2'],
      ],
    );
    t.equal(data[0]?.components[0]?.text, 'A\ufffdB \ufffd \\u0000');
    t.match((await sync(client, channel)).body, { created: 0, updated: 0, unchanged: 4 });
  });

  t.test('eight at once: every template is created once, and nobody fails', async (t) => {
    const client = await createClient();
    const channel = await addChannel(client);
    const replies = await Promise.all(Array.from({ length: 8 }, () => untilServed(() => sync(client, channel))));
    t.same(
      replies.map(({ status }) => status),
      Array.from({ length: 8 }, () => 200),
    );
    t.equal(
      replies.reduce((sum, { body }) => sum + body.created, 0),
      27,
    );
    t.equal((await listNames(client)).length, 24);
  });

  t.test('a listing that was asked for earlier does not overwrite a later one', async (t) => {
    const client = await createClient();
    const graph = await startGraph(t, [graphTemplate('old')]);
    const channel = await addChannel(client, { base_url: graph.url });
    let answerFirst = () => {};
    const released = new Promise<void>((resolve) => {
      answerFirst = resolve;
    });
    const arrived = new Promise<void>((resolve) => {
      graph.beforeAnswer = async (n) => {
        if (n === 1) {
          resolve();
          await released;
        }
        return 200;
      };
    });
    const slow = sync(client, channel);
    await arrived;
    graph.templates = [graphTemplate('new')];
    const fast = await sync(client, channel);
    answerFirst();
    t.match((await slow).body, { created: 0, updated: 0, removed: 0, unchanged: 1, synced_at: fast.body.synced_at });
    t.same(await listNames(client), ['new']);
  });

  t.test('news that come while a listing is read are newer than it: they stay, and it is read again', async (t) => {
    const client = await createClient();
    const graph = await startGraph(t, [graphTemplate('a'), graphTemplate('b')]);
    const channel = await addChannel(client, { base_url: graph.url });
    await sync(client, channel);
    graph.beforeAnswer = async () => {
      await ctx
        .db('templates')
        .where({ channel_id: channel.id })
        .update({ status: 'paused', synced_at: new Date(Date.now() + 60_000) });
      return 200;
    };
    graph.templates = [graphTemplate('a', { category: 'UTILITY' })];
    t.match((await sync(client, channel)).body, { created: 0, updated: 0, removed: 0 });
    const rows = await ctx.db('templates').where({ channel_id: channel.id }).select('status');
    t.same(
      rows.map(({ status }) => status),
      ['paused', 'paused'],
    );
    t.ok((await ctx.db('channels').where({ id: channel.id }).first('sync_due_at'))?.sync_due_at);
  });

  t.test('what a sync changes of known ones is told, and what it finds for the first time is not', async (t) => {
    const client = await createClient();
    const graph = await startGraph(t, [graphTemplate('a'), graphTemplate('b'), graphTemplate('c')]);
    const channel = await addChannel(client, { base_url: graph.url });
    const told = async () =>
      (
        await ctx.db('events').where({ account_id: client.account_id, type: 'template.status_changed' }).orderBy('id')
      ).map(({ data }) => [data.name, data.status]);
    await sync(client, channel);
    t.same(await told(), []);
    graph.templates = [
      graphTemplate('a', { status: 'PAUSED' }),
      graphTemplate('b', { components: [{ type: 'BODY', text: 'Oi {{1}}' }] }),
      graphTemplate('d'),
    ];
    await sync(client, channel);
    t.same((await told()).toSorted(), [
      ['a', 'paused'],
      ['c', 'deleted'],
    ]);
    await sync(client, channel);
    t.equal((await told()).length, 2);
  });

  t.test('while an attendance could be written over the channel: the lock lets it through', async (t) => {
    const client = await createClient();
    const channel = await addChannel(client);
    await ctx.db.transaction(async (db) => {
      await lockChannel({ db, account_id: client.account_id }, channel.id);
      await ctx.db.raw('select 1 from channels where id = ? for key share nowait', [channel.id]);
      await t.rejects(ctx.db.raw('select 1 from channels where id = ? for no key update nowait', [channel.id]));
    });
  });

  t.test(
    'with credentials that the provider refuses: 422 provider_refused with its words, and nothing is changed',
    async (t) => {
      const client = await createClient();
      const channel = await addChannel(client, { access_token: 'another-token' });
      const reply = await client.post(`/v1/channels/${channel.id}/templates/sync`);
      t.match(reply, {
        status: 422,
        body: {
          code: 'provider_refused',
          retryable: false,
          errors: [{ pointer: ':channel_id', code: 'channel_credentials_invalid' }],
          provider: { name: 'whatsapp_cloud', code: '190' },
        },
      });
      t.equal((await client.get<ChannelView>(`/v1/channels/${channel.id}`)).body.templates_synced_at, null);
    },
  );

  t.test(
    'with a provider that cannot be reached: 503 provider_unavailable with Retry-After, and nothing is changed',
    async (t) => {
      const client = await createClient();
      const graph = await startGraph(t, [graphTemplate('a')]);
      const channel = await addChannel(client, { base_url: graph.url });
      await sync(client, channel);
      const dead = await startGraph(t, []);
      dead.beforeAnswer = () => new Promise(() => {});
      await ctx.db('channels').where({ id: channel.id }).update({ base_url: 'http://127.0.0.1:1' });
      const reply = await client.post(`/v1/channels/${channel.id}/templates/sync`);
      t.match(reply, {
        status: 503,
        headers: { 'retry-after': '5' },
        body: { code: 'provider_unavailable', retryable: true, provider: { name: 'whatsapp_cloud' } },
      });
      t.same(await listNames(client), ['a']);
    },
  );

  t.test('when a later page fails: 503, and not one template of the page before is kept', async (t) => {
    const client = await createClient();
    const templates = Array.from({ length: 300 }, (_, n) => graphTemplate(`t_${n}`));
    const graph = await startGraph(t, templates);
    graph.beforeAnswer = async (n) => (n === 2 ? 502 : 200);
    const channel = await addChannel(client, { base_url: graph.url });
    t.match(await client.post(`/v1/channels/${channel.id}/templates/sync`), {
      status: 503,
      body: { code: 'provider_unavailable', errors: [{ code: 'template_listing_unusable' }] },
    });
    t.same(await listNames(client), []);
  });

  t.test('on a channel of a provider without templates: 422 templates_not_supported', async (t) => {
    const client = await createClient();
    const { body: channel } = await client.post<ChannelView>('/v1/channels', {
      name: 'Suporte',
      provider: 'evolution',
      base_url: `${simulator.url}/evolution`,
      credentials: demo_values.evolution,
    });
    const reply = await client.post(`/v1/channels/${channel.id}/templates/sync`);
    t.match(reply, { status: 422, body: { code: 'templates_not_supported', errors: [{ pointer: ':channel_id' }] } });
  });

  t.test("of a channel that is missing or another account's: 404 channel_not_found", async (t) => {
    const [client, other] = [await createClient(), await createClient()];
    const channel = await addChannel(other);
    for (const id of [uuid(), channel.id]) {
      const reply = await client.post(`/v1/channels/${id}/templates/sync`);
      t.match(reply, { status: 404, body: { code: 'channel_not_found', errors: [{ pointer: ':channel_id' }] } });
    }
    t.same(await listNames(other), []);
  });

  t.test('takes no body or {}, and refuses a field', async (t) => {
    const client = await createClient();
    const channel = await addChannel(client);
    t.equal((await client.post(`/v1/channels/${channel.id}/templates/sync`, {})).status, 200);
    const reply = await client.post(`/v1/channels/${channel.id}/templates/sync`, { all: true });
    t.match(reply, { status: 400, body: { errors: [{ pointer: '/all', code: 'unknown_field' }] } });
  });

  t.test('with a key that may only read: 403 scope_missing', async (t) => {
    const client = await createClient({ scopes: ['templates:read'] });
    t.match(await client.post(`/v1/channels/${uuid()}/templates/sync`), {
      status: 403,
      body: { code: 'scope_missing' },
    });
  });
});
