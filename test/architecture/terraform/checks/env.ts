/** The environment: every variable of shared/config.ts is set where the code needs it, and nowhere else. */
import { PROVIDER_NAMES, parseConfig } from '#shared/config.ts';
import { AuroraError } from '#shared/errors.ts';
import { type Check, differing, functionsOf, unlike } from '../check.ts';
import { CONFIG_FIELDS, FOLDERS, type Needs, needsOf } from '../code.ts';
import { type Block, localsIn, moduleCall, type Parsed, ref, resource, textsIn } from '../parsed.ts';

/** As the error of an unknown one lists them. */
const KNOWN: readonly string[] = (() => {
  try {
    parseConfig({ AURORA_NOT_A_VARIABLE: '' });
    return [];
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    return error.message.replace(/^.*known: /, '').split(', ');
  }
})();

const ON_GCP = {
  AURORA_PLATFORM: 'gcp',
  AURORA_PROJECT: 'my-project',
  AURORA_BUCKET: 'bucket',
  AURORA_DATASET: 'dataset',
  AURORA_LOCATION: 'EU',
} as const;
/** Without it there is no platform of the cloud. */
const needsIt = (variable: string): boolean => {
  try {
    return parseConfig({ ...ON_GCP, [variable]: undefined }).google === null;
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    return true;
  }
};

type Rule = readonly [needed: (needs: Needs) => boolean, why: string];
const ofMarketplaces = (what: string, rule: Rule): Readonly<Record<string, Rule>> =>
  Object.fromEntries(PROVIDER_NAMES.map((name) => [`AURORA_PROVIDER_${name.toUpperCase()}_${what}`, rule]));
const KEYS = ofMarketplaces('KEY', [({ providers }) => providers, 'who talks to them']);

/** Where the code alone does not say it. `false`: never set. */
const RULES: Readonly<Record<string, Rule>> = {
  AURORA_DIR: [() => false, 'the embedded platform’s directory'],
  AURORA_SPEED: [() => false, 'the cloud runs in real time'],
  AURORA_HOST: [() => false, 'the lean host is what is meant'],
  PORT: [() => false, 'Cloud Run says it'],
  AURORA_STORAGE_ENDPOINT: [() => false, 'a fake’s'],
  AURORA_BIGQUERY_ENDPOINT: [() => false, 'a fake’s'],
  AURORA_PUBSUB_ENDPOINT: [() => false, 'an emulator’s'],
  AURORA_RUN_ENDPOINT: [() => false, 'a fake’s'],
  AURORA_MONITORING_ENDPOINT: [() => false, 'a fake’s'],
  AURORA_METADATA_ENDPOINT: [() => false, 'a fake’s'],
  AURORA_JOB_EVENT: [() => false, 'whoever starts the job says it, of one execution'],
  AURORA_TRAINING_JOB: [({ startsJob }) => startsJob, 'what the platform starts for it'],
  AURORA_TOKEN_KEYS: [() => false, 'a fake’s'],
  AURORA_URL: [() => false, 'whom vm asks'],
  AURORA_API_KEY: [() => false, 'as whom vm asks'],
  ...ofMarketplaces('URL', [() => false, 'a fake’s']),
  ...KEYS,
  AURORA_AUDIENCE: [() => true, 'who calls is checked everywhere'],
  AURORA_CALLERS: [() => true, 'who calls is checked everywhere'],
  AURORA_MAX_BYTES_BILLED: [({ queries }) => queries, 'the cap of a query'],
  AURORA_PROBE: [({ config }) => config.includes('probe'), 'what is looked at, and who is told'],
  AURORA_TENANTS: [({ identifies }) => identifies, 'whose requests are taken'],
};

const neededBy = (name: string): readonly string[] => {
  const needs = needsOf(name);
  return KNOWN.filter(
    (variable) =>
      needsIt(variable) || (RULES[variable]?.[0](needs) ?? needs.config.includes(CONFIG_FIELDS.get(variable) ?? '')),
  );
};

/** Variables that a module sets itself: the keys of the object in `merge(var.env, { … })`. */
const setBy = (block: Block): readonly string[] =>
  textsIn(block)
    .filter((text) => text.includes('merge(var.env'))
    .flatMap((text) => [...text.matchAll(/^\s*([A-Z_]+)\s*=/gm)].map(([, name = '']) => name));

const given = (parsed: Parsed, name: string): readonly string[] => {
  const { env = [], keys = false, secrets = [] } = functionsOf(parsed)[name] ?? {};
  return [
    ...Object.keys((localsIn(parsed, 'aurora')['common_env'] ?? {}) as Block),
    ...env,
    ...(keys ? Object.keys(KEYS) : []),
    ...secrets,
  ];
};
/** Read by others than shared/config.ts: the stack of an error goes to nobody. */
const NODE_ENV = 'NODE_ENV';

const VALUES = {
  AURORA_PLATFORM: 'gcp',
  AURORA_PROJECT: ref('var.project'),
  AURORA_BUCKET: ref('module.bucket.name'),
  AURORA_DATASET: ref('module.dataset.dataset_id'),
  AURORA_LOCATION: ref('var.location'),
  AURORA_LOG_LEVEL: ref('var.log_level'),
};

export const ENV: readonly Check[] = [
  {
    says: 'a service has the variables that its code reads, and no other',
    breaches: (parsed) => {
      const byModule = setBy(resource(parsed, 'modules/function', 'google_cloud_run_v2_service.this'));
      return FOLDERS.flatMap((name) =>
        differing(name, [...given(parsed, name), ...byModule], [...neededBy(name), NODE_ENV]),
      );
    },
  },
  {
    says: 'the job has those of train, but no caller, and starts no other job',
    breaches: (parsed) => {
      const byModule = setBy(resource(parsed, 'modules/job', 'google_cloud_run_v2_job.this'));
      const not = new Set(['AURORA_AUDIENCE', 'AURORA_CALLERS', 'AURORA_TRAINING_JOB']);
      const { env } = moduleCall(parsed, 'aurora', 'training_job');
      return [
        ...unlike(
          'job',
          { env },
          {
            env: ref(
              '{ for variable, value in local.env["train"] : variable => value if variable != "AURORA_TRAINING_JOB" }',
            ),
          },
        ),
        ...differing(
          'job',
          [...given(parsed, 'train').filter((variable) => variable !== 'AURORA_TRAINING_JOB'), ...byModule],
          [...neededBy('train').filter((variable) => !not.has(variable)), NODE_ENV],
        ),
      ];
    },
  },
  {
    says: 'each variable has its value',
    breaches: (parsed) => {
      const { common_env, own_env } = localsIn(parsed, 'aurora');
      return [
        ...unlike('local.common_env', common_env, VALUES),
        ...unlike('local.own_env', own_env, {
          AURORA_MAX_BYTES_BILLED: ref('tostring(var.max_bytes_billed)'),
          AURORA_SCORE_URL: ref('local.url["score"]'),
          AURORA_STAGE: ref('var.stage'),
          AURORA_TRAINING_JOB: `projects/${ref('var.project')}/locations/${ref('var.region')}/jobs/${ref('local.training_job')}`,
        }),
        ...unlike('module.function', moduleCall(parsed, 'aurora', 'function'), { env: ref('local.env[each.key]') }),
      ];
    },
  },
];
