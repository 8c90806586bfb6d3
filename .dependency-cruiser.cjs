/** Who may import whom. test/architecture.test.ts plants one violation of each rule and sees it caught. */
const composition = '^src/(main|app|lane-list|ground|demo|demo-text|command-line|failpoints|log)\\.ts$';
const packages = (names) => `(^|/)node_modules/(${names})(/|$)`;

/** `from` may reach, inside src/, only what `allowed` says. */
const only = (name, comment, from, allowed) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^src/', pathNot: allowed },
});

module.exports = {
  forbidden: [
    only(
      'leaves-import-nothing',
      'problem, context, schema and random stand below everything; languages are named in problem.',
      '^src/(problem|context|schema|random)\\.ts$',
      ['^src/problem\\.ts$'],
    ),
    only('seal-knows-contexts-only', 'seal makes the vaults that contexts carry.', '^src/seal\\.ts$', [
      '^src/(context|random)\\.ts$',
    ]),
    only(
      'config-knows-seals-only',
      'config names master keys and nothing else of ours.',
      '^src/(config|setting)\\.ts$',
      ['^src/(seal|setting)\\.ts$'],
    ),
    only('db-is-below-features', 'db serves any feature.', '^src/db/', ['^src/db/', '^src/context\\.ts$']),
    only('lanes-are-below-features', 'lanes serve any feature.', '^src/lanes/', [
      '^src/(lanes|db)/',
      '^src/context\\.ts$',
    ]),
    only('http-is-below-features', 'http is no feature and knows none.', '^src/http/', [
      '^src/(http|db)/',
      '^src/(context|problem|schema|random|config)\\.ts$',
    ]),
    only('outbound-stands-alone', 'outbound dials, for whom it does not know.', '^src/outbound/', ['^src/outbound/']),
    only(
      'providers-are-below-features',
      'The contract and the registry serve any feature.',
      '^src/providers/[^/]+\\.ts$',
      ['^src/providers/', '^src/outbound/(outbound|retry-after)\\.ts$', '^src/problem\\.ts$'],
    ),
    {
      name: 'a-provider-knows-its-contract-only',
      severity: 'error',
      comment:
        'A provider is one folder over the contract: another one, the registry or a feature is none of its business.',
      from: { path: '^src/providers/([^/]+)/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/providers/$1/',
          '^src/providers/(provider|provider-errors|inbound|whatsapp-web|wire)\\.ts$',
          '^src/outbound/outbound\\.ts$',
        ],
      },
    },
    {
      name: 'providers-through-the-registry',
      severity: 'error',
      comment: 'Nothing branches on a provider: its folder is reached through the registry alone.',
      from: { path: '^src/', pathNot: ['^src/providers/registry\\.ts$', '^src/providers/[^/]+/'] },
      to: { path: '^src/providers/[^/]+/' },
    },
    only(
      'the-simulator-stands-alone',
      'It plays the other side: sharing code would share mistakes.',
      '^src/simulator/',
      ['^src/simulator/'],
    ),
    {
      name: 'the-simulator-is-for-composition',
      severity: 'error',
      comment: 'The service does not know that the other side is played.',
      from: { path: '^src/', pathNot: ['^src/simulator/', composition] },
      to: { path: '^src/simulator/' },
    },
    {
      name: 'verbs-know-no-http',
      severity: 'error',
      comment: 'A worker and the command line call the same functions as HTTP does.',
      from: { path: '^src/features/', pathNot: '\\.routes\\.ts$' },
      to: { path: '^src/http/' },
    },
    {
      name: 'routes-are-for-app',
      severity: 'error',
      comment: 'app.ts is the list of routes.',
      from: { pathNot: '^src/app\\.ts$' },
      to: { path: '^src/features/.*\\.routes\\.ts$' },
    },
    {
      name: 'composition-is-on-top',
      severity: 'error',
      comment: 'What composes the process is imported by nothing but itself.',
      from: { path: '^src/', pathNot: composition },
      to: { path: composition },
    },
    {
      name: 'no-cycles-between-features',
      severity: 'error',
      comment: 'A feature can be read, and tested, after those it stands on. Types count.',
      scope: 'folder',
      from: { path: '^src/features/[^/]+$' },
      to: { circular: true, path: '^src/features/[^/]+$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Modules that need each other at run time are one module. Types may point back.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'fastify-stays-at-the-edge',
      severity: 'error',
      comment: 'The core does not know Fastify.',
      from: { path: '^src/', pathNot: ['^src/(http|simulator)/', '\\.routes\\.ts$', '^src/app\\.ts$'] },
      to: { path: packages('fastify|@fastify/[^/]+') },
    },
    {
      name: 'the-database-has-its-doors',
      severity: 'error',
      comment: 'SQL is in repositories, db and lanes; contexts name its types.',
      from: { path: '^src/', pathNot: ['^src/(db|lanes)/', '\\.repository\\.ts$', '^src/(context|app)\\.ts$'] },
      to: { path: packages('knex|pg|@types/pg') },
    },
    {
      name: 'contexts-name-types-only',
      severity: 'error',
      comment: 'context.ts and app.ts hold a database, they do not make one.',
      from: { path: '^src/(context|app)\\.ts$' },
      to: { path: packages('knex|pg|@types/pg'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'outbound-dials',
      severity: 'error',
      comment: 'Every call outside goes through the checked addresses, timeouts and limits of outbound.',
      from: { path: '^src/', pathNot: '^src/outbound/' },
      to: { path: packages('undici') },
    },
    {
      name: 'src-knows-no-tests',
      severity: 'error',
      comment: 'What ships does not need what does not.',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|torture|examples)/' },
    },
    {
      name: 'an-example-stands-alone',
      severity: 'error',
      comment: 'An integrator has the API document and nothing else of ours.',
      from: { path: '^examples/' },
      to: { path: '^(src|test|scripts|bench|torture)/' },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      comment: 'An import that leads nowhere would be checked by no rule.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    moduleSystems: ['es6', 'cjs'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
