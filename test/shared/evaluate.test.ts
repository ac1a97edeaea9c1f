import { beforeAll, describe, expect, it } from 'vitest';
import { blockBootstrap } from '#shared/learning/evaluate/bootstrap.ts';
import { calibrationOf } from '#shared/learning/evaluate/calibration.ts';
import type { Evaluation } from '#shared/learning/evaluate/index.ts';
import { baseRates } from '#shared/learning/evaluate/predictions.ts';
import type { Example } from '#shared/learning/example.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { type Split, splitByTime } from '#shared/learning/train/split.ts';
import { evaluateModel, type StoredModel } from '#test/support/evaluate-model.ts';
import { TOY_CONFIG, TOY_SET, TOY_TIMES, toyExamples, toyRows } from '#test/support/learning.ts';
import { networkOf } from '#test/support/network-of.ts';

const rows = toyRows({ rows: 2_000, seed: 3 });
const examples = rows.map(({ example }) => example);
const truth = new Map(rows.map(({ example, trueCompletion }) => [example.decision_id, trueCompletion]));

async function train(from: readonly Example[], epochs: number): Promise<{ model: StoredModel; split: Split }> {
  const config = { ...TOY_CONFIG, epochs };
  const model = await networkOf({ examples: from, config, featureSet: TOY_SET, ...TOY_TIMES });
  return { model, split: splitByTime(from, model.manifest.training.holdout_rows) };
}

let good: Awaited<ReturnType<typeof train>>;
let useless: Awaited<ReturnType<typeof train>>;
let report: Evaluation;
beforeAll(async () => {
  good = await train(examples, 20);
  useless = await train(toyExamples({ rows: 2_000, seed: 4, signal: 0 }), 3);
  report = await evaluateModel({ ...good.split, challenger: good.model, champion: useless.model, seed: 1 });
});

describe('evaluateModel', () => {
  it('finds the planted signal, most of what the truth itself could give', () => {
    const { completion, start } = report;
    if (completion === null || start === null) throw new Error('no report');
    // The truth's own log-loss on the same rows: no model can beat it by more than luck.
    const best = meanOf(
      good.split.holdout.map((row) => {
        const p = truth.get(row.decision_id) ?? Number.NaN;
        return -Math.log(row.interrupted === 0 ? p : 1 - p);
      }),
    );
    expect(completion.over_base.low).toBeGreaterThan(0.1);
    expect(start.over_base.low).toBeGreaterThan(0.05);
    const reached = (completion.base.log_loss - completion.challenger.log_loss) / (completion.base.log_loss - best);
    expect(reached).toBeGreaterThan(0.8);
    expect(completion.challenger.brier).toBeLessThan(completion.base.brier);
    expect(completion.calibration.error).toBeLessThan(completion.calibration.noise + 0.05);
    for (const head of ['price', 'latency', 'ready'] as const)
      expect(report[head]?.challenger ?? 1).toBeLessThan(0.8 * (report[head]?.base ?? 0));
  });

  it('sees that a champion without signal is worse', () => {
    expect(report.champion).toBe(useless.model.manifest.version);
    expect(report.completion?.over_champion?.low).toBeGreaterThan(0.1);
  });

  it('finds no difference between a model and itself', async () => {
    const same = await evaluateModel({ ...good.split, challenger: good.model, champion: good.model, seed: 1 });
    expect(same.completion?.over_champion).toEqual({ mean: 0, low: 0, high: 0 });
  });

  it('repeats, whatever the order of the rows', async () => {
    const { training, holdout } = good.split;
    const again = await evaluateModel({
      training,
      holdout: holdout.toReversed(),
      challenger: good.model,
      champion: useless.model,
      seed: 1,
    });
    expect(again).toEqual(report);
  });

  it("leaves out and counts rows that are not the model's", async () => {
    const [first, second, ...rest] = good.split.holdout;
    if (first === undefined || second === undefined) throw new Error('no rows');
    const holdout = [
      { ...first, features: { ...first.features, hash: 'other' } },
      { ...second, features: { ...second.features, numeric: [Number.NaN, 0, 0, 0] } },
      ...rest,
    ];
    const mixed = await evaluateModel({ ...good.split, holdout, challenger: good.model, champion: null, seed: 1 });
    expect(mixed).toMatchObject({ refused_rows: 2, rows: rest.length, finite: true });
  });

  it('judges without a champion that cannot run here, and says why', async () => {
    const { manifest, weights } = useless.model;
    const foreign = { manifest: { ...manifest, feature_set: { set: 'older', hash: 'h' } }, weights };
    const alone = await evaluateModel({ ...good.split, challenger: good.model, champion: foreign, seed: 1 });
    expect(alone).toMatchObject({ champion: null, champion_skipped: expect.stringContaining('older') });
    expect(alone.completion?.over_champion).toBeNull();
  });

  it('does not fall over an empty holdout', async () => {
    const empty = await evaluateModel({ ...good.split, holdout: [], challenger: good.model, champion: null, seed: 1 });
    expect(empty).toMatchObject({ rows: 0, start: null, completion: null, price: null });
  });

  it('says so when outputs overflow', async () => {
    const weights = good.model.weights.slice();
    const view = new DataView(weights.buffer);
    for (let at = 0; at < weights.byteLength; at += 4) view.setFloat32(at, 3e38, true);
    const broken = { ...good.model, weights };
    expect((await evaluateModel({ ...good.split, challenger: broken, champion: null, seed: 1 })).finite).toBe(false);
  });
});

describe('base rates', () => {
  it('take the better of the plain share and the constant hazard', () => {
    const { training } = good.split;
    const [short, long] = [{ ...training[0], run_hours: 1 } as Example, { ...training[0], run_hours: 12 } as Example];
    const byHours = baseRates(training, [short, long]).completion;
    expect(byHours[0]).toBeGreaterThan(byHours[1] ?? 1);
    // Interrupted at the very start of long runs: exposure says nothing there, the share does.
    const early = training.map((row) => (row.interrupted === 1 ? { ...row, exposure_hours: 1 / 60 } : row));
    const odd = early.map((row) => ({ ...row, run_hours: row.interrupted === 0 ? 50 : 1 }));
    const byShare = baseRates(odd, [short, long]).completion;
    expect(byShare[0]).toBe(byShare[1]);
  });

  it('of what never happened are not zero', () => {
    const sure = toyExamples({ rows: 100, seed: 1, neverFails: true });
    expect(baseRates(sure, sure).start[0]).toBeCloseTo(100.5 / 101, 10);
  });
});

describe('calibrationOf', () => {
  const random = seededRandom(9);
  const claims = Float64Array.from({ length: 20_000 }, () => 0.05 + 0.9 * random.next());
  const drawn = (p: Float64Array): Uint8Array => Uint8Array.from(p, (value) => (random.next() < value ? 1 : 0));

  it('finds nothing in true claims but noise', () => {
    const { error, noise, slope } = calibrationOf(claims, drawn(claims)) ?? { error: 1, noise: 0, slope: 0 };
    expect(error).toBeLessThan(2 * noise);
    expect(slope).toBeGreaterThan(0.95);
    expect(slope).toBeLessThan(1.05);
  });

  it('finds the slope of claims that are twice too sure', () => {
    const sharpened = claims.map((p) => p ** 2 / (p ** 2 + (1 - p) ** 2));
    const { error, slope } = calibrationOf(sharpened, drawn(claims)) ?? { error: 0, slope: 0 };
    expect(slope).toBeCloseTo(0.5, 1);
    expect(error).toBeGreaterThan(0.08);
  });

  it('finds the slope of a few claims that are far too sure', () => {
    const few = claims.slice(0, 60);
    const extreme = few.map((p) => 1 / (1 + (1 / p - 1) ** 6));
    const slope = calibrationOf(extreme, drawn(few))?.slope ?? null;
    expect(slope).toBeGreaterThan(0);
    expect(slope).toBeLessThan(0.4);
  });

  it('has no slope for one class or constant claims', () => {
    expect(calibrationOf(claims, new Uint8Array(claims.length))?.slope).toBeNull();
    expect(
      calibrationOf(
        claims.map(() => 0.5),
        drawn(claims),
      )?.slope,
    ).toBeNull();
    expect(calibrationOf(new Float64Array(0), new Uint8Array(0))).toBeNull();
  });
});

describe('blockBootstrap', () => {
  it('covers the mean about as often as it says', () => {
    const random = seededRandom(2);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const values = Float64Array.from({ length: 600 }, () => random.next() ** 2);
      const interval = blockBootstrap(values, trial);
      if (interval !== null && interval.low <= 1 / 3 && interval.high >= 1 / 3) covered++;
    }
    expect(covered).toBeGreaterThan(180);
    expect(covered).toBeLessThan(200);
  });

  it('is wider where neighbours agree', () => {
    const random = seededRandom(3);
    const spell = Float64Array.from({ length: 100 }, () => random.next());
    const sticky = Float64Array.from({ length: 10_000 }, (_, i) => spell[Math.floor(i / 100)] ?? 0);
    const width = (values: Float64Array): number => {
      const { low, high } = blockBootstrap(values, 1) ?? { low: 0, high: 0 };
      return high - low;
    };
    expect(width(sticky)).toBeGreaterThan(4 * width(Float64Array.from({ length: 10_000 }, () => random.next())));
    expect(blockBootstrap(new Float64Array(0), 1)).toBeNull();
  });
});

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
