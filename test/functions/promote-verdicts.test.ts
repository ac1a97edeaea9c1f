import { beforeAll, describe, expect, test } from 'vitest';
import { LINEAR } from '#shared/domain/actor.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import {
  contraryOf,
  examplesOf,
  FEW,
  MANY,
  promoteHouse,
  RECORD,
  trainedOn,
  untrained,
} from '#test/support/promote-house.ts';
import { maturedMs } from '#test/support/record.ts';

/**
 * What leads to which verdict, over the whole of promote. Reject says "worse or broken" and nothing else; what only lacks
 * proof, or lost it, is not-enough-evidence.
 */
const OUTCOMES = RECORD;
/** Every run starts and completes. */
const NEVER_FAILS: readonly Outcome[] = OUTCOMES.map((outcome) => ({
  ...outcome,
  status: 'completed',
  blame: null,
  ready_ms: 60_000,
  exposure_hours: 1,
  useful_gpu_hours: 2,
}));
const NOTHING_DRAWN: readonly Outcome[] = OUTCOMES.map((outcome) => ({ ...outcome, propensity: null }));

/** The good one, as if it had been trained on these rows: on what they can tell hangs the verdict. */
async function asIfOf(outcomes: readonly Outcome[]): Promise<ModelFixture> {
  const { manifest, files } = trained.good;
  const training = { ...manifest.training, data_sha256: await dataSha256(examplesOf(outcomes)) };
  return { manifest: { ...manifest, training }, files };
}

const trained: Record<'good' | 'small' | 'lucky' | 'undrawn', ModelFixture> = {} as never;
let contrary: Awaited<ReturnType<typeof contraryOf>>;
beforeAll(async () => {
  trained.good = await trainedOn(MANY);
  contrary = await contraryOf(trained.good);
  trained.small = await trainedOn(FEW);
  trained.lucky = await asIfOf(NEVER_FAILS);
  trained.undrawn = await asIfOf(NOTHING_DRAWN);
}, 60_000);

type Published = Awaited<ReturnType<typeof contraryOf>>;

interface Case {
  readonly name: string;
  readonly model: () => Published;
  /** The record as promote finds it; default: the one that the model was trained on. */
  readonly record?: readonly Outcome[];
  readonly prepare?: (house: ReturnType<typeof promoteHouse>, model: Published) => unknown;
  readonly verdict: 'promote' | 'reject' | 'not-enough-evidence';
  readonly reason: RegExp;
  /** The champion that it is compared with. */
  readonly against?: string | null;
}

const withManifest = ({ manifest, files }: Published, changes: Partial<Published['manifest']>): Published => ({
  manifest: { ...manifest, ...changes },
  files,
});
const weightsOf = ({ manifest }: Published): string => `models/router/${manifest.version}/weights.bin`;
const changed =
  (file: 'weights.bin' | 'model.json' | 'manifest.json', change: (bytes: Uint8Array) => Uint8Array) =>
  async ({ objects }: ReturnType<typeof promoteHouse>, { manifest }: Published): Promise<void> => {
    const name = `models/router/${manifest.version}/${file}`;
    objects.corrupt(name, change((await objects.read(name))?.bytes ?? new Uint8Array()));
  };
const flip = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 4);
/** Another model of the same record in office. */
const office =
  (champion: () => Published) =>
  async (house: ReturnType<typeof promoteHouse>): Promise<void> => {
    await house.publish(champion());
    await house.force('champion', champion().manifest.version, maturedMs(FEW));
  };

const CASES: readonly Case[] = [
  {
    name: 'better than the base rates',
    model: () => trained.good,
    verdict: 'promote',
    reason: /^off-policy: uplift over the rules/,
  },
  {
    name: 'better than the champion in office',
    model: () => trained.good,
    prepare: office(() => untrained(trained.good)),
    verdict: 'promote',
    reason: /^off-policy: uplift over the rules/,
    against: 'untrained',
  },
  {
    name: 'in office by force before it was judged: it is not its own measure',
    model: () => trained.good,
    prepare: (house, { manifest }) => house.force('champion', manifest.version, maturedMs(FEW)),
    against: null,
    verdict: 'promote',
    reason: /^off-policy: uplift over the rules/,
  },

  {
    name: 'worse than the base rates',
    model: () => contrary,
    verdict: 'reject',
    reason: /^off-policy: uplift over the rules -/,
  },
  {
    name: 'worse than the champion in office',
    model: () => untrained(trained.good),
    prepare: office(() => trained.good),
    verdict: 'reject',
    reason: /^off-policy: uplift over champion v\w+ -/,
    against: 'good',
  },
  {
    name: 'weights with a flipped bit',
    model: () => trained.good,
    prepare: changed('weights.bin', flip),
    verdict: 'reject',
    reason: /^artefact_corrupt: weights.bin .* expected sha256/,
  },
  {
    name: 'truncated weights',
    model: () => trained.good,
    prepare: changed('weights.bin', (bytes) => bytes.slice(0, -4)),
    verdict: 'reject',
    reason: /^artefact_corrupt: .* bytes, got/,
  },
  {
    name: 'lengthened weights',
    model: () => trained.good,
    prepare: changed('weights.bin', (bytes) => Buffer.concat([bytes, Buffer.alloc(4)])),
    verdict: 'reject',
    reason: /^artefact_corrupt: .* bytes, got/,
  },
  {
    name: 'no weights at all',
    model: () => trained.good,
    prepare: ({ objects }, model) => objects.remove(weightsOf(model), {}),
    verdict: 'reject',
    reason: /^artefact_corrupt: .* is missing/,
  },
  {
    name: 'a damaged manifest',
    model: () => trained.good,
    prepare: changed('manifest.json', flip),
    verdict: 'reject',
    reason: /^artefact_corrupt: .*manifest.json: expected sha256/,
  },
  {
    name: 'a golden output that the weights do not give',
    model: () => {
      const { golden } = trained.good.manifest;
      return withManifest(trained.good, { golden: { ...golden, output: golden.output.map((value) => value + 0.1) } });
    },
    verdict: 'reject',
    reason: /^artefact_corrupt: .*golden/,
  },
  {
    name: 'a feature set that this build does not compute: it can never serve here',
    model: () => withManifest(trained.good, { feature_set: { set: 'router-0', hash: 'x' } }),
    verdict: 'reject',
    reason: /^artefact_incompatible: expected feature set/,
  },

  { name: 'few rows', model: () => trained.small, verdict: 'not-enough-evidence', reason: /^holdout: 60 rows/ },
  {
    name: 'one class only',
    model: () => trained.lucky,
    record: NEVER_FAILS,
    verdict: 'not-enough-evidence',
    reason: /one class only \(0 fail/,
  },
  {
    name: 'nothing was drawn',
    model: () => trained.undrawn,
    record: NOTHING_DRAWN,
    verdict: 'not-enough-evidence',
    reason: /^exploration: 0 of 320/,
  },
  {
    name: 'as good as the champion, no better',
    model: () => withManifest(trained.good, { version: 'twin' }),
    prepare: office(() => trained.good),
    verdict: 'not-enough-evidence',
    reason: /^off-policy: uplift over champion v\w+ 0.000/,
    against: 'good',
  },
  {
    name: 'rows that retention has taken from the record since',
    model: () => trained.good,
    record: OUTCOMES.slice(100),
    verdict: 'not-enough-evidence',
    reason: /^data: trained on 1600 rows .* now gives 1500 rows .*train again$/,
  },
  {
    name: 'rows that came late with an older stamp',
    model: () => trained.small,
    prepare: ({ outcomes }) => outcomes.add(OUTCOMES.slice(FEW, FEW + 1), maturedMs(FEW)),
    verdict: 'not-enough-evidence',
    reason: /^data: trained on 300 rows .* now gives 301 rows/,
  },
  {
    name: 'another frozen set of as many rows',
    model: () =>
      withManifest(trained.good, { training: { ...trained.good.manifest.training, data_sha256: 'f'.repeat(64) } }),
    verdict: 'not-enough-evidence',
    reason: /^data: trained on 1600 rows \(ffffffffffff\)/,
  },
  {
    name: 'an empty record',
    model: () => trained.good,
    record: [],
    verdict: 'not-enough-evidence',
    reason: /now gives 0 rows/,
  },
];

describe('every way to a verdict', () => {
  test.each(CASES)('$verdict: $name', async ({ model, record, prepare, verdict, reason, against }) => {
    const house = promoteHouse(record ?? OUTCOMES);
    const judged = model();
    await house.publish(judged);
    await prepare?.(house, judged);
    const before = await house.head('champion');
    expect(await house.hear(judged)).toBe(204);
    const { version } = judged.manifest;
    const found = await house.verdict(judged);
    expect(found?.reasons[0]).toMatch(reason);
    // Without a champion the learner on its own acts.
    const alone = found?.checks.length === 0 ? null : LINEAR;
    expect(found).toMatchObject({
      verdict,
      compared_with: against === 'good' ? trained.good.manifest.version : against === undefined ? alone : against,
    });
    // And only its own alias follows, with an event of the move.
    expect(await house.head('champion')).toBe(verdict === 'promote' ? version : before);
    expect(await house.head('apprentice')).toBe(verdict === 'not-enough-evidence' ? version : null);
    const moved = { version, verdict, promoted_by: 'promote', forced: false, reason: found?.reasons[0] };
    const champion = { ...moved, alias: 'champion', previous_version: before, sequence: before === null ? 1 : 2 };
    const apprentice = { ...moved, alias: 'apprentice', previous_version: null, sequence: 1 };
    const moves = { promote: before === version ? [] : [champion], 'not-enough-evidence': [apprentice], reject: [] };
    const announced = house.bus.payloads('model-promoted');
    expect(announced.filter(({ promoted_by: by }) => by === 'promote')).toMatchObject(moves[verdict]);
    expect(house.bus.payloads('event-rejected')).toEqual([]);
  });

  test('both hashes are in the reason, so that one can look for what changed', async () => {
    const house = promoteHouse(OUTCOMES.slice(1));
    await house.publish(trained.good);
    await house.hear(trained.good);
    const now = await dataSha256(examplesOf(OUTCOMES.slice(1)));
    const [reason] = (await house.verdict(trained.good))?.reasons ?? [];
    expect(reason).toContain(trained.good.manifest.training.data_sha256.slice(0, 12));
    expect(reason).toContain(now.slice(0, 12));
  });

  test('a store that is away gives no verdict: it comes again', async () => {
    const house = promoteHouse(OUTCOMES);
    await house.publish(aModel({ version: 'v1' }));
    house.deaths.killAt(1, 'before');
    expect(await house.hear(aModel({ version: 'v1' }))).not.toBe(204);
    house.deaths.revive();
    expect(await house.verdict(aModel({ version: 'v1' }))).toBeNull();
  });
});
