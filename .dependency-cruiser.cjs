/**
 * Who may import whom. The rooms and their reasons are in docs/architecture.md; test/architecture/imports.test.ts plants a breach
 * of every rule and expects it reported by name. Run: npm run check:imports
 */

/** Matches a package wherever node_modules lies. */
const pkg = (names) => `(^|/)node_modules/${names}/`;

/** From these files to `allowed`, to packages and to Node's own modules; what leads nowhere has a rule of its own. */
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from,
  to: { pathNot: [...allowed, '(^|/)node_modules/'], dependencyTypesNot: ['core', 'unknown'] },
});

/** The package may be imported from its home alone: one place to replace it, one place that pays for loading it. */
const home = (name, comment, packages, where) => ({
  name,
  comment,
  severity: 'error',
  from: { pathNot: ['^test/', '(^|/)node_modules/', ...where] },
  to: { path: pkg(packages) },
});

/** The entry points: composition happens here, so these may take the machine's own clock. */
const ENTRY_POINTS = [
  '^cli/',
  '^functions/serve-function\\.ts$',
  '^functions/[^/]+/index\\.ts$',
  '^shared/.+/worker\\.ts$',
];
/** The composition of adapters and its parts (backup). */
const PLATFORM = '^shared/platform[a-z-]*\\.ts$';
const HOST_CLOCK = '^shared/adapters/clock/host\\.ts$';

module.exports = {
  forbidden: [
    // --- between the top rooms
    only(
      'functions-import-shared-only',
      'A function knows its own folder and shared; two functions meet on the bus or over HTTP.',
      { path: '^functions/([^/]+)/' },
      ['^functions/$1/', '^shared/'],
    ),
    only('cli-imports-no-test', 'The command line composes functions, shared and sim.', { path: '^cli/' }, [
      '^cli/',
      '^functions/',
      '^shared/',
      '^sim/',
    ]),
    only(
      'sim-knows-contracts-only',
      'The simulated world sees what a stranger sees: words, ports and the provider contract, no insides.',
      { path: '^sim/' },
      ['^sim/', '^shared/(domain|ports)/', '^shared/(defaults|errors)\\.ts$', '^shared/providers/provider\\.ts$'],
    ),
    only(
      'shared-stays-below',
      'shared is the ground floor; learning in particular knows nothing of sim.',
      { path: '^shared/' },
      ['^shared/'],
    ),
    {
      name: 'nothing-imports-test-or-cli',
      comment: 'Tests and the command line are leaves.',
      severity: 'error',
      from: { pathNot: ['^test/', '^cli/', '(^|/)node_modules/'] },
      to: { path: ['^test/', '^cli/'] },
    },

    // --- inside shared
    {
      name: 'domain-is-pure',
      comment: 'Words and rules: zod to parse, crypto to hash, the defaults; no room, no input or output.',
      severity: 'error',
      from: { path: '^shared/domain/' },
      to: { pathNot: ['^shared/domain/', '^shared/defaults\\.ts$', pkg('zod'), '^(node:)?crypto$'] },
    },
    {
      name: 'ports-are-promises',
      comment: 'A port is written in our words: other ports, the domain, and zod for the types of schemas.',
      severity: 'error',
      from: { path: '^shared/ports/' },
      to: { pathNot: ['^shared/(ports|domain)/', pkg('zod')] },
    },
    {
      name: 'ground-files-import-nothing',
      comment: 'Everybody imports these two, so they import nobody.',
      severity: 'error',
      from: { path: '^shared/(errors|defaults)\\.ts$' },
      to: { path: '.' },
    },
    only(
      'adapters-keep-to-their-port',
      'An adapter knows its own folder, the contracts, how to put a file in place, how to open SQLite, how a client lives and waits; never another adapter or a room above.',
      { path: '^shared/adapters/([^/]+)/', pathNot: '/worker\\.ts$' },
      [
        '^shared/adapters/($1|client|sqlite|files|thread)/',
        '^shared/(ports|domain)/',
        '^shared/(defaults|errors)\\.ts$',
      ],
    ),
    only(
      'adapter-workers-keep-to-their-port',
      "A worker thread's main file composes: as any adapter, plus the machine's clock.",
      { path: '^shared/adapters/([^/]+)/.*worker\\.ts$' },
      [
        '^shared/adapters/($1|client|sqlite|files|thread)/',
        '^shared/(ports|domain)/',
        '^shared/(defaults|errors)\\.ts$',
        HOST_CLOCK,
      ],
    ),
    {
      name: 'adapters-come-through-platform',
      comment: 'Who runs on what is decided in shared/platform.ts and its parts alone.',
      severity: 'error',
      from: { pathNot: [PLATFORM, '^shared/adapters/', '^test/', '^cli/dev/', '(^|/)node_modules/'] },
      to: { path: '^shared/adapters/', pathNot: HOST_CLOCK },
    },
    {
      name: 'host-clock-for-entry-points',
      comment: 'Time is a value or a clock that was handed in; only entry points take the real one.',
      severity: 'error',
      from: { pathNot: [PLATFORM, '^test/', '(^|/)node_modules/', ...ENTRY_POINTS] },
      to: { path: HOST_CLOCK },
    },

    // --- packages
    home('duckdb-at-home', 'The warehouse engine.', '@duckdb/[^/]+', ['^shared/adapters/warehouse/']),
    home('tensorflow-at-home', 'Training; scoring has its own forward pass.', '@tensorflow/[^/]+', [
      '^shared/learning/(model|train)',
      '^shared/learning/backend\\.ts$',
    ]),
    home(
      'storage-at-home',
      'Writers of objects; whoever only reads loads no client library.',
      '@google-cloud/storage',
      ['^shared/adapters/objects/gcs/writer\\.ts$'],
    ),
    home('bigquery-at-home', 'The warehouse of the cloud.', '@google-cloud/bigquery', [
      '^shared/adapters/warehouse/bigquery/',
    ]),
    home('pubsub-at-home', 'The bus of the cloud.', '@google-cloud/pubsub', ['^shared/adapters/bus/pubsub\\.ts$']),
    home(
      'google-auth-at-home',
      'Who asks without credentials, and who checks those of others.',
      'google-auth-library',
      ['^shared/adapters/(bus|google|warehouse)/'],
    ),
    home('jose-at-home', 'ID tokens of callers.', 'jose', ['^shared/runtime/callers\\.ts$']),
    home('crc-at-home', 'Sums of objects.', 'crc-32', ['^shared/adapters/objects/gcs/']),
    home(
      'undici-at-home',
      'HTTP with a pool: pushes, providers, probes, and the one client of the runtime.',
      'undici',
      ['^shared/adapters/bus/', '^shared/probes/tools/', '^shared/providers/', '^shared/runtime/http-[a-z]+\\.ts$'],
    ),
    home('telemetry-at-home', 'Logs and metrics.', '(pino|prom-client)', ['^shared/telemetry/']),
    home('functions-framework-at-home', 'One host among two.', '@google-cloud/functions-framework', [
      '^shared/runtime/hosts/',
    ]),
    home(
      'yaml-at-home',
      'Deployments of Akash, as they are written and as its fake reads them; suites of probes; kubeconfigs.',
      'yaml',
      ['^(shared|sim)/providers/akash/', '^shared/probes/suite\\.ts$', '^cli/smoke/kubeconfig\\.ts$'],
    ),
    home('csv-parse-at-home', 'Records come in through the command line.', 'csv-parse', ['^cli/']),
    {
      name: 'packages-are-known',
      comment: 'A new runtime dependency gets its home here and its reason in docs/decisions/.',
      severity: 'error',
      from: { path: '^(functions|shared|sim|cli)/', pathNot: '^cli/dev/' },
      to: {
        path: '(^|/)node_modules/',
        pathNot: pkg(
          '(zod|@duckdb/[^/]+|@tensorflow/[^/]+|undici|pino|prom-client|@google-cloud/[^/]+|google-auth-library|jose|crc-32|csv-parse|yaml|@types/[^/]+)',
        ),
      },
    },
    {
      name: 'dev-packages-in-test-only',
      comment: 'A deployed function has no devDependencies.',
      severity: 'error',
      from: { pathNot: ['^test/', '^cli/dev/', '(^|/)node_modules/'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'score-loads-no-training',
      comment: 'A cold start of score must not pay for tfjs (414 ms), not through any chain of imports.',
      severity: 'error',
      from: { path: '^functions/score/' },
      to: { path: pkg('@tensorflow/[^/]+'), reachable: true },
    },

    // --- everywhere
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable-and-declared',
      comment: 'A path that leads nowhere, or a package that package.json does not name.',
      severity: 'error',
      from: { pathNot: '(^|/)node_modules/' },
      to: { dependencyTypes: ['unknown', 'undetermined', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    // Types count: a contract that leaks is a leak even when it vanishes at run time.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
};
