import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNetworks } from '#functions/score/networks.ts';
import { type AliasEntry, createRegistryReader } from '#shared/registry/registry.ts';
import { wasDamaged } from '#shared/registry/succession.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { testCases } from '#test/support/cases.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { BACK, promoteHouse } from '#test/support/promote-house.ts';

/**
 * Whatever trains, promotes, forces, rolls back, breaks, dies and comes again, in any order: the log of an alias is one chain,
 * its highest entry is the head, each names a version that is there, the world is told of each once, and nothing damaged
 * serves.
 */
type House = ReturnType<typeof promoteHouse>;
const ALIASES = ['champion', 'apprentice'] as const;
const VERSIONS = 4;
const small = aModel({ hidden: [2] });
/** Version `i` learned from more than those before it. */
const model = (i: number): ModelFixture => {
  const training = { ...small.manifest.training, watermark: `2026-01-02T00:00:0${i}.000Z` };
  return { ...small, manifest: { ...small.manifest, version: `v${i}`, training } };
};
const weightsOf = (i: number): string => `models/router/v${i}/weights.bin`;

const kill = fc.option(fc.record({ step: fc.integer({ min: 1, max: 60 }), when: fc.constantFrom('before', 'after') }));
const which = fc.nat(VERSIONS - 1);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('train'),
      i: which,
      says: fc.constantFrom('promote', 'not-enough-evidence', 'reject', null),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hear'), i: which, kill }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tick'), kill }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('both'), i: which, j: which }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('force'), alias: fc.constantFrom(...ALIASES), i: fc.option(which) }),
  },
  fc.record({ kind: fc.constant('rollback'), alias: fc.constantFrom(...ALIASES) }),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('damage'), i: which }) },
  fc.record({ kind: fc.constant('mend'), i: which }),
  fc.record({
    kind: fc.constant('cache'),
    alias: fc.constantFrom(...ALIASES),
    how: fc.constantFrom('lose', 'garble', 'untell'),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A person's word may be refused; that is an answer. */
const tried = async (move: Promise<unknown>): Promise<void> => {
  await move.catch((error: { code?: string }) => expect(error.code).toMatch(/^(version_unknown|state_conflict)$/));
};

async function take(house: House, damaged: Set<string>, step: Step): Promise<void> {
  const { registry, objects, deaths } = house;
  const exists = (i: number): boolean => objects.names().includes(weightsOf(i));
  if ('kill' in step && step.kill !== null) deaths.killAt(step.kill.step, step.kill.when);
  switch (step.kind) {
    case 'train': {
      if (exists(step.i)) break;
      await house.publish(model(step.i));
      // Without a standing verdict the empty record gives "not enough evidence".
      if (step.says !== null) await registry.writeVerdict(`v${step.i}`, verdictOf(house, step.says));
      break;
    }
    case 'hear':
      if (exists(step.i)) await house.hear(model(step.i));
      break;
    case 'tick':
      await house.tick();
      break;
    case 'both':
      await Promise.all([step.i, step.j].map((i) => (exists(i) ? house.hear(model(i)) : house.tick())));
      break;
    case 'force':
      await tried(house.force(step.alias, step.i === null ? null : `v${step.i}`));
      break;
    case 'rollback':
      await tried(registry.rollback(step.alias, BACK));
      break;
    case 'damage':
      if (!exists(step.i) || damaged.has(`v${step.i}`)) break;
      damaged.add(`v${step.i}`);
      objects.corrupt(weightsOf(step.i), small.files['weights.bin'].with(8, (small.files['weights.bin'][8] ?? 0) ^ 1));
      break;
    case 'mend':
      if (damaged.delete(`v${step.i}`)) objects.corrupt(weightsOf(step.i), small.files['weights.bin']);
      break;
    case 'cache': {
      const name = `aliases/${step.alias}.${step.how === 'untell' ? 'announced.json' : 'json'}`;
      if (!objects.names().includes(name)) break;
      if (step.how === 'lose') await objects.remove(name, {});
      else objects.corrupt(name, new Uint8Array([123]));
      break;
    }
    default:
      step satisfies never;
  }
  deaths.revive();
  await house.clock.advance(1_000);
}

const verdictOf = (house: House, verdict: Verdict['verdict']): Verdict => ({
  verdict,
  reasons: ['as the test has it'],
  checks: [],
  metrics: {},
  decided_at: new Date(house.clock.now()).toISOString(),
  compared_with: null,
});

/** What promote wrote since the log had so many entries names nothing that is damaged at this moment. */
async function checkMoves({ registry }: House, damaged: Set<string>, seen: Map<string, number>): Promise<void> {
  for (const alias of ALIASES) {
    const history = await registry.aliasHistory(alias);
    for (const { by, version } of history.slice(seen.get(alias) ?? 0))
      if (by === 'promote') expect(damaged).not.toContain(version);
    seen.set(alias, history.length);
  }
}

async function checkLog({ registry, objects }: House): Promise<void> {
  const names = new Set(objects.names());
  for (const alias of ALIASES) {
    const history = await registry.aliasHistory(alias);
    const stored = [...names].filter((name) => name.startsWith(`aliases/${alias}/`));
    expect(history.map(({ sequence }) => sequence)).toEqual(stored.map((_, i) => i + 1));
    expect(await registry.aliasHead(alias)).toEqual(history.at(-1) ?? null);
    const moved: AliasEntry[] = [];
    for (const entry of history) {
      expect(entry.previous_version).toBe(moved.at(-1)?.version ?? null);
      if (entry.version !== null) expect(names).toContain(`models/router/${entry.version}/manifest.json`);
      if (entry.by === 'promote' && entry.verdict !== null) {
        // By a verdict: the right one, once, and never again after damage.
        expect(entry.verdict).toBe(alias === 'champion' ? 'promote' : 'not-enough-evidence');
        expect(
          moved.some(({ version, by, verdict }) => version === entry.version && by === 'promote' && verdict !== null),
        ).toBe(false);
        expect(wasDamaged(moved, entry.version ?? '')).toBe(false);
      }
      moved.push(entry);
    }
  }
}

/** Each move told, under one id, with what the log says. */
async function checkTold({ registry, bus }: House): Promise<void> {
  const told = new Map(
    bus.payloads('model-promoted').map((event) => [`${event.alias} ${event.sequence}`, event.version]),
  );
  const moves = (await Promise.all(ALIASES.map((alias) => registry.aliasHistory(alias)))).flat();
  expect(told).toEqual(new Map(moves.map(({ alias, sequence, version }) => [`${alias} ${sequence}`, version])));
  expect(bus.distinct('model-promoted')).toHaveLength(moves.length);
}

/** Names of the alias entries that were written, in time. */
function entriesWritten({ objects }: House): readonly string[] {
  const written: string[] = [];
  const { write } = objects;
  Object.assign(objects, {
    write: async (...[name, ...rest]: Parameters<typeof write>) => {
      const version = await write(name, ...rest);
      if (/^aliases\/\w+\/\d+/.test(name)) written.push(name);
      return version;
    },
  });
  return written;
}

test('an alias through anything', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24, size: 'max' }), async (steps) => {
      const house = promoteHouse([]);
      const damaged = new Set<string>();
      const seen = new Map<string, number>();
      const written = entriesWritten(house);
      const registry = createRegistryReader(house.objects);
      const running = createNetworks({ registry, log: house.deps.log });
      for (const each of steps) {
        await take(house, damaged, each);
        await checkLog(house);
        await checkMoves(house, damaged, seen);
        const before = running.loaded();
        await running.refresh([]);
        for (const name of running.loaded().keys()) if (!before.has(name)) expect(damaged).not.toContain(name);
        const started = createNetworks({ registry, log: house.deps.log });
        await started.refresh([]);
        for (const name of started.loaded().keys()) expect(damaged).not.toContain(name);
      }
      for (let i = 0; i < VERSIONS; i++)
        if (house.objects.names().includes(weightsOf(i))) expect(await house.hear(model(i))).toBe(204);
      expect(await house.tick()).toBe(200);
      await checkLog(house);
      await checkTold(house);
      expect(new Set(written).size).toBe(written.length);
      const settled = createNetworks({ registry, log: house.deps.log });
      await settled.refresh([]);
      const champion = await house.head('champion');
      expect(damaged).not.toContain(champion);
      expect(settled.fault()).toBeNull();
      expect(settled.champion()).toBe(champion);
      if (champion !== null) expect(settled.loaded().has(champion)).toBe(true);
    }),
    { numRuns: Math.ceil(testCases / 20) },
  );
});
