import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Config, PROVIDER_NAMES, parseConfig } from '#shared/config.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import { RejectedError } from '#shared/errors.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';

const OF_PROVIDERS = PROVIDER_NAMES.flatMap((name) =>
  ['URL', 'KEY'].map((what) => `AURORA_PROVIDER_${name.toUpperCase()}_${what}`),
).join(', ');
const KNOWN = `AURORA_PLATFORM, AURORA_PROJECT, AURORA_BUCKET, AURORA_DATASET, AURORA_LOCATION, AURORA_MAX_BYTES_BILLED, AURORA_TRAINING_JOB, AURORA_STORAGE_ENDPOINT, AURORA_BIGQUERY_ENDPOINT, AURORA_PUBSUB_ENDPOINT, AURORA_RUN_ENDPOINT, AURORA_MONITORING_ENDPOINT, AURORA_AUDIENCE, AURORA_CALLERS, AURORA_TOKEN_KEYS, AURORA_METADATA_ENDPOINT, AURORA_DIR, AURORA_LOG_LEVEL, AURORA_SPEED, AURORA_SCORE_URL, AURORA_URL, AURORA_API_KEY, ${OF_PROVIDERS}, AURORA_TENANTS, AURORA_PROBE, AURORA_STAGE, AURORA_HOST, PORT, FUNCTION_TARGET, AURORA_JOB_EVENT`;

/** Of a provider, or of a tenant of ours: no message quotes any of it. */
const KEY = 'key-of-nobody-0123456789';
const NO_SECRET = 'expected 8 to 512 printable characters without blanks';
const NOT_TWO = 'expected the public and the secret key, public:secret';

const HASH = 'ab'.repeat(32);
const ANN: Tenant = {
  tenant_id: 'ann',
  key_sha256: [HASH],
  accounts: [],
  daily_usd: 10,
  max_usd_per_gpu_hour: null,
  max_usd_per_deployment: null,
};

/** {environment} -> the exact message: it names the variable, what came, and what was expected. */
type Bad = readonly [environment: Readonly<Record<string, string>>, message: string];
const BAD: readonly Bad[] = [
  [{ AURORA_PLATFROM: 'gcp' }, `AURORA_PLATFROM is not a variable of this system; known: ${KNOWN}`],
  [{ AURORA_: '' }, `AURORA_ is not a variable of this system; known: ${KNOWN}`],
  [{ AURORA_PLATFORM: 'aws' }, 'AURORA_PLATFORM="aws": Invalid option: expected one of "embedded"|"gcp"'],
  [{ AURORA_PLATFORM: '' }, 'AURORA_PLATFORM="": Invalid option: expected one of "embedded"|"gcp"'],
  [{ AURORA_PLATFORM: 'GCP' }, 'AURORA_PLATFORM="GCP": Invalid option: expected one of "embedded"|"gcp"'],
  [{ AURORA_PROJECT: '-x' }, 'AURORA_PROJECT="-x": expected a project id, such as my-project'],
  [{ AURORA_BUCKET: 'gs://b' }, 'AURORA_BUCKET="gs://b": expected the name of a bucket, without gs://'],
  [{ AURORA_DATASET: 'a.b' }, 'AURORA_DATASET="a.b": expected the id of a dataset: letters, digits and underscores'],
  [{ AURORA_LOCATION: '' }, 'AURORA_LOCATION="": expected the location of the dataset, such as EU'],
  [{ AURORA_MAX_BYTES_BILLED: '1e9' }, 'AURORA_MAX_BYTES_BILLED="1e9": expected a number in decimal digits'],
  [{ AURORA_TRAINING_JOB: 'train' }, 'AURORA_TRAINING_JOB="train": expected projects/P/locations/L/jobs/J'],
  [{ AURORA_STORAGE_ENDPOINT: 'fake:1' }, 'AURORA_STORAGE_ENDPOINT="fake:1": expected a URL of http or https'],
  [{ AURORA_PUBSUB_ENDPOINT: 'http://h:1' }, 'AURORA_PUBSUB_ENDPOINT="http://h:1": expected host:port'],
  [{ AURORA_AUDIENCE: 'ingest' }, 'AURORA_AUDIENCE="ingest": expected the URL of this service'],
  [
    { AURORA_CALLERS: 'nobody' },
    'AURORA_CALLERS="nobody": expected e-mail addresses of service accounts, parted by commas',
  ],
  [{ AURORA_DIR: 'a\0b' }, 'AURORA_DIR="a\\u0000b": expected a path, without NUL'],
  [{ AURORA_DIR: '' }, 'AURORA_DIR="": Too small: expected string to have >=1 characters'],
  [
    { AURORA_LOG_LEVEL: 'loud' },
    'AURORA_LOG_LEVEL="loud": Invalid option: expected one of "debug"|"info"|"warn"|"error"|"silent"',
  ],
  [{ AURORA_SPEED: 'fast' }, 'AURORA_SPEED="fast": expected a number in decimal digits'],
  [{ AURORA_SPEED: '' }, 'AURORA_SPEED="": expected a number in decimal digits'],
  [{ AURORA_SPEED: '-1' }, 'AURORA_SPEED="-1": expected a number in decimal digits'],
  [{ AURORA_SPEED: '1e3' }, 'AURORA_SPEED="1e3": expected a number in decimal digits'],
  [{ AURORA_SPEED: '0x10' }, 'AURORA_SPEED="0x10": expected a number in decimal digits'],
  [{ AURORA_SPEED: 'Infinity' }, 'AURORA_SPEED="Infinity": expected a number in decimal digits'],
  [{ AURORA_SPEED: '0' }, 'AURORA_SPEED="0": Too small: expected number to be >0'],
  [{ AURORA_SPEED: '100001' }, 'AURORA_SPEED="100001": Too big: expected number to be <=100000'],
  [{ AURORA_SCORE_URL: 'score:8082' }, 'AURORA_SCORE_URL="score:8082": expected a URL of http or https'],
  [{ AURORA_SCORE_URL: 'ftp://score' }, 'AURORA_SCORE_URL="ftp://score": expected a URL of http or https'],
  [{ AURORA_SCORE_URL: '' }, 'AURORA_SCORE_URL="": expected a URL of http or https'],
  [{ AURORA_URL: 'route:8080' }, 'AURORA_URL="route:8080": expected a URL of http or https'],
  [{ AURORA_API_KEY: `two ${KEY}` }, `AURORA_API_KEY: ${NO_SECRET}`],
  [{ AURORA_PROVIDER_VAST_URL: 'vast' }, 'AURORA_PROVIDER_VAST_URL="vast": expected a URL of http or https'],
  [
    { AURORA_PROVIDER_VAST_URL: 'https://vast.example' },
    'AURORA_PROVIDER_VAST_KEY is not set: AURORA_PROVIDER_VAST_URL alone opens nothing',
  ],
  [{ AURORA_PROVIDER_VAST_KEY: '' }, `AURORA_PROVIDER_VAST_KEY: ${NO_SECRET}`],
  [{ AURORA_PROVIDER_VAST_KEY: 'short' }, `AURORA_PROVIDER_VAST_KEY: ${NO_SECRET}`],
  [{ AURORA_PROVIDER_VAST_KEY: KEY.repeat(22) }, `AURORA_PROVIDER_VAST_KEY: ${NO_SECRET}`],
  // As `echo` ends what it is told to put into a secret.
  [{ AURORA_PROVIDER_VAST_KEY: `${KEY}\n` }, `AURORA_PROVIDER_VAST_KEY: ${NO_SECRET}`],
  [{ AURORA_PROVIDER_VAST_KEY: `Bearer ${KEY}` }, `AURORA_PROVIDER_VAST_KEY: ${NO_SECRET}`],
  [{ AURORA_PROVIDER_VAST_KEY: `${KEY}é` }, `AURORA_PROVIDER_VAST_KEY: ${NO_SECRET}`],
  ...['', ':', `${KEY}:`, `:${KEY}`, `${KEY}:${KEY}:${KEY}`].map(
    (key): Bad => [
      { AURORA_PROVIDER_RENDER_KEY: key },
      `AURORA_PROVIDER_RENDER_KEY: ${key.length < 8 ? NO_SECRET : NOT_TWO}`,
    ],
  ),
  [{ AURORA_PROVIDER_IONET_KEY: KEY }, `AURORA_PROVIDER_IONET_KEY is not a variable of this system; known: ${KNOWN}`],
  [{ AURORA_STAGE: 'always' }, 'AURORA_STAGE="always": Invalid option: expected one of "apprentice"|"auto"|"online"'],
  [{ AURORA_HOST: 'express' }, 'AURORA_HOST="express": Invalid option: expected one of "lean"|"functions-framework"'],
  [{ PORT: 'http' }, 'PORT="http": expected a number in decimal digits'],
  [{ PORT: '' }, 'PORT="": expected a number in decimal digits'],
  [{ PORT: '80.5' }, 'PORT="80.5": Invalid input: expected int, received number'],
  [{ PORT: '65536' }, 'PORT="65536": Too big: expected number to be <=65535'],
  [{ FUNCTION_TARGET: '' }, 'FUNCTION_TARGET="": Too small: expected string to have >=1 characters'],
];

describe('configuration', () => {
  test('nothing set: the embedded platform in real time', () => {
    expect(parseConfig({})).toEqual({
      google: null,
      directory: '.aurora',
      logLevel: 'info',
      speed: 1,
      scoreUrl: 'http://127.0.0.1:8082',
      tenants: null,
      url: null,
      apiKey: null,
      providers: Object.fromEntries(PROVIDER_NAMES.map((name) => [name, null])),
      stage: 'auto',
      port: 8080,
      functionTarget: null,
      host: 'lean',
      jobEvent: null,
      probe: null,
    });
  });

  test('everything set', () => {
    const environment = {
      AURORA_PLATFORM: 'embedded',
      AURORA_DIR: '/srv/aurora',
      AURORA_LOG_LEVEL: 'silent',
      AURORA_SPEED: '0.5',
      AURORA_SCORE_URL: 'https://score.example/',
      AURORA_TENANTS: JSON.stringify([{ tenant_id: 'ann', key_sha256: [HASH.toUpperCase()], daily_usd: 10 }]),
      AURORA_URL: 'https://route.example/',
      AURORA_API_KEY: `api-${KEY}`,
      AURORA_PROVIDER_VAST_URL: 'http://127.0.0.1:8091/',
      AURORA_PROVIDER_VAST_KEY: KEY,
      AURORA_STAGE: 'online',
      AURORA_HOST: 'functions-framework',
      PORT: '0',
      FUNCTION_TARGET: 'score',
      AURORA_JOB_EVENT: '{"message":{}}',
    };
    expect(parseConfig(environment)).toEqual({
      google: null,
      directory: '/srv/aurora',
      logLevel: 'silent',
      speed: 0.5,
      // A path is appended to it.
      scoreUrl: 'https://score.example',
      tenants: [ANN],
      url: 'https://route.example',
      apiKey: `api-${KEY}`,
      providers: expect.objectContaining({ vast: { url: 'http://127.0.0.1:8091', key: KEY } }),
      stage: 'online',
      port: 0,
      functionTarget: 'score',
      host: 'functions-framework',
      jobEvent: '{"message":{}}',
      probe: null,
    });
  });

  test('a key alone opens the provider itself', () => {
    const { providers } = parseConfig({ AURORA_PROVIDER_VAST_KEY: KEY });
    expect(providers.vast).toEqual({ url: 'https://console.vast.ai', key: KEY });
  });

  const cloud = {
    AURORA_PLATFORM: 'gcp',
    AURORA_PROJECT: 'my-project',
    AURORA_BUCKET: 'my-project-aurora',
    AURORA_DATASET: 'aurora',
    AURORA_LOCATION: 'EU',
  };

  test('the cloud: what terraform made, and Google’s own endpoints', () => {
    expect(parseConfig(cloud).google).toEqual({
      projectId: 'my-project',
      bucket: 'my-project-aurora',
      dataset: 'aurora',
      location: 'EU',
      maxBytesBilled: 100 * 1024 ** 3,
      trainingJob: null,
      callers: null,
      endpoints: {
        storage: null,
        bigquery: null,
        pubsub: null,
        run: 'https://run.googleapis.com',
        monitoring: 'https://monitoring.googleapis.com',
        metadata: 'http://metadata.google.internal',
      },
    });
  });

  test.each(['AURORA_PROJECT', 'AURORA_BUCKET', 'AURORA_DATASET', 'AURORA_LOCATION'])(
    'the cloud without %s names it, and where it comes from',
    (name) => {
      const message = expect.stringMatching(new RegExp(`^${name} is not set: AURORA_PLATFORM=gcp needs the .+`));
      expect(() => parseConfig({ ...cloud, [name]: undefined })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message }),
      );
    },
  );

  test('callers are checked by audience and account together', () => {
    const both = { AURORA_AUDIENCE: 'https://x.run.app', AURORA_CALLERS: 'a@p.iam.gserviceaccount.com, b@p.example' };
    expect(parseConfig({ ...cloud, ...both }).google?.callers).toEqual({
      audience: 'https://x.run.app',
      accounts: ['a@p.iam.gserviceaccount.com', 'b@p.example'],
      keysUrl: 'https://www.googleapis.com/oauth2/v3/certs',
    });
    for (const [alone, missing] of [
      ['AURORA_AUDIENCE', 'AURORA_CALLERS'],
      ['AURORA_CALLERS', 'AURORA_AUDIENCE'],
    ] as const)
      expect(() => parseConfig({ ...cloud, [alone]: both[alone] })).toThrow(
        `${missing} is not set: ${alone} alone checks nothing`,
      );
  });

  test('the cloud has no faster world', () => {
    expect(() => parseConfig({ ...cloud, AURORA_SPEED: '600' })).toThrow(
      'AURORA_SPEED=600: AURORA_PLATFORM=gcp runs in real time, leave it out',
    );
  });

  test("other programs' variables and the tests' own switches are none of its business", () => {
    const environment = { PATH: '/bin', aurora_speed: '9', AURORA_TEST_CASES: '10', HOST: 'x' };
    expect(parseConfig(environment)).toEqual(parseConfig({}));
  });

  test.each(BAD)('%j', (environment, message) => {
    const parse = (): unknown => parseConfig(environment);
    expect(parse).toThrow(RejectedError);
    expect(parse).toThrow(expect.objectContaining({ code: 'config_invalid', message }));
    expect(message).not.toContain(KEY);
  });

  /** Any environment: known names and near misses of them, values that fit somewhere and any text. */
  const names = KNOWN.split(', ');
  const environment = fc.dictionary(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...names) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('AURORA_DIRS', 'AURORA_', 'aurora_dir', 'AURORA_TEST_X', '__proto__', 'PATH'),
      },
      { weight: 1, arbitrary: anyText({ maxLength: 12 }) },
    ),
    fc.oneof(
      fc.constantFrom('', ' ', '0', '1', '600', '0.5', '8080', '65535', '1e3', '-1', '.5', '1.', '00', '9'.repeat(400)),
      fc.constantFrom('embedded', 'lean', 'functions-framework', 'info', 'silent', 'score', '.aurora', '/srv/x'),
      fc
        .tuple(fc.constantFrom('http', 'https', 'ftp'), fc.webAuthority(), fc.constantFrom('', '/', '/a/b?c=%20#d'))
        .map(([scheme, authority, rest]) => `${scheme}://${authority}${rest}`),
      anyText({ maxLength: 20 }),
    ),
    { maxKeys: 5 },
  );

  test('any environment is a configuration in its bounds, or is refused by the name of a variable', () => {
    let parsed = 0;
    fc.assert(
      fc.property(environment, (given) => {
        let config: Config;
        try {
          config = parseConfig(given);
        } catch (error) {
          if (!(error instanceof RejectedError)) throw error;
          expect(error.code).toBe('config_invalid');
          const ours = Object.keys(given).filter((key) => /^AURORA_|^PORT$|^FUNCTION_TARGET$/.test(key));
          expect(ours.some((key) => error.message.includes(key))).toBe(true);
          return;
        }
        parsed += 1;
        expect(config.speed > 0 && config.speed <= 100_000).toBe(true);
        expect(Number.isInteger(config.port) && config.port >= 0 && config.port <= 65_535).toBe(true);
        expect(config.directory).toBe(given['AURORA_DIR'] ?? '.aurora');
        expect(config.directory).not.toContain('\0');
        expect(new URL('/agent/route', config.scoreUrl).protocol).toMatch(/^https?:$/);
        expect(['lean', 'functions-framework']).toContain(config.host);
      }),
      { numRuns: testCases },
    );
    expect(parsed).toBeGreaterThan(testCases / 50);
  });
});

describe('tenants', () => {
  const KEY = 'a key in plain words, where its hash belongs';
  const read = (value: unknown, files: Readonly<Record<string, string>> = {}): Config =>
    parseConfig({ AURORA_TENANTS: typeof value === 'string' ? value : JSON.stringify(value) }, (path) => {
      const found = files[path];
      if (found === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
      return found;
    });

  test('come from a file as well', () => {
    const text = JSON.stringify([{ tenant_id: 'ann', key_sha256: [HASH], daily_usd: 10 }]);
    expect(read('@/etc/aurora/tenants.json', { '/etc/aurora/tenants.json': text }).tenants).toEqual([ANN]);
  });

  test('are written as the manual shows it', () => {
    const manual = readFileSync(join(import.meta.dirname, '../../docs/operations/ROUTER.md'), 'utf8');
    const [, example = ''] = /```json\n(.*?)```/s.exec(manual) ?? [];
    expect(read(example).tenants).toMatchObject([{ tenant_id: 'studio', daily_usd: 200, max_usd_per_gpu_hour: 4 }]);
  });

  const ann = { tenant_id: 'ann', key_sha256: [HASH] };
  test.each<[string, unknown, string]>([
    ['no JSON', KEY, 'AURORA_TENANTS: expected a JSON list of tenants, or @ and the path of a file with one'],
    ['a file that is not there', '@none', 'AURORA_TENANTS=@none: cannot be read (ENOENT)'],
    ['nobody', [], 'AURORA_TENANTS: (root): Too small: expected array to have >=1 items'],
    [
      'a key where its hash belongs',
      [{ tenant_id: 'ann', key_sha256: [KEY] }],
      'AURORA_TENANTS: 0.key_sha256.0: expected the SHA-256 of a key in 64 hexadecimal digits',
    ],
    ['nothing to know it by', [{ tenant_id: 'ann' }], 'AURORA_TENANTS: 0: expected a key or an account'],
    [
      'a name that would part keys of state',
      [{ ...ann, tenant_id: 'a/b' }],
      'AURORA_TENANTS: 0.tenant_id: expected up to 64 letters, digits, dots, dashes and underscores',
    ],
    ['a limit that nobody holds', [{ ...ann, max_live: 3 }], 'AURORA_TENANTS: 0: Unrecognized key: "max_live"'],
    ['no limit at all', [{ ...ann, daily_usd: 0 }], 'AURORA_TENANTS: 0.daily_usd: Too small: expected number to be >0'],
    [
      'one twice',
      [ann, { ...ann, key_sha256: ['c'.repeat(64)] }],
      'AURORA_TENANTS: (root): expected each tenant_id once',
    ],
    [
      'one key for two',
      [ann, { tenant_id: 'bob', key_sha256: [HASH.toUpperCase()] }],
      'AURORA_TENANTS: (root): expected each key at one tenant, once',
    ],
    [
      'one account for two',
      [
        { tenant_id: 'ann', accounts: ['a@example.com'] },
        { tenant_id: 'bob', accounts: ['a@example.com'] },
      ],
      'AURORA_TENANTS: (root): expected each account at one tenant, once',
    ],
  ])('%s: the place is named, nothing is quoted', (_, value, message) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ code: 'config_invalid', message }));
    expect(message).not.toContain(KEY);
  });
});
