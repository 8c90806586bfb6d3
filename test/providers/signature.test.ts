import { createHmac } from 'node:crypto';
import t from 'tap';
import { registry } from '../../src/providers/registry.ts';

const { isSigned, answerHandshake, identityScope, parse } = registry.whatsapp_cloud.inbound;
if (!isSigned || !answerHandshake || !identityScope) throw new Error('Cloud API signs and shakes hands');

const app_secret = 'test-app-secret';
const credentials = { app_secret };
/** As Meta sends it: accents as \u escapes, slashes escaped. */
const raw = Buffer.from(
  String.raw`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"5531988887777","phone_number_id":"2"},"contacts":[{"profile":{"name":"Jos\u00e9"},"wa_id":"553177776666","user_id":"BR.1A2B3C"}],"messages":[{"from":"553177776666","from_user_id":"BR.1A2B3C","id":"wamid.T1","timestamp":"1790000000","type":"text","text":{"body":"ol\u00e1 https:\/\/a.b\/c"}}]}}]}]}`,
);
const right = 'f367f3d2ece8449852606bad15182439e3865aaa43709a7fe41f6ca3826e1531';
const reserialised = 'c6ca1b4fbbd48edd81434af3ae4bb944be5dbe42385e130954baeee4af518f3f';
const withSignature = (signature: string | string[] | undefined) => ({
  raw,
  headers: { 'x-hub-signature-256': signature },
});

t.test('isSigned › the test vector of the reference', async (t) => {
  t.equal(raw.length, 461);
  t.equal(isSigned(withSignature(`sha256=${right}`), credentials), true);
  t.equal(isSigned(withSignature(`sha256=${reserialised}`), credentials), false, 'of the bytes, not of the JSON');
  const again = Buffer.from(JSON.stringify(JSON.parse(raw.toString())));
  t.equal(createHmac('sha256', app_secret).update(again).digest('hex'), reserialised, 'so accents would be refused');
  const [event] = parse(JSON.parse(raw.toString()), { phone_number_id: '2', waba_id: '1' });
  t.match(event, { kind: 'message', text: 'olá https://a.b/c', from: { profile_name: 'José' } });
});

t.test('isSigned › only `sha256=` and 64 small hex digits, once', async (t) => {
  for (const header of [
    undefined,
    '',
    right,
    `sha1=${right}`,
    `sha256=${right.toUpperCase()}`,
    `sha256=${right} `,
    `sha256=${right}\n`,
    `sha256=${right}00`,
    `sha256=${right.slice(1)}`,
    [`sha256=${right}`],
  ])
    t.equal(isSigned(withSignature(header), credentials), false, JSON.stringify(header));
});

t.test('isSigned › both secrets are good while they are changed, none without a secret', async (t) => {
  const signed = withSignature(`sha256=${right}`);
  t.equal(isSigned(signed, { app_secret: 'the-new-one', previous_app_secret: app_secret }), true, 'the old one');
  t.equal(isSigned(signed, { app_secret, previous_app_secret: 'the-old-one' }), true, 'the new one');
  t.equal(isSigned(signed, { app_secret: 'the-new-one', previous_app_secret: 'the-old-one' }), false, 'neither');
  const keyless = createHmac('sha256', '').update(raw).digest('hex');
  t.equal(isSigned(withSignature(`sha256=${keyless}`), { app_secret: '', previous_app_secret: '' }), false);
  t.equal(isSigned(signed, {}), false, 'never null: no token stands in for a signature');
});

t.test('answerHandshake', async (t) => {
  const query = { 'hub.mode': 'subscribe', 'hub.verify_token': 'fake-verify-token', 'hub.challenge': '1158201444' };
  t.equal(answerHandshake(query, 'fake-verify-token'), '1158201444', 'the challenge as it came');
  t.equal(answerHandshake(query, 'fake-verify-tokem'), null, 'another token');
  t.equal(answerHandshake(query, 'fake-verify-token-and-more'), null, 'a longer token');
  t.equal(answerHandshake({ ...query, 'hub.verify_token': '' }, ''), null, 'no token is no match');
  for (const name of Object.keys(query)) {
    t.equal(answerHandshake({ ...query, [name]: undefined }, 'fake-verify-token'), null, `without ${name}`);
    t.equal(answerHandshake({ ...query, [name]: ['a', 'b'] }, 'fake-verify-token'), null, `${name} twice`);
  }
  t.equal(answerHandshake({ ...query, 'hub.mode': 'unsubscribe' }, 'fake-verify-token'), null);
  for (const challenge of ['a b', '<b>\n', 'é', 'x'.repeat(257)])
    t.equal(
      answerHandshake({ ...query, 'hub.challenge': challenge }, 'fake-verify-token'),
      null,
      challenge.slice(0, 9),
    );
});

t.test('identityScope › user ids are unique in the portfolio, of which the account is what is known', async (t) => {
  t.equal(identityScope({ waba_id: '209900000000002' }), 'portfolio:209900000000002');
  t.equal(registry.evolution.inbound.identityScope, undefined, 'LIDs are kept per channel');
});
