import { describe, expect, test } from 'vitest';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { AlertTransition, CheckResult, CheckStatus } from '#shared/domain/probe.ts';
import { type AlertState, alertState, countRun, QUIET } from '#shared/probes/alerting.ts';
import type { AlertRule } from '#shared/probes/suite.ts';
import { uniforms } from '#sim/market/random.ts';
import { testCases } from '#test/support/cases.ts';

const RULE: AlertRule = { failures: 3, of: 5, clear: 3 };
/** Twice confirmed: bad only when three looks in a row are. */
const LOOKS = [1, 2, 3];
const SLOTS = 1_000;
// A million runs are counted here: what is the same in each is made once.
const TIMES = Array.from({ length: SLOTS }, (_, slot) => rfc3339(Date.UTC(2026, 0, 1) + slot * 60_000));
const at = (slot: number): string => TIMES[slot] ?? '';

function result(status: CheckStatus, given: Partial<CheckResult> = {}): CheckResult {
  return {
    suite: 'local',
    run_id: 'r',
    check_id: 'a',
    kind: 'http',
    category: 'services',
    target: 'router',
    severity: 'critical',
    status,
    observed_at: at(0),
    latency_ms: 3,
    attempts: 1,
    evidence: { status: 500, stuck: null },
    remedy: status === 'pass' ? null : 'Look at its log.',
    maintenance: null,
    ...given,
  };
}

const run = (state: AlertState, slot: number, results: readonly CheckResult[], rules = new Map([['a', RULE]])) =>
  countRun(state, { period: at(slot), runId: `local-${slot}`, suite: 'local', at: at(slot), results, rules });

const BAD = [result('fail')];
const GOOD = [result('pass')];

/** p fail, . pass, e error, s skipped */
const resultsOf = (text: string): readonly CheckResult[] => {
  const statuses: Readonly<Record<string, CheckStatus>> = { p: 'fail', '.': 'pass', e: 'error', s: 'skipped' };
  return [...text].map((one) => result(statuses[one] ?? 'pass'));
};

/** Told of each run before the next, as they are: what was untold in any of them is untold at the end. */
function lived(results: readonly CheckResult[]): AlertState {
  const all: AlertTransition[] = [];
  let state = QUIET;
  for (const [slot, one] of results.entries()) {
    state = run({ ...state, untold: [] }, slot, [one]);
    all.push(...state.untold);
  }
  return { ...state, untold: all };
}
const history = (text: string): AlertState => lived(resultsOf(text));
const told = ({ untold }: AlertState): string[] =>
  untold.map(({ state, dedupe_key, run_id }) => `${state} ${dedupe_key} ${run_id}`);
/** Of the episode that began with the run of a slot. */
const key = (slot: number): string => `local/a/${at(slot)}`;

describe('an alert', () => {
  test.each([
    ['two of five are not enough', 'p.p..p', []],
    ['three in a row', 'ppp', [`firing ${key(2)} local-2`]],
    ['three of six', '.p..p.p', []],
    ['three of five, parted', 'p.p.p', [`firing ${key(4)} local-4`]],
    ['what cannot be looked at is bad too', 'epe', [`firing ${key(2)} local-2`]],
    ['what is skipped says nothing', 'ppssss', []],
    ['nor does it end a row', 'ppssp', [`firing ${key(4)} local-4`]],
    ['fires once while it lasts', 'pppppppp', [`firing ${key(2)} local-2`]],
    ['two good ones do not clear it', 'ppp..p..p', [`firing ${key(2)} local-2`]],
    ['three do', 'ppp...', [`firing ${key(2)} local-2`, `resolved ${key(2)} local-5`]],
    [
      'what was bad before is forgotten when it clears',
      'ppp...pp.p',
      [`firing ${key(2)} local-2`, `resolved ${key(2)} local-5`, `firing ${key(9)} local-9`],
    ],
  ])('%s: %s', (_, text, expected) => {
    expect(told(history(text))).toEqual(expected);
  });

  test('says what fails, and what to do', () => {
    expect(history('ppp').untold[0]).toEqual({
      suite: 'local',
      check_id: 'a',
      state: 'firing',
      dedupe_key: key(2),
      changed_at: at(2),
      firing_since: at(2),
      severity: 'critical',
      summary: 'a fails: status 500, stuck none',
      remedy: 'Look at its log.',
      run_id: 'local-2',
    });
  });

  test('a run that was counted, and one that comes late, change nothing', () => {
    const state = history('pp');
    expect(run(state, 1, [result('fail')])).toBe(state);
    expect(run(state, 0, [result('fail')])).toBe(state);
    expect(told(run(state, 9, [result('fail')]))).toHaveLength(1);
  });

  test('maintenance says nothing', () => {
    const quiet = [0, 1, 2, 3].reduce(
      (state, slot) => run(state, slot, [result('fail', { maintenance: 'upgrade' })]),
      QUIET,
    );
    expect(quiet.untold).toEqual([]);
  });

  test('a check that comes back into the suite begins no episode under a key that was used', () => {
    const gone = run(history('ppp'), 7, [], new Map());
    const told: AlertState = { ...gone, untold: [] };
    const back = [8, 9, 10].reduce((state, slot) => run(state, slot, [result('fail')]), told);
    const keys = [...gone.untold, ...back.untold].map(({ dedupe_key, state }) => `${state} ${dedupe_key}`);
    expect(new Set(keys).size).toBe(3);
  });

  test('whose key is as long as names may be is one that the state can be read back with', () => {
    const [suite, id] = ['s'.repeat(64), 'c'.repeat(64)];
    const rules = new Map([[id, { failures: 1, of: 1, clear: 1 }]]);
    const results = [result('fail', { check_id: id })];
    const state = countRun(QUIET, { period: at(0), runId: 'r', suite, at: at(0), results, rules });
    expect(alertState.parse(state).untold).toHaveLength(1);
  });

  test('episodes that nobody could be told of do not heap up', () => {
    const { untold } = resultsOf('ppp...'.repeat(50)).reduce((state, one, slot) => run(state, slot, [one]), QUIET);
    expect(untold.map(({ state, run_id }) => `${state} ${run_id}`)).toEqual(['firing local-296', 'resolved local-299']);
  });

  test('a check that the suite has no more is resolved', () => {
    const gone = run(history('ppp'), 7, [], new Map());
    expect(told(gone)).toEqual([`firing ${key(2)} local-2`, `resolved ${key(2)} local-7`]);
    expect(gone.checks).toEqual({});
  });
});

test('a check that fails one time in five by chance raises a false alert in less than 1 % of 1,000-run histories', () => {
  const histories = testCases;
  let wrong = 0;
  for (let seed = 1; seed <= histories; seed += 1) {
    const draw = uniforms(seed, 'flapping');
    const rules = new Map([['a', RULE]]);
    let state = QUIET;
    for (let slot = 0; slot < SLOTS && state.untold.length === 0; slot += 1) {
      state = run(state, slot, LOOKS.every(() => draw() < 0.2) ? BAD : GOOD, rules);
    }
    if (state.untold.length > 0) wrong += 1;
  }
  expect(wrong / histories).toBeLessThan(0.01);
  // Otherwise the seeds have shown nothing: without confirmation nearly all of them would.
  let unconfirmed = 0;
  for (let seed = 1; seed <= 50; seed += 1) {
    const draw = uniforms(seed, 'flapping');
    let state = QUIET;
    for (let slot = 0; slot < SLOTS && state.untold.length === 0; slot += 1)
      state = run(state, slot, draw() < 0.2 ? BAD : GOOD);
    if (state.untold.length > 0) unconfirmed += 1;
  }
  expect(unconfirmed).toBe(50);
});

test('a check that goes down, and flaps before and after, alerts in three runs and clears once', () => {
  let [once, atOnce] = [0, 0];
  for (let seed = 1; seed <= testCases; seed += 1) {
    const draw = uniforms(seed, 'down');
    const flaps = (): boolean => LOOKS.every(() => draw() < 0.2);
    const downAt = Math.floor(draw() * 200);
    const upAt = downAt + RULE.failures + Math.floor(draw() * 100);
    const slots = Array.from({ length: upAt + 60 }, (_, slot) => downAt <= slot && slot < upAt);
    const state = lived(slots.map((down) => result(down || flaps() ? 'fail' : 'pass')));
    const atSlots = state.untold.map(({ run_id }) => Number(run_id.split('-')[1]));
    // Whatever flaps beside: it fires in the third run at the latest, and not before it is well does it clear.
    expect(atSlots.some((slot) => downAt <= slot && slot < downAt + RULE.failures)).toBe(true);
    expect(atSlots.filter((slot) => downAt + RULE.failures <= slot && slot < upAt + RULE.clear - 1)).toEqual([]);
    expect(state.untold.at(-1)?.state).toBe('resolved');
    if (atSlots.length === 2) once += 1;
    if (atSlots.includes(upAt + RULE.clear - 1)) atOnce += 1;
  }
  // The rest are false alerts of the flapping, as many as above; and a flap begins the count of good runs anew.
  expect(once / testCases).toBeGreaterThan(0.99);
  expect(atOnce / testCases).toBeGreaterThan(0.95);
});
