import t from 'tap';
import type { ChannelsRow } from '../../../src/db/rows.ts';
import { credentials_binding } from '../../../src/features/channels/provider-call.ts';
import type { ClaimedMessage } from '../../../src/features/messages/claim.repository.ts';
import { readCorrelator } from '../../../src/features/messages/correlator.ts';
import { type DispatchItem, dispatchMessage } from '../../../src/features/messages/dispatch-message.ts';
import { answerJson, resetConnection, startScriptedServer, staySilent } from '../../support/scripted-server.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false, env: { CONVERSAR_SEND_TIMEOUT_MS: '2500' } });
const { ctx, db, outside, vaults } = service;
const company = await service.createCompany();
const gateway = await startScriptedServer();
t.teardown(() => gateway.close());
const vault = (await vaults.openAll(ctx, [company.account_id])).get(company.account_id);
if (!vault) throw new Error('no vault');

const channelOf = async (id: string): Promise<ChannelsRow> => {
  const row = await db<ChannelsRow>('channels').where({ id }).first();
  if (!row) throw new Error('no channel');
  return { ...row, base_url: gateway.origin };
};
const unofficial = await channelOf(company.unofficial_id);
const official = await channelOf(company.official_id);

const message: ClaimedMessage = {
  account_id: company.account_id,
  id: '019a0000-0000-7000-8000-0000000000f1',
  attendance_id: '019a0000-0000-7000-8000-0000000000e1',
  contact_id: '019a0000-0000-7000-8000-000000000001',
  channel_id: unofficial.id,
  recipient_kind: 'phone',
  recipient: '+5531988880001',
  payload: { type: 'text', text: 'Olá!' },
  attempt: 3,
  fence: 7,
};
const jid = '553188880001@s.whatsapp.net';
const exists = answerJson(200, [{ exists: true, jid, number: '5531988880001' }]);
const accepted = answerJson(201, { key: { id: '3EB0', remoteJid: jid, fromMe: true } });

/** The one that `dispatch` is at work at. */
let item: DispatchItem;

/** What came of it, and the paths that were called meanwhile. */
async function dispatch(
  over: Partial<ClaimedMessage> = {},
  channel = unofficial,
  leased_ms = 60_000,
  is_barred = false,
  isStopping = () => false,
) {
  const before = gateway.requests.length;
  item = {
    message: { ...message, ...over },
    channel,
    vault,
    lease_ends_at: performance.now() + leased_ms,
    is_barred,
  } as DispatchItem;
  const outcome = await dispatchMessage(ctx, outside, item, isStopping);
  const called = gateway.requests.slice(before);
  return { ...outcome, called, paths: called.map(({ path }) => path.replace(/\/[^/]*$/, '')) };
}

const [check, send] = ['/chat/whatsappNumbers', '/message/sendText'];

t.test('dispatchMessage', async (t) => {
  t.test('asks for the number once, and sends to the address it was given', async (t) => {
    gateway.script(exists, accepted);
    const { written, identities, paths, called, duration_ms } = await dispatch();
    t.same(paths, [check, send]);
    t.match(JSON.parse(called[1]?.body ?? ''), { number: jid, text: 'Olá!' });
    t.match(written, {
      ...{ account_id: message.account_id, message_id: message.id, fence: 7, attempt: 3, kind: 'accepted' },
      ...{ provider_message_id: '3EB0', is_held: false, error: null, recipient: { kind: 'wa_id', value: jid } },
    });
    t.same(identities[0], { kind: 'wa_id', value: jid }, 'which is learned');
    t.ok(duration_ms >= 0);
  });

  t.test('an address that the provider gave is used as it is', async (t) => {
    gateway.script(accepted);
    const { paths, called } = await dispatch({ recipient_kind: 'wa_id', recipient: jid });
    t.same(paths, [send]);
    t.match(JSON.parse(called[0]?.body ?? ''), { number: jid });
  });

  t.test('a number that is not on WhatsApp is refused, and nothing is sent', async (t) => {
    gateway.script(answerJson(200, [{ exists: false, jid, number: '5531988880001' }]));
    const { written, paths } = await dispatch();
    t.same(paths, [check]);
    t.match(written, { kind: 'refused', error: { code: 'recipient_not_on_whatsapp' } });
  });

  t.test('once the process stops nothing is begun: not the check, and not the send behind it', async (t) => {
    gateway.script(exists);
    const asked = () => gateway.requests.some(({ path }) => path.startsWith(check as string));
    gateway.requests.length = 0;
    const { written, paths } = await dispatch({}, unofficial, 60_000, false, asked);
    t.same(paths, [check]);
    t.match(written, { kind: 'given_back', recipient: { value: jid } });
    t.same((await dispatch({}, unofficial, 60_000, false, () => true)).paths, []);
  });

  t.test('a check that got no answer sent nothing: it is tried again', async (t) => {
    for (const reaction of [resetConnection, staySilent, answerJson(502, { message: 'bad gateway' })]) {
      gateway.script(reaction);
      const { written, paths } = await dispatch();
      t.same(paths, [check]);
      t.match(written, { kind: 'unavailable', run_in_ms: Number });
      t.ok((written.run_in_ms ?? 0) >= 4_000, 'the third attempt waits longer than the first');
    }
  });

  t.test('a send that got no answer is a doubt, with the address kept', async (t) => {
    for (const reaction of [resetConnection, staySilent, answerJson(502, { message: 'bad gateway' })]) {
      gateway.script(exists, reaction);
      const { written, paths } = await dispatch();
      t.same(paths, [check, send], 'it is not repeated');
      t.match(written, { kind: 'ambiguous', error: { code: 'provider_answer_lost' }, recipient: { value: jid } });
    }
  });

  t.test('nobody there: surely not sent', async (t) => {
    const { written } = await dispatch(
      { recipient_kind: 'wa_id', recipient: jid },
      { ...unofficial, base_url: 'http://127.0.0.1:9' },
    );
    t.match(written, { kind: 'unavailable', error: { code: 'provider_unreachable' } });
  });

  t.test('what the provider advises is when it is tried again', async (t) => {
    gateway.script(answerJson(429, { message: 'slow down' }, { 'retry-after': '70' }));
    const { written } = await dispatch({ recipient_kind: 'wa_id', recipient: jid });
    t.equal(written.kind, 'unavailable');
    t.ok((written.run_in_ms ?? 0) >= 70_000 && (written.run_in_ms ?? 0) <= 84_000, `${written.run_in_ms} ms`);
  });

  t.test('what may not open a chat now is refused without a call', async (t) => {
    const { written, paths } = await dispatch({}, unofficial, 60_000, true);
    t.same(paths, []);
    t.match(written, { kind: 'refused', error: { code: 'channel_restricted_for_new_chats', provider: null } });
  });

  t.test('what a call says of the channel is passed on', async (t) => {
    gateway.script(answerJson(401, { status: 401, error: 'Unauthorized', response: { message: 'Unauthorized' } }));
    const { written, channel_news } = await dispatch({ recipient_kind: 'wa_id', recipient: jid });
    t.match(written, { kind: 'refused', error: { code: 'channel_credentials_invalid' } });
    t.match(channel_news, { status: 'disconnected' });
  });

  t.test('what comes of it can be kept by a database, whatever the provider says', async (t) => {
    const lock = (words: string) =>
      answerJson(400, { response: { message: [`account has been restricted ${words}`] } });
    // The second is cut in the middle of a character.
    for (const words of ['nul \u0000 inside', '🙂'.repeat(300), 'half \ud83d']) {
      gateway.script(lock(words));
      const { written, channel_news } = await dispatch({ recipient_kind: 'wa_id', recipient: jid });
      t.equal(written.kind, 'refused');
      const kept = await db.raw('select cast(? as jsonb) as kept, cast(? as text) as detail', [
        JSON.stringify(written),
        channel_news?.detail ?? '',
      ]);
      t.match(kept.rows[0], { kept: { error: { code: 'channel_restricted_for_new_chats' } } });
      t.ok((channel_news?.detail ?? '').isWellFormed());
    }
    gateway.script(answerJson(201, { key: { id: '3EB0\u0000', remoteJid: jid } }));
    t.match(
      (await dispatch({ recipient_kind: 'wa_id', recipient: jid })).written,
      { kind: 'ambiguous' },
      'an id is no words',
    );
  });

  t.test('an official channel is asked nothing before, and gets the correlator of this attempt', async (t) => {
    gateway.script(
      answerJson(200, {
        contacts: [{ wa_id: '553188880001' }],
        messages: [{ id: 'wamid.1', message_status: 'accepted' }],
      }),
    );
    const { written, called } = await dispatch({ channel_id: official.id }, official);
    t.equal(called.length, 1);
    t.match(written, { kind: 'accepted', provider_message_id: 'wamid.1', recipient: { kind: 'phone' } });
    const { biz_opaque_callback_data } = JSON.parse(called[0]?.body ?? '');
    t.same(readCorrelator(vault, biz_opaque_callback_data), { message_id: message.id, attempt: 3 });
  });

  t.test('a lease that leaves too little is given back before a byte is sent', async (t) => {
    gateway.script(exists, accepted);
    const { written, paths } = await dispatch({}, unofficial, 1.2 * 2_500 - 1);
    t.same(paths, []);
    t.match(written, { kind: 'given_back', error: null, recipient: null });
  });

  t.test('so is one that the number check has used up; what it learned is kept', async (t) => {
    gateway.script((socket, request) => {
      item.lease_ends_at = performance.now();
      exists(socket, request);
    });
    const { written, paths, identities } = await dispatch();
    t.same(paths, [check]);
    t.match(written, { kind: 'given_back', recipient: { kind: 'wa_id', value: jid } });
    t.equal(identities.length, 1);
  });

  t.test('credentials sealed for another channel are not used', async (t) => {
    const credentials = vault.seal(Buffer.from('{}'), credentials_binding(official.id));
    await t.rejects(dispatch({}, { ...unofficial, credentials }));
  });
});
