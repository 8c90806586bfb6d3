import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { OutboundMessage, ProviderCall } from '../../src/providers/provider.ts';
import { registry } from '../../src/providers/registry.ts';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { correlators } from '../support/gateway-cases.ts';
import { simulate } from './simulated.ts';

type Gateway = 'waha' | 'zapi' | 'wppconnect';

const senders = { waha: 'session', zapi: 'instance_id', wppconnect: 'session' } as const;
const to = (digits: string): OutboundMessage => ({
  to: { kind: 'phone', value: `+553198888${digits}` },
  content: { type: 'text', text: 'Olá' },
  correlator: `cv1.${Buffer.alloc(16, digits).toString('base64url')}.1.0123456789abcdef`,
});

/** The adapter in front of the simulator: each proves the other. */
async function adapted(t: Test, name: Gateway, sender = 'demo') {
  const simulator = await simulate(t);
  const client = createHttpClient({ allowed_private_ranges: ['127.0.0.0/8'] });
  t.teardown(client.close);
  const call: ProviderCall = {
    http: client.request,
    base_url: `${simulator.url}/${name}`,
    credentials: { ...demo_values[name], [senders[name]]: sender },
    graph_version: 'v25.0',
    timeout_ms: 20_000,
    signal: AbortSignal.timeout(100_000),
  };
  return { ...simulator, provider: registry[name], call };
}

/** What the adapter makes of the outcome by digits; `check` for those that a check refuses. */
const outcomes: Record<Gateway, Record<string, string>> = {
  waha: {
    '0001': 'accepted',
    '0190': 'refused channel_credentials_invalid',
    '0200': 'ambiguous provider_answer_lost',
    '0404': 'ambiguous provider_answer_lost',
    '0430': 'ambiguous provider_answer_lost',
    '0463': 'refused channel_restricted_for_new_chats',
    '0498': 'ambiguous provider_answer_lost',
    '0502': 'ambiguous provider_answer_lost',
    '0503': 'unavailable provider_unavailable',
  },
  zapi: {
    '0001': 'accepted',
    '0190': 'refused channel_credentials_invalid',
    '0200': 'ambiguous provider_answer_lost',
    '0404': 'accepted',
    '0430': 'unavailable provider_rate_limited',
    '0463': 'accepted',
    '0498': 'ambiguous provider_answer_lost',
    '0502': 'ambiguous provider_answer_lost',
    '0503': 'ambiguous provider_answer_lost',
  },
  wppconnect: {
    '0001': 'accepted',
    '0190': 'refused channel_credentials_invalid',
    '0200': 'ambiguous provider_answer_lost',
    '0404': 'ambiguous provider_answer_lost',
    '0430': 'ambiguous provider_answer_lost',
    '0463': 'refused channel_restricted_for_new_chats',
    '0498': 'ambiguous provider_answer_lost',
    '0502': 'ambiguous provider_answer_lost',
    '0503': 'ambiguous provider_answer_lost',
  },
};

for (const name of Object.keys(outcomes) as Gateway[]) {
  t.test(`${name} › texts by digits, and what arrived`, async (t) => {
    const { provider, call, received } = await adapted(t, name);
    for (const [digits, expected] of Object.entries(outcomes[name])) {
      const sent = await provider.send(call, to(digits));
      t.equal('error' in sent ? `${sent.kind} ${sent.error.code}` : sent.kind, expected, digits);
    }
    const entries = await received(`?protocol=${name}`);
    t.equal(entries.length, Object.keys(outcomes[name]).length);
    t.same(
      entries.filter(({ accepted }) => accepted).map(({ to: number }) => number.replace(/@.*/, '').slice(-4)),
      ['0001', '0200', '0498', '0502'],
      'delivered in the real world',
    );
    t.match(entries[0], { channel: 'demo', wa_id: '553188880001', text: 'Olá', outcome: 'accepted' });
  });

  t.test(`${name} › the check gives the address without the ninth digit, and a text to it goes`, async (t) => {
    const { provider, call } = await adapted(t, name);
    const check = await provider.checkNumber?.(call, '+5531988880001');
    t.match(check, { kind: 'exists', address: { kind: 'wa_id', value: /^553188880001(@c\.us)?$/ } });
    t.match(await provider.checkNumber?.(call, '+5531988880404'), { kind: 'absent' });
    if (check?.kind !== 'exists') return;
    t.match(await provider.send(call, { ...to('0001'), to: check.address }), { kind: 'accepted' });
  });

  t.test(`${name} › a LID › accepted`, async (t) => {
    const { provider, call, received } = await adapted(t, name);
    const lid = { kind: 'lid' as const, value: '138400000000404@lid' };
    t.match(await provider.send(call, { ...to('0001'), to: lid }), { kind: 'accepted' });
    t.match(await received(), [{ wa_id: null, accepted: true }]);
  });

  t.test(`${name} › state of an open, a closed and a missing sender`, async (t) => {
    const open = await adapted(t, name);
    t.match(await open.provider.checkChannel(open.call), { status: 'connected' });
    const closed = await adapted(t, name, 'closed-1');
    t.match(await closed.provider.checkChannel(closed.call), { status: 'disconnected' });
    const sent = await closed.provider.send(closed.call, to('0001'));
    t.match(sent, { kind: 'unavailable', channel: { status: 'disconnected' } }, 'nothing goes out');
    t.same(await closed.received('?accepted=true'), []);
    t.match(await closed.provider.checkNumber?.(closed.call, '+5531988880001'), { kind: 'unavailable' });
    const missing = await adapted(t, name, 'missing-1');
    t.match(await missing.provider.checkChannel(missing.call), { status: 'disconnected' });
    t.match(await missing.provider.send(missing.call, to('0001')), { kind: 'refused' });
  });
}

t.test('waha › two attempts of one message › one id, delivered once', async (t) => {
  const { provider, call, received } = await adapted(t, 'waha');
  const ids = [];
  for (const correlator of correlators) {
    const sent = await provider.send(call, { ...to('0001'), correlator });
    ids.push(sent.kind === 'accepted' ? sent.provider_message_id : sent.kind);
  }
  t.match(ids, [/^3EB0[0-9A-F]{18}$/, ids[0]]);
  t.match(await received(), [
    { outcome: 'accepted', accepted: true, correlator: ids[0] },
    { outcome: 'repeated', accepted: false, correlator: ids[0] },
  ]);
});
