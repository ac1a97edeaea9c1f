import { expect, test } from 'vitest';
import { type Entry, entryOf } from '#functions/learn/study/entry.ts';
import { createLedger } from '#functions/learn/study/ledger.ts';
import { decodeStatistics, type Statistics } from '#functions/learn/study/statistics.ts';
import { modelPromoted, type Payload, routingOutcome } from '#shared/domain/events/catalogue.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type Baseline, NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import { attemptKey } from '#shared/learning/fast/lesson.ts';
import { networkBaselines } from '#shared/learning/fast/network-baseline.ts';
import { createNetwork } from '#shared/learning/network.ts';
import type { OutOfFold } from '#shared/learning/out-of-fold.ts';
import type { WholeVersion } from '#shared/registry/registry.ts';
import { learnHouse } from '#test/support/learn-house.ts';
import { aModel, older } from '#test/support/model.ts';
import { deliver } from '#test/support/push.ts';
import { maturedMs, recordedOutcomes } from '#test/support/record.ts';

/** The learners of versions: what each starts from, and how it goes on. */
const OUTCOMES = recordedOutcomes(40);
const NOW = maturedMs(40);
const oks = (n: number): number[] => Array(n).fill(204);
const other = (outcome: Outcome, changes: Partial<Outcome>): Outcome => ({ ...outcome, ...changes });

const promotion = (changes: Partial<Payload<'model-promoted'>> = {}): Payload<'model-promoted'> => ({
  alias: 'apprentice',
  sequence: 1,
  version: 'v1',
  previous_version: null,
  promoted_at: rfc3339(NOW),
  verdict: null,
  promoted_by: 'test',
  reason: 'test',
  forced: false,
  ...changes,
});
const move = { by: 'test', reason: 'test', verdict: null, forced: false };

/** The training of v1: far from what its network says, so that no row can be taken for another. */
const FORETOLD: readonly OutOfFold[] = OUTCOMES.slice(0, 16).map((outcome, i) => ({
  key: attemptKey(outcome),
  baseline: { start: 2, hazard: -3, price: 2 + i / 8, latency: 0, ready: 11 },
}));
const V1 = aModel({ version: 'v1', outOfFold: FORETOLD });

/** The first half was there when v1 was trained, four of it as the holdout. */
async function houseWithVersion({ model = V1 as WholeVersion, recorded = OUTCOMES, mortal = false } = {}) {
  const house = learnHouse({ atMs: NOW });
  house.record.add(recorded.slice(0, 20), NOW - 2_000);
  house.record.add(recorded.slice(20), NOW - 1_000);
  const training = { ...model.manifest.training, watermark: rfc3339(NOW - 2_000) };
  await house.registry.publishVersion({ ...model.manifest, training }, model.files);
  const app = await house.started({ mortal });
  await house.registry.moveAlias('apprentice', { ...move, version: 'v1' });
  return { ...house, app };
}
type House = Awaited<ReturnType<typeof houseWithVersion>>;

/** By how much each outcome's price is corrected. */
const correctionsOf = ({ learner: known }: Statistics): readonly number[] => {
  const learner = createFastLearner(known);
  return OUTCOMES.map(({ features }) => learner.estimate(features as Features, NO_RECORD, NOW).mean.price);
};
/** Of a learner that was told the baselines by hand. */
const taught = (told: ReadonlyMap<string, Baseline>): readonly number[] => {
  const network = networkBaselines(createNetwork(V1.manifest, V1.files['weights.bin']), V1.manifest.targets);
  const ledger = createLedger('v1', null, {
    baselines: ({ key, features }) => told.get(key) ?? network([features])[0] ?? null,
    stopwatchMs: () => 0,
  });
  ledger.take(OUTCOMES.map((outcome) => entryOf(routingOutcome.eventId(outcome), outcome) as Entry));
  return correctionsOf(decodeStatistics('v1', ledger.snapshot(NOW, true).statistics));
};
const furthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
const HONEST = taught(new Map(FORETOLD.map(({ key, baseline }) => [key, baseline])));
const BY_NETWORK_ALONE = furthest(taught(new Map()), HONEST);
const expectHonest = async (house: Pick<House, 'statistics'>): Promise<void> => {
  const statistics = await house.statistics('v1');
  expect(statistics.learner.observations).toBe(40);
  // In which order it heard of them, and when it was refitted, moves it a little.
  expect(furthest(correctionsOf(statistics), HONEST)).toBeLessThan(BY_NETWORK_ALONE / 10);
};

test('named by an alias: rows of its training are corrected from what was foretold of them, all others from its network', async () => {
  const house = await houseWithVersion();
  expect(await house.passing(deliver(house.app, modelPromoted, promotion()))).toBe(204);
  await expectHonest(house);
  await house.app.drain();
});

test('what its training saw and only comes by the bus afterwards is known for what it is', async () => {
  const house = await houseWithVersion({ recorded: [] });
  await house.passing(deliver(house.app, modelPromoted, promotion()));
  expect(await house.hear(house.app, OUTCOMES)).toEqual(oks(40));
  await expectHonest(house);
  await house.app.drain();
});

test('killed at any step while it is built, it is built anew, and each row once', async () => {
  let died = true;
  for (let step = 1; died; step++)
    for (const when of ['before', 'after'] as const) {
      const house = await houseWithVersion({ mortal: true });
      house.deaths.killAt(step, when);
      await house.passing(deliver(house.app, modelPromoted, promotion()));
      died = house.deaths.revive();
      const second = await house.started();
      expect(await house.passing(deliver(second, modelPromoted, promotion()))).toBe(204);
      await expectHonest(house);
      await second.drain();
    }
});

test('an older version, which tells nothing of its training: built from what that cannot have seen', async () => {
  const house = await houseWithVersion({ model: older(V1) });
  expect(await house.passing(deliver(house.app, modelPromoted, promotion()))).toBe(204);
  expect((await house.statistics('v1')).learner.observations).toBe(20);
  await house.app.drain();
});

test('built, it hears what comes', async () => {
  const house = await houseWithVersion();
  expect(await house.passing(deliver(house.app, modelPromoted, promotion()))).toBe(204);
  expect((await house.posterior('v1')).statisticsGeneration).toBe(await house.generation('v1'));
  const next = [other(OUTCOMES[0] as Outcome, { decision_id: 'next', observed_at: rfc3339(NOW) })];
  expect(await house.hear(house.app, next)).toEqual([204]);
  expect((await house.statistics('v1')).learner.observations).toBe(41);
  expect((await house.statistics()).learner.observations).toBe(41);
  await house.app.drain();
});

test('told again, or found at the next start, nothing is built twice', async () => {
  const house = await houseWithVersion();
  await house.passing(deliver(house.app, modelPromoted, promotion()));
  const before = await house.generation('v1');
  expect(await house.passing(deliver(house.app, modelPromoted, promotion()))).toBe(204);
  expect(await house.generation('v1')).toBe(before);
  await house.app.drain();
  const app = await house.started();
  expect(await house.passing(deliver(app, modelPromoted, promotion()))).toBe(204);
  expect((await house.statistics('v1')).learner.observations).toBe(40);
  await app.drain();
});

test.each(['weights.bin', 'out-of-fold.bin'])(
  '%s damaged: it holds up nobody, the learner on its own goes on',
  async (file) => {
    const house = await houseWithVersion();
    house.objects.corrupt(`models/router/v1/${file}`, new Uint8Array([1]));
    expect(await house.passing(deliver(house.app, modelPromoted, promotion()))).toBe(204);
    expect(await house.generation('v1')).toBeNull();
    const next = [other(OUTCOMES[0] as Outcome, { decision_id: 'next', observed_at: rfc3339(NOW) })];
    expect(await house.hear(house.app, next)).toEqual([204]);
    await house.app.drain();
  },
);

test('named no more it is left as it is; named again it catches up from the record', async () => {
  const house = await houseWithVersion();
  await house.passing(deliver(house.app, modelPromoted, promotion()));
  await house.registry.moveAlias('apprentice', { ...move, version: null });
  await house.passing(deliver(house.app, modelPromoted, promotion({ sequence: 2, version: null })));
  const missed = other(OUTCOMES[0] as Outcome, { decision_id: 'missed', observed_at: rfc3339(NOW) });
  expect(await house.hear(house.app, [missed])).toEqual([204]);
  house.record.add([missed], NOW);
  expect((await house.statistics('v1')).learner.observations).toBe(40);
  await house.registry.moveAlias('apprentice', { ...move, version: 'v1' });
  await house.passing(deliver(house.app, modelPromoted, promotion({ sequence: 3 })));
  expect((await house.statistics('v1')).learner.observations).toBe(41);
  await house.app.drain();
});
