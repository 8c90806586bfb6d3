import fc from 'fast-check';
import { demo_templates } from '../src/simulator/demo-templates.ts';
import { demo_values } from '../src/simulator/demo-values.ts';
import { evolutionInbound } from '../test/providers/evolution-inbound.fixtures.ts';
import { wahaInbound } from '../test/providers/waha-inbound.fixtures.ts';
import { whatsappCloudInbound } from '../test/providers/whatsapp-cloud-inbound.fixtures.ts';
import { wppconnectInbound } from '../test/providers/wppconnect-inbound.fixtures.ts';
import { zapiInbound } from '../test/providers/zapi-inbound.fixtures.ts';
import { bodiesOf, referTo } from './fuzz-requests.ts';
import type { Hints } from './fuzz-values.ts';

const digits = fc.integer({ min: 1_000, max: 1_999 });
/** Few numbers, in many spellings, so that they meet; and what is none. */
const phones = fc.oneof(
  fc
    .tuple(digits, fc.constantFrom('(31) 98888-', '3198888', '+55 31 98888-', '553188', '55 (31) 8888-', '031 98888 '))
    .map(([end, start]) => `${start}${end}`),
  fc.constantFrom(
    '8888-0001',
    '+1 202 555 0143',
    '0800 123 4567',
    '+55',
    '000',
    '５５３１９８８８８０００１',
    '+55 31 98888-0001 ramal 2',
    '55 99999-8888',
  ),
);
const names = demo_templates.map(({ name }) => name);
const media = { link: 'https://loja-aurora.example/pedido.jpg' };
const slots = [
  'body.1',
  'body.2',
  'body.3',
  'header.1',
  'header.image',
  'header.document',
  'buttons.1.url',
  'body.nome',
  'body.pedido',
];
const slot_values = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<unknown>('Ana', '8841', 'x y', '') },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      media,
      { media_id: '1' },
      { ...media, filename: 'a.pdf' },
      { link: 'http://127.0.0.1/' },
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);
const moments = fc.constantFrom(
  '2020-01-01T00:00:00Z',
  '2099-01-01T00:00:00.000Z',
  '2026-11-26T00:00:00-03:00',
  '2026-02-29T12:00:00Z',
);

const kinds = [
  'contact',
  'channel',
  'team',
  'template',
  'attendance',
  'message',
  'account',
  'api_key',
  'endpoint',
  'delivery',
  'event',
];

const known: Record<string, fc.Arbitrary<unknown>> = {
  phone: phones,
  search: fc.constantFrom('ana', 'AN', '98888', 'boas', 'ç', '%', '_', '\\', '  ', '(31) 9'),
  cursor: referTo('cursor'),
  after: fc.oneof(referTo('cursor'), referTo('event')),
  base_url: fc.constantFrom(
    // Only Graph's templates are listed, and another server's answer to that would be a provider that is away.
    '@@graph:0@@',
    '@@graph:0@@/',
    'http://169.254.169.254/',
    'https://[::ffff:a9fe:a9fe]/',
    'nothing',
  ),
  url: fc.constantFrom(
    '@@graph:0@@',
    'https://crm.example:1/',
    'http://10.0.0.1/',
    'file:///etc/passwd',
    'https://a:b@crm.example/',
  ),
  credentials: fc.constantFrom<unknown>(...Object.values(demo_values)),
  language: fc.constantFrom('pt_BR', 'en_US'),
  parameters: fc.dictionary(fc.constantFrom(...slots), slot_values, { maxKeys: 4, noNullPrototype: true }),
  expires_at: moments,
  since: moments,
  created_after: moments,
  created_before: moments,
  'Idempotency-Key': fc.oneof(
    fc.nat(200).map((nth) => `key-${nth}`),
    fc.uuid(),
    fc.constantFrom('"quoted"', '"', '""', '"a"b"'),
  ),
  Prefer: fc.constantFrom(
    'wait=0',
    'wait=1',
    'wait="1"',
    'respond-async, wait=1',
    'wait=-1',
    'wait=x',
    'return=minimal',
  ),
  'Last-Event-ID': referTo('event'),
  token: referTo('verify_token'),
};

const kindOf = (name: string) => name.replace(/^default_/, '').replace(/_ids?$/, '');

export const hints: Hints = (name, parent) => {
  const kind = name === 'id' ? parent : /_ids?$/.test(name) ? kindOf(name) : '';
  if (kinds.includes(kind)) return referTo(kind);
  if (name === 'name' && parent === 'template') return fc.constantFrom(...names);
  return Object.hasOwn(known, name) ? known[name] : undefined;
};

const { graph, evolution, waha, zapi, wppconnect } = demo_values;
const callers = [
  whatsappCloudInbound(graph.app_secret),
  evolutionInbound(evolution.api_key, evolution.instance),
  wahaInbound(waha.session),
  zapiInbound(zapi.instance_id),
  wppconnectInbound(wppconnect.session),
];

/** The bodies that every provider is tested with, the people and ids of which meet again and again, and things beside them. */
export const calls = bodiesOf(
  fc.constantFrom(
    ...callers.flatMap(({ text, statuses, echo, others }) =>
      [text, ...Object.values(statuses), echo, ...others].map(({ body }) => body),
    ),
  ),
);
