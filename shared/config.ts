/**
 * Configuration: the only module that reads process.env. Everyone else gets the typed value.
 * Fails at load, naming the variable and the remedy; an unknown AURORA_ variable is an error, for it is a typing mistake.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type ProbeConfig, parseProbe } from './config-probe.ts';
import { parseTenants } from './config-tenants.ts';
import { type Stage, stage } from './domain/control.ts';
import type { Tenant } from './domain/tenant.ts';
import { RejectedError } from './errors.ts';

export interface Config {
  /** Null: the embedded platform. */
  readonly google: GoogleConfig | null;
  /** Directory of the embedded platform's state. */
  readonly directory: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** World time per host time; 1 = real time. */
  readonly speed: number;
  /** Where route asks for scores. */
  readonly scoreUrl: string;
  /** The door that `vm` asks as a tenant, and with which key; null: the running stack's, without one. */
  readonly url: string | null;
  readonly apiKey: string | null;
  /** The accounts at the providers; null: none, and `vm up` simulates that provider. */
  readonly providers: Readonly<Record<ProviderName, ProviderAccount | null>>;
  /** Who may ask route; null: whoever gets through to it. */
  readonly tenants: readonly Tenant[] | null;
  /** Who may act, as long as no control object says otherwise. */
  readonly stage: Stage;
  /** What the function probe looks at, and whom it tells; null: it is not to run. */
  readonly probe: ProbeConfig | null;
  /** Port of a function that runs alone. */
  readonly port: number;
  /** Which function a process runs, when it runs one; null = none named. */
  readonly functionTarget: string | null;
  /** Which host serves it. */
  readonly host: 'lean' | 'functions-framework';
  /** Body of a push: the function handles this one event and the process ends. Null: it serves. */
  readonly jobEvent: string | null;
}

/** Providers that there is an adapter for. */
export const PROVIDER_NAMES = ['akash', 'render', 'vast'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

export interface ProviderAccount {
  readonly url: string;
  /** A secret; of render two, `public:secret`. */
  readonly key: string;
}

export interface GoogleConfig {
  readonly projectId: string;
  readonly bucket: string;
  readonly dataset: string;
  /** Of the dataset. */
  readonly location: string;
  /** A query that would read more is refused. */
  readonly maxBytesBilled: number;
  /** The Cloud Run job of long trainings, `projects/P/locations/L/jobs/J`; null: none. */
  readonly trainingJob: string | null;
  /** Whose ID tokens are asked for at the doors; null: nobody's, whoever gets through to the service may call. */
  readonly callers: {
    readonly audience: string;
    readonly accounts: readonly string[];
    readonly keysUrl: string;
  } | null;
  /** Null: Google's own. Emulators and fakes, which are asked without credentials. */
  readonly endpoints: {
    readonly storage: string | null;
    readonly bigquery: string | null;
    /** `host:port`. */
    readonly pubsub: string | null;
    readonly run: string;
    readonly monitoring: string;
    readonly metadata: string;
  };
}

/** Digits as people write them: an empty text would be 0, and 0x10 sixteen. */
const decimal = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'expected a number in decimal digits')
  .transform(Number);

const origin = z
  .url({ protocol: /^https?$/, error: 'expected a URL of http or https' })
  .transform((url) => url.replace(/\/+$/, ''));

/** What a header can carry. */
const secret = z.string().regex(/^[\x21-\x7e]{8,512}$/, 'expected 8 to 512 printable characters without blanks');
/** Whose values no message quotes. */
const isSecret = (variable: string): boolean => variable.endsWith('_KEY');

/** Google's signing keys, as a JSON Web Key Set. */
const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs';

/** Cloud Run's limit for a variable. */
const MAX_JOB_EVENT = 32 * 1024;

const schema = z.object({
  AURORA_PLATFORM: z.enum(['embedded', 'gcp']).default('embedded'),
  AURORA_PROJECT: z
    .string()
    .regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, 'expected a project id, such as my-project')
    .optional(),
  AURORA_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'expected the name of a bucket, without gs://')
    .optional(),
  AURORA_DATASET: z
    .string()
    .regex(/^\w{1,1024}$/, 'expected the id of a dataset: letters, digits and underscores')
    .optional(),
  AURORA_LOCATION: z
    .string()
    .regex(/^[A-Za-z0-9-]{2,40}$/, 'expected the location of the dataset, such as EU')
    .optional(),
  AURORA_MAX_BYTES_BILLED: decimal.pipe(z.number().int().positive()).default(100 * 1024 ** 3),
  AURORA_TRAINING_JOB: z
    .string()
    .regex(/^projects\/[^/\s]+\/locations\/[^/\s]+\/jobs\/[^/\s]+$/, 'expected projects/P/locations/L/jobs/J')
    .optional(),
  AURORA_STORAGE_ENDPOINT: origin.optional(),
  AURORA_BIGQUERY_ENDPOINT: origin.optional(),
  AURORA_PUBSUB_ENDPOINT: z
    .string()
    .regex(/^[^\s/:]+:\d{1,5}$/, 'expected host:port')
    .optional(),
  AURORA_RUN_ENDPOINT: origin.default('https://run.googleapis.com'),
  AURORA_MONITORING_ENDPOINT: origin.default('https://monitoring.googleapis.com'),
  AURORA_AUDIENCE: z.url({ protocol: /^https?$/, error: 'expected the URL of this service' }).optional(),
  AURORA_CALLERS: z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .pipe(z.array(z.email('expected e-mail addresses of service accounts, parted by commas')).min(1).max(64))
    .optional(),
  AURORA_TOKEN_KEYS: z.url({ protocol: /^https?$/, error: 'expected a URL of http or https' }).default(GOOGLE_KEYS),
  AURORA_METADATA_ENDPOINT: origin.default('http://metadata.google.internal'),
  AURORA_DIR: z
    .string()
    .min(1)
    .refine((path) => !path.includes('\0'), 'expected a path, without NUL')
    .default('.aurora'),
  AURORA_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  AURORA_SPEED: decimal.pipe(z.number().gt(0).max(100_000)).default(1),
  AURORA_SCORE_URL: origin.default('http://127.0.0.1:8082'),
  AURORA_URL: origin.optional(),
  AURORA_API_KEY: secret.optional(),
  AURORA_PROVIDER_AKASH_URL: origin.default('https://console-api.akash.network'),
  AURORA_PROVIDER_AKASH_KEY: secret.optional(),
  AURORA_PROVIDER_RENDER_URL: origin.default('https://api.dispersed.com'),
  AURORA_PROVIDER_RENDER_KEY: secret
    .regex(/^[^:]+:[^:]+$/, 'expected the public and the secret key, public:secret')
    .optional(),
  AURORA_PROVIDER_VAST_URL: origin.default('https://console.vast.ai'),
  AURORA_PROVIDER_VAST_KEY: secret.optional(),
  AURORA_TENANTS: z.string().min(1).optional(),
  AURORA_PROBE: z.string().min(1).optional(),
  AURORA_STAGE: stage.default('auto'),
  AURORA_HOST: z.enum(['lean', 'functions-framework']).default('lean'),
  PORT: decimal.pipe(z.number().int().min(0).max(65_535)).default(8080),
  FUNCTION_TARGET: z.string().min(1).optional(),
  AURORA_JOB_EVENT: z.string().min(1).max(MAX_JOB_EVENT).optional(),
});

/** Variables of this prefix belong to the tests' own switches. */
const TEST_PREFIX = 'AURORA_TEST_';

/** @param readText of a file that a variable names */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>>,
  readText: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Config {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(environment).find(
    (key) => key.startsWith('AURORA_') && !key.startsWith(TEST_PREFIX) && !known.includes(key),
  );
  if (unknown !== undefined) {
    throw new RejectedError(
      'config_invalid',
      `${unknown} is not a variable of this system; known: ${known.join(', ')}`,
    );
  }
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const variable = String(issue?.path[0] ?? 'environment');
    throw new RejectedError(
      'config_invalid',
      `${variable}${isSecret(variable) ? '' : `=${JSON.stringify(environment[variable] ?? '')}`}: ${issue?.message ?? 'invalid'}`,
    );
  }
  const value = parsed.data;
  return {
    google: value.AURORA_PLATFORM === 'gcp' ? googleConfig(value) : null,
    directory: value.AURORA_DIR,
    logLevel: value.AURORA_LOG_LEVEL,
    speed: value.AURORA_SPEED,
    scoreUrl: value.AURORA_SCORE_URL,
    url: value.AURORA_URL ?? null,
    apiKey: value.AURORA_API_KEY ?? null,
    providers: {
      akash: account(environment, 'AKASH', value.AURORA_PROVIDER_AKASH_URL, value.AURORA_PROVIDER_AKASH_KEY),
      render: account(environment, 'RENDER', value.AURORA_PROVIDER_RENDER_URL, value.AURORA_PROVIDER_RENDER_KEY),
      vast: account(environment, 'VAST', value.AURORA_PROVIDER_VAST_URL, value.AURORA_PROVIDER_VAST_KEY),
    },
    tenants: value.AURORA_TENANTS === undefined ? null : parseTenants(value.AURORA_TENANTS, readText),
    stage: value.AURORA_STAGE,
    probe: value.AURORA_PROBE === undefined ? null : parseProbe(value.AURORA_PROBE, readText),
    port: value.PORT,
    functionTarget: value.FUNCTION_TARGET ?? null,
    host: value.AURORA_HOST,
    jobEvent: value.AURORA_JOB_EVENT ?? null,
  };
}

/** A URL alone would be asked without a key, and refuse everything. */
function account(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  url: string,
  key: string | undefined,
): ProviderAccount | null {
  if (key !== undefined) return { url, key };
  if (environment[`AURORA_PROVIDER_${name}_URL`] === undefined) return null;
  throw new RejectedError(
    'config_invalid',
    `AURORA_PROVIDER_${name}_KEY is not set: AURORA_PROVIDER_${name}_URL alone opens nothing`,
  );
}

/** What the platform cannot do without, and where it comes from. */
const NEEDED = {
  AURORA_PROJECT: 'the project’s id',
  AURORA_BUCKET: 'the bucket that terraform made (output bucket)',
  AURORA_DATASET: 'the dataset that terraform made (output dataset)',
  AURORA_LOCATION: 'the location of that dataset, such as EU',
} as const;

function googleConfig(value: z.output<typeof schema>): GoogleConfig {
  const given = (name: keyof typeof NEEDED): string => {
    const found = value[name];
    if (found !== undefined) return found;
    throw new RejectedError('config_invalid', `${name} is not set: AURORA_PLATFORM=gcp needs ${NEEDED[name]}`);
  };
  if (value.AURORA_SPEED !== 1)
    throw new RejectedError(
      'config_invalid',
      `AURORA_SPEED=${value.AURORA_SPEED}: AURORA_PLATFORM=gcp runs in real time, leave it out`,
    );
  return {
    projectId: given('AURORA_PROJECT'),
    bucket: given('AURORA_BUCKET'),
    dataset: given('AURORA_DATASET'),
    location: given('AURORA_LOCATION'),
    maxBytesBilled: value.AURORA_MAX_BYTES_BILLED,
    trainingJob: value.AURORA_TRAINING_JOB ?? null,
    callers: callersOf(value),
    endpoints: {
      storage: value.AURORA_STORAGE_ENDPOINT ?? null,
      bigquery: value.AURORA_BIGQUERY_ENDPOINT ?? null,
      pubsub: value.AURORA_PUBSUB_ENDPOINT ?? null,
      run: value.AURORA_RUN_ENDPOINT,
      monitoring: value.AURORA_MONITORING_ENDPOINT,
      metadata: value.AURORA_METADATA_ENDPOINT,
    },
  };
}

function callersOf({
  AURORA_AUDIENCE: audience,
  AURORA_CALLERS: accounts,
  AURORA_TOKEN_KEYS: keysUrl,
}: z.output<typeof schema>): GoogleConfig['callers'] {
  if (audience !== undefined && accounts !== undefined) return { audience, accounts, keysUrl };
  if (audience === undefined && accounts === undefined) return null;
  const [there, missing] = audience === undefined ? ['CALLERS', 'AUDIENCE'] : ['AUDIENCE', 'CALLERS'];
  throw new RejectedError('config_invalid', `AURORA_${missing} is not set: AURORA_${there} alone checks nothing`);
}

export const readConfig = (): Config => parseConfig(process.env);

/** What is not ours to read, and handed on to programs of this machine: where a kubeconfig lies, what its plugin needs. */
export const machineEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;
