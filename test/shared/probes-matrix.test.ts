/** All faults of the simulated cluster, one at a time, in pairs, and such as nobody wrote down, before the suite that `vm up` runs. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Suite } from '#shared/probes/suite.ts';
import { FAULT_NAMES, FAULTS, type FaultName } from '#sim/cluster/faults/catalogue.ts';
import { uniforms } from '#sim/market/random.ts';
import { testCases } from '#test/support/cases.ts';
import { type GeneratedFault, generateFault } from '#test/support/generated-faults.ts';
import { failing, LASTS_MS, type Matrix, openMatrix } from '#test/support/probe-matrix.ts';

const PSI = ['psi-field-state', 'psi-field-name', 'psi-field-metrics'];
const ROUTER_NAMES = ['router-name', 'api-name'];
const ONE_ROUTER = ['router-pods', 'router-rollout'];
/** Lists of more than two objects. */
const LONG_LISTS = [
  'nodes',
  'psi-field-pods',
  'scheduler-pods',
  'router-pods',
  'psi-field-rollout',
  'scheduler-rollout',
  'router-rollout',
  'keda-operator',
];

/** Which checks are bad under a fault, by what it does (sim/cluster/faults/catalogue.ts). */
const BAD: Readonly<Record<Exclude<FaultName, Apart>, readonly string[]>> = {
  psi_import_failed: ['psi-field-state'],
  psi_not_initialized: ['psi-field-state'],
  psi_frozen: ['psi-field-state'],
  psi_prediction_error_high: ['psi-field-state'],
  psi_down: PSI,
  psi_not_json: ['psi-field-state', 'psi-field-name'],

  scheduler_degraded: ['scheduler-anchors', 'scheduler-name'],
  scheduler_anchors_frozen: ['scheduler-anchors', 'scheduler-metrics'],
  scheduler_down: ['scheduler-anchors', 'scheduler-metrics', 'scheduler-name'],

  router_down: ['route-metrics', ...ROUTER_NAMES],
  router_slow: ['route-metrics', ...ROUTER_NAMES],

  analytics_slow: ['analytics-page'],

  ingress_wrong_backend: ['ingress-address', 'router-name'],
  ingress_no_address: ['ingress-address'],

  certificate_provisioning: ['certificate'],
  certificate_domain_failed: ['certificate'],

  tls_expired: ['ingress-tls'],
  tls_expiring: ['ingress-tls'],
  tls_wrong_host: ['ingress-tls'],
  tls_self_signed: ['ingress-tls'],
  tls_revoked: ['ingress-tls'],
  tls_chain_incomplete: ['ingress-tls'],

  pod_crash_loop: ONE_ROUTER,
  pod_pending: ONE_ROUTER,
  pod_not_ready: ONE_ROUTER,
  pod_missing: [...ONE_ROUTER, 'route-metrics', ...ROUTER_NAMES],
  pod_image_pull: ONE_ROUTER,
  pod_restarting: ['router-pods'],

  node_not_ready: ['nodes'],
  node_pressure: ['nodes'],

  rollout_stuck: ['router-rollout'],
  rollout_unavailable: ['router-rollout'],
  rollout_unobserved: ['router-rollout'],

  keda_down: ['keda-operator'],
  scaled_object_not_ready: ['psi-field-scaler'],
  scaled_object_bounds: ['psi-field-scaler'],
  scaled_object_missing: ['psi-field-scaler'],
  scaled_object_paused: ['psi-field-scaler'],

  metrics_missing_series: ['scheduler-metrics'],
  metrics_frozen: ['scheduler-metrics'],
  metrics_garbage: ['scheduler-metrics'],
  metrics_down: ['scheduler-metrics'],
  slow_endpoint: ['scheduler-metrics'],

  api_unauthorized: ['cluster'],
  api_forbidden: [
    ...LONG_LISTS,
    'psi-field-scaler',
    'scheduler-scaler',
    'gpu-job-scaler',
    'ingress-address',
    'certificate',
  ],
  api_down: ['cluster'],
  api_slow: ['cluster-speed'],
  api_continue_expired: LONG_LISTS,

  loki_down: ['loki-ready'],
  loki_not_ready: ['loki-ready'],
  tempo_down: ['tempo-ready'],

  small_pages: [],
  completed_job_pod: [],
  old_restarts: [],
};
/**
 * One call in five is for the alerts to judge; whether replicas change is seen by who makes them change: scale_to_zero, which is opt-in; what
 * has no work is awake until KEDA has cooled down.
 */
type Apart = 'flapping' | 'no_work' | 'scaler_stuck';
const KNOWN = Object.keys(BAD) as (keyof typeof BAD)[];

/** Checks that are about what a generated fault is about. */
const ABOUT: Readonly<Record<string, readonly string[]>> = {
  'pods of psi-field': ['psi-field-pods'],
  'pods of scheduler': ['scheduler-pods'],
  'pods of aurora-router': ['router-pods'],
  'pods of keda-operator': ['keda-operator'],
  'deployment psi-field': ['psi-field-rollout'],
  'deployment scheduler': ['scheduler-rollout'],
  'deployment aurora-router': ['router-rollout'],
  'scaler psi-field-scaler': ['psi-field-scaler'],
  'scaler scheduler-scaler': ['scheduler-scaler'],
  'scaler gpu-job-scaler': ['gpu-job-scaler'],
  nodes: ['nodes'],
  ingress: ['ingress-address'],
  certificate: ['certificate'],
  'service psi-field': PSI,
  'service scheduler': ['scheduler-anchors', 'scheduler-metrics', 'scheduler-name'],
  'service aurora-router': ['route-metrics', ...ROUTER_NAMES],
  'service analytics': ['analytics-page'],
  'service loki': ['loki-ready'],
  'service tempo': ['tempo-ready'],
  nothing: [],
};

/** A run of all checks takes a twentieth of a second. */
const PAIRS = Math.ceil(testCases * 0.04);
const GENERATED = Math.ceil(testCases * 0.05);

/** Of things that are to be found. */
interface Score {
  found: number;
  missed: string[];
  wrong: string[];
}
const newScore = (): Score => ({ found: 0, missed: [], wrong: [] });
const precision = ({ found, wrong }: Score): number => found / (found + wrong.length);
const recall = ({ found, missed }: Score): number => found / (found + missed.length);
const shownScore = (score: Score): string =>
  `precision ${precision(score).toFixed(3)}, recall ${recall(score).toFixed(3)}`;

function count(score: Score, fault: string, expected: ReadonlySet<string>, bad: ReadonlySet<string>): void {
  const missed = [...expected].filter((id) => !bad.has(id));
  score.found += expected.size - missed.length;
  score.missed.push(...missed.map((id) => `${fault}: ${id}`));
  score.wrong.push(...[...bad].filter((id) => !expected.has(id)).map((id) => `${fault}: ${id}`));
}

/** What is looked at: none of those whose need is bad, or is not looked at itself. */
function without(suite: Suite, bad: ReadonlySet<string>): ReadonlySet<string> {
  const out = new Set<string>();
  for (const { id, needs } of suite.checks) if (needs.some((need) => bad.has(need) || out.has(need))) out.add(id);
  return new Set([...bad].filter((id) => !out.has(id)));
}

let matrix: Matrix;
beforeAll(async () => {
  matrix = await openMatrix();
});
afterAll(() => matrix.close());
beforeEach(() => {
  matrix.cluster.faults.set([]);
  matrix.cluster.alterObjects(null);
  matrix.cluster.alterReplies(null);
});

const badUnder = async (faults: readonly FaultName[]): Promise<ReadonlySet<string>> => {
  matrix.cluster.faults.set([]);
  matrix.cluster.faults.set(faults);
  return new Set(failing(await matrix.run()));
};
const told: string[] = [];
afterAll(() => void process.stderr.write(`${told.toSorted().join('; ')}\n`));

test('what is well is found well, by every check', async () => {
  const { results, verdict } = await matrix.run();
  expect(results.filter(({ status }) => status !== 'pass')).toEqual([]);
  expect(results.map(({ check_id }) => check_id)).toEqual(matrix.suite.checks.map(({ id }) => id));
  expect(verdict).toBe('passed');
  expect([...new Set(Object.values(ABOUT).flat())].filter((id) => !results.some((one) => one.check_id === id))).toEqual(
    [],
  );
});

test('each fault of the table', async () => {
  const score = newScore();
  for (const fault of KNOWN) count(score, fault, new Set(BAD[fault]), await badUnder([fault]));
  expect({ missed: score.missed, wrong: score.wrong }).toEqual({ missed: [], wrong: [] });
  const harmless = KNOWN.filter((fault) => FAULTS[fault].class === 'harmless');
  expect(harmless.filter((fault) => BAD[fault].length > 0)).toEqual([]);
  const unwell = KNOWN.length - harmless.length;
  expect(unwell).toBeGreaterThanOrEqual(40);
  told.push(`1: ${unwell} single faults and ${harmless.length} that are none: ${shownScore(score)}`);
});

describe('what the table leaves out', () => {
  test('is nothing else', () => {
    expect(FAULT_NAMES.filter((fault) => !(KNOWN as readonly string[]).includes(fault))).toEqual([
      'flapping',
      'no_work',
      'scaler_stuck',
    ]);
  });

  test('a service that refuses one call in five: none but its own checks are ever bad', async () => {
    expect([...(await badUnder(['flapping']))].filter((id) => !PSI.includes(id))).toEqual([]);
  });

  test('no work: once KEDA has cooled down, what sleeps answers nobody, and its scalers are well', async () => {
    expect([...(await badUnder(['no_work']))]).toEqual([]);
    await matrix.run();
    const asleep = failing(await matrix.run());
    expect(asleep.toSorted()).toEqual([...PSI, 'scheduler-anchors', 'scheduler-metrics', 'scheduler-name'].toSorted());
    matrix.cluster.faults.set([]);
    expect(failing(await matrix.run())).toEqual([]);
  });

  test('a scaler that is stuck and says that all is well', async () => {
    expect([...(await badUnder(['scaler_stuck']))]).toEqual([]);
  });
});

test('pairs of faults', async () => {
  const draw = uniforms('pairs', 1);
  const score = newScore();
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const first = KNOWN[Math.floor(draw() * KNOWN.length)] ?? 'psi_down';
    const others = KNOWN.filter((fault) => fault !== first);
    const second = others[Math.floor(draw() * others.length)] ?? 'psi_down';
    const expected = without(matrix.suite, new Set([...BAD[first], ...BAD[second]]));
    count(score, `${first} and ${second}`, expected, await badUnder([first, second]));
  }
  expect({ missed: score.missed, wrong: score.wrong }).toEqual({ missed: [], wrong: [] });
  told.push(`2: ${PAIRS} pairs: ${shownScore(score)}`);
});

test('faults that the checks were not written against', async () => {
  const score = newScore();
  const { cluster, clock } = matrix;
  const begin = ({ alterObjects, alterReplies }: GeneratedFault): void => {
    cluster.alterObjects(alterObjects);
    cluster.alterReplies(alterReplies);
  };
  const targets = new Set<string>();
  let none = 0;
  for (let seed = 1; seed <= GENERATED; seed += 1) {
    const fault = generateFault(seed, clock.now() + LASTS_MS);
    begin(fault);
    const bad = failing(await matrix.run());
    const name = `${seed}: ${fault.target}: ${fault.does}`;
    const about = ABOUT[fault.target] ?? [];
    targets.add(fault.target);
    if (bad.some((id) => about.includes(id))) score.found += 1;
    else if (about.length > 0) score.missed.push(name);
    else none += 1;
    score.wrong.push(...bad.filter((id) => !about.includes(id)).map((id) => `${name}: ${id}`));
  }
  expect({ missed: score.missed, wrong: score.wrong }).toEqual({ missed: [], wrong: [] });
  expect(Object.keys(ABOUT)).toEqual(expect.arrayContaining([...targets]));
  expect(none).toBeGreaterThan(0);
  told.push(
    `3: ${GENERATED} generated ones of ${targets.size - 1} targets, ${none} of them none: ${shownScore(score)}`,
  );
});
