import type { TemplateListing } from '../../src/providers/provider.ts';
import type { Case } from '../support/provider-fixtures.ts';
import { answer, answerJson, type Reaction } from '../support/scripted-server.ts';

function fault(status: number, code: number): Reaction {
  return answerJson(status, { error: { message: `(#${code}) Scripted`, code, fbtrace_id: 'AbCdEf123' } });
}

const template = (id: string, more: Record<string, unknown> = {}) => ({
  id,
  name: `pedido_${id}`,
  language: 'pt_BR',
  status: 'APPROVED',
  category: 'UTILITY',
  parameter_format: 'NAMED',
  components: [{ type: 'BODY', text: 'Olá {{nome}}' }],
  ...more,
});
const page = (data: unknown[], after?: string, filler?: string) => {
  const paging = after ? { cursors: { after }, next: 'https://elsewhere.example/next' } : { cursors: {} };
  return answer(200, JSON.stringify({ data, filler, paging }).replace('"@deep"', nested_text));
};

const six_mb = 'x'.repeat(6_000_000);
/** Components that take as many bytes as JSON. */
const sized = (bytes: number) => [{ type: 'BODY', text: 'x'.repeat(bytes - '[{"type":"BODY","text":""}]'.length) }];
/** JSON of any depth can be read; none of this one written, so `page` puts a text in its place. */
const nested = { type: 'BODY', deep: '@deep' };
const nested_text = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;

/** Pages of Graph's `message_templates`, one answer each. */
export const template_listings: Case<TemplateListing>[] = [
  {
    title: 'all pages by cursor, spelling normalised, unknown values kept as unknown',
    answers: [
      page(
        [
          template('1', {
            language: 'pt-BR',
            status: 'approved',
            category: 'marketing',
          }),
          { name: 'without id' },
        ],
        'QVFI',
      ),
      page([
        template('2', {
          status: 'LOCKED',
          category: 'FREE_SERVICE',
          parameter_format: undefined,
          quality_score: { score: 'RED' },
        }),
        template('1'),
      ]),
    ],
    expected: {
      kind: 'listed',
      templates: [
        {
          provider_template_id: '1',
          name: 'pedido_1',
          language: 'pt_BR',
          status: 'approved',
          quality: 'unknown',
          parameter_format: 'named',
        },
        {
          provider_template_id: '2',
          category: 'unknown',
          status: 'unknown',
          quality: 'red',
          parameter_format: 'positional',
        },
      ],
    },
  },
  {
    title: 'a stale cursor: once more from the start',
    answers: [page([template('1')], 'QVFI'), fault(400, 131059), page([template('3')])],
    expected: { kind: 'listed', templates: [{ provider_template_id: '3' }] },
  },
  {
    title: 'a cursor that goes stale twice',
    answers: [page([], 'QVFI'), fault(400, 131059), page([], 'QVFI'), fault(400, 131059)],
    expected: { kind: 'unavailable', error: { code: 'template_listing_unusable', provider: { code: '131059' } } },
  },
  {
    title: 'a cursor that turns in a circle, rather than for ever',
    answers: [page([template('1')], 'QVFI')],
    expected: { kind: 'unavailable', error: { code: 'template_listing_unusable', provider: { message: /circle/ } } },
  },
  {
    title: 'a second page that fails: no part of a list',
    answers: [page([template('1')], 'QVFI'), fault(500, 131000)],
    expected: { kind: 'unavailable', error: { code: 'provider_unavailable' } },
  },
  {
    title: 'pages that come to more than 16 MiB: no part of a list',
    answers: [page([template('1')], 'QVFI', six_mb), page([], 'QVFJ', six_mb), page([], undefined, six_mb)],
    expected: { kind: 'unavailable', error: { code: 'template_listing_unusable', provider: { message: /16777216/ } } },
  },
  {
    title: 'a template of more than 64 KiB, or nested without end, is left out, and the others are not',
    answers: [
      page([
        template('1', { components: sized(65_536) }),
        template('2', { components: sized(65_537) }),
        template('3', { components: [nested] }),
        template('4'),
      ]),
    ],
    expected: { kind: 'listed', templates: [{ provider_template_id: '1' }, { provider_template_id: '4' }] },
  },
  {
    title: 'expired token',
    answers: [fault(401, 190)],
    expected: { kind: 'unavailable', channel: { status: 'disconnected' } },
  },
];
