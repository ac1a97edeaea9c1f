import { describe, expect, it } from 'vitest';
import type { BinaryReport, Evaluation } from '#shared/learning/evaluate/index.ts';
import { judge } from '#shared/learning/gate/judge.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import { verdict as verdictSchema } from '#shared/registry/verdict.ts';
import { testCases } from '#test/support/cases.ts';
import { evaluateModel } from '#test/support/evaluate-model.ts';
import { TOY_CONFIG, TOY_SET, TOY_TIMES, toyExamples } from '#test/support/learning.ts';
import { networkOf } from '#test/support/network-of.ts';

const decidedAt = '2026-02-01T00:00:00.000Z';

const head: BinaryReport = {
  yes: 300,
  no: 105,
  challenger: { log_loss: 0.4, brier: 0.13 },
  calibration: { error: 0.03, noise: 0.03, slope: 1 },
  base: { log_loss: 0.55, brier: 0.2 },
  over_base: { mean: 0.15, low: 0.1, high: 0.2 },
  champion: null,
  over_champion: null,
  linear: null,
  over_linear: null,
  network: null,
};
const against = (mean: number, low: number, high: number): BinaryReport => ({
  ...head,
  champion: { log_loss: 0.4 + mean, brier: 0.14 },
  over_champion: { mean, low, high },
});
const sound: Evaluation = {
  version: 'v2',
  champion: null,
  champion_skipped: null,
  training_rows: 1_600,
  rows: 405,
  refused_rows: 0,
  explored_rows: 405,
  finite: true,
  start: head,
  completion: head,
  price: { rows: 300, challenger: 0.1, base: 0.2, champion: null, linear: null, network: null },
  latency: { rows: 300, challenger: 0.1, base: 0.2, champion: null, linear: null, network: null },
  ready: null,
  policy: null,
  drift: null,
};
const contested: Evaluation = {
  ...sound,
  champion: 'v1',
  start: against(0, -0.02, 0.02),
  completion: against(0.02, -0.005, 0.045),
};
const oneClass: BinaryReport = { ...head, yes: 405, no: 0, over_base: { mean: -0.01, low: -0.02, high: -0.001 } };

describe('judge', () => {
  it.each<[string, Evaluation, string, RegExp]>([
    [
      'better than the base rates, no champion',
      sound,
      'promote',
      /^completion: log-loss 0\.400 against 0\.550 of the base rates, better by 0\.150/,
    ],
    ['better than the champion', contested, 'promote', /the base rates/],
    ['a champion that cannot run here', { ...sound, champion_skipped: 'older' }, 'promote', /the base rates/],
    ['exactly enough rows', { ...sound, rows: 200, explored_rows: 50 }, 'promote', /./],
    ['exactly enough failures', { ...sound, completion: { ...head, no: 10 } }, 'promote', /./],
    [
      'calibration at its limit',
      { ...sound, completion: { ...head, calibration: { error: 0.08, noise: 0.03, slope: 0.5 } } },
      'promote',
      /./,
    ],
    [
      'an interval that begins above 0',
      { ...sound, completion: { ...head, over_base: { mean: 0.1, low: 1e-9, high: 0.2 } } },
      'promote',
      /./,
    ],

    [
      'prices that never vary, met but for rounding',
      { ...sound, price: { rows: 300, challenger: 0.02, base: 0, champion: null, linear: null, network: null } },
      'promote',
      /./,
    ],

    ['a broken output', { ...sound, finite: false }, 'reject', /^finite: an output is not a finite number$/],
    ['a broken output on few rows', { ...sound, rows: 3, finite: false }, 'reject', /^finite/],
    [
      'clearly worse than the base rates',
      { ...sound, completion: { ...head, over_base: { mean: -0.1, low: -0.2, high: -0.001 } } },
      'reject',
      /^completion: log-loss .* worse by 0\.100/,
    ],
    [
      'a start head clearly worse than its base rate',
      { ...sound, start: { ...head, over_base: { mean: -0.1, low: -0.2, high: -0.001 } } },
      'reject',
      /^start: /,
    ],
    [
      'clearly worse than the champion',
      { ...contested, completion: against(-0.05, -0.08, -0.02) },
      'reject',
      /champion v1, worse by 0\.050/,
    ],
    [
      "a start head clearly worse than the champion's",
      { ...contested, start: against(-0.05, -0.08, -0.02) },
      'reject',
      /^start: .*champion v1/,
    ],

    [
      'an interval that touches 0',
      { ...sound, completion: { ...head, over_base: { mean: 0.1, low: 0, high: 0.2 } } },
      'not-enough-evidence',
      /needed: above 0\)$/,
    ],
    [
      'a champion that may be as good',
      { ...contested, completion: against(0.01, -0.01, 0.03) },
      'not-enough-evidence',
      /needed: above -0\.01 with a mean above 0\)$/,
    ],
    ['the same as the champion', { ...contested, completion: against(0, 0, 0) }, 'not-enough-evidence', /champion v1/],
    ['too few rows', { ...sound, rows: 199 }, 'not-enough-evidence', /^holdout: 199 rows, at least 200 are needed$/],
    [
      'one class',
      { ...sound, completion: oneClass },
      'not-enough-evidence',
      /^completion: one class only \(0 failures in 405 holdout rows\)$/,
    ],
    [
      'nothing ever started',
      { ...sound, start: { ...oneClass, yes: 0, no: 405 } },
      'not-enough-evidence',
      /^start: one class only \(0 starts in 405 holdout rows\)$/,
    ],
    [
      'too few failures',
      { ...sound, completion: { ...head, yes: 396, no: 9 } },
      'not-enough-evidence',
      /^completion: 9 failures in 405 holdout rows, at least 10 are needed$/,
    ],
    ['no exploration', { ...sound, explored_rows: 0 }, 'not-enough-evidence', /^exploration: 0 of 405 holdout rows/],
    ['foreign rows', { ...sound, refused_rows: 1 }, 'not-enough-evidence', /^schema: 1 of 406 holdout rows/],
    [
      'badly calibrated',
      { ...sound, completion: { ...head, calibration: { error: 0.081, noise: 0.03, slope: 1 } } },
      'not-enough-evidence',
      /^completion: calibration error 0\.081, at most 0\.080/,
    ],
    [
      'overconfident',
      { ...sound, completion: { ...head, calibration: { error: 0.03, noise: 0.03, slope: 0.49 } } },
      'not-enough-evidence',
      /^completion: calibration slope 0\.490, 0\.5 to 2 is allowed$/,
    ],
    [
      'a price head that errs wildly',
      { ...sound, price: { rows: 300, challenger: 0.28, base: 0.2, champion: null, linear: null, network: null } },
      'not-enough-evidence',
      /^price: mean error of the logarithm 0\.280, at most 0\.270 is allowed \(the base rates err by 0\.200\)$/,
    ],
    [
      'a ready head that errs wildly',
      { ...sound, ready: { rows: 300, challenger: 3, base: 0.5, champion: null, linear: null, network: null } },
      'not-enough-evidence',
      /^ready: /,
    ],
    [
      'an unknown slope',
      { ...sound, completion: { ...head, calibration: { error: 0.03, noise: 0.03, slope: null } } },
      'not-enough-evidence',
      /slope unknown/,
    ],
    [
      'no rows at all',
      { ...sound, rows: 0, start: null, completion: null, price: null, latency: null },
      'not-enough-evidence',
      /^holdout: 0 rows/,
    ],
  ])('%s', (_, evaluation, expected, reason) => {
    const verdict = judge({ evaluation, decidedAt, scoringMs: null });
    expect(verdictSchema.parse(verdict)).toEqual(verdict);
    expect(verdict.verdict).toBe(expected);
    expect(verdict.reasons[0]).toMatch(reason);
    expect(verdict).toMatchObject({ decided_at: decidedAt, compared_with: evaluation.champion });
  });

  it('writes numbers that are not finite as unknown', () => {
    const nan = { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
    const completion = { ...head, challenger: { log_loss: Number.NaN, brier: Number.NaN }, over_base: nan };
    const verdict = judge({ evaluation: { ...sound, finite: false, completion }, decidedAt, scoringMs: null });
    expect(verdictSchema.parse(verdict).metrics['completion_log_loss']).toBeNull();
    expect(verdict.verdict).toBe('reject');
  });
});

describe('by simulation, seeds fixed', () => {
  const judged = async (seed: number, { useless = false, neverFails = false } = {}): Promise<string> => {
    const rows = toyExamples({ rows: 1_200, seed, neverFails });
    // Features of some other row: as rich as ever, and without any bearing on the outcome.
    const examples = useless
      ? rows.map((row, i) => ({ ...row, features: rows[(i + 577) % rows.length]?.features ?? row.features }))
      : rows;
    const request = { examples, config: { ...TOY_CONFIG, epochs: 6, seed }, featureSet: TOY_SET, ...TOY_TIMES };
    const challenger = await networkOf(request);
    const split = splitByTime(examples, challenger.manifest.training.holdout_rows);
    return judge({
      evaluation: await evaluateModel({ ...split, challenger, champion: null, seed }),
      decidedAt,
      scoringMs: null,
    }).verdict;
  };

  it('never promotes a challenger with nothing to learn from', async () => {
    // Five trainings in `npm run test:deep`.
    const seeds = testCases > 1_000 ? 5 : 2;
    for (let seed = 1; seed <= seeds; seed++) expect(await judged(seed, { useless: true })).not.toBe('promote');
  });

  it('promotes one that has', async () => {
    for (let seed = 1; seed <= 2; seed++) expect(await judged(seed)).toBe('promote');
  });

  it('has no verdict on a market that never fails', async () => {
    expect(await judged(1, { neverFails: true })).toBe('not-enough-evidence');
  });
});
