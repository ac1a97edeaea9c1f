import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RejectedError } from '#shared/errors.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { testCases } from '#test/support/cases.ts';
import { Crash, type MemoryObjects } from '#test/support/memory-objects.ts';
import { aWorld, BACK, by, model, publish, refused, small, type World } from '#test/support/registry-world.ts';

describe('aliases', () => {
  it('are unset until moved, then name the highest entry', async () => {
    const world = aWorld();
    await publish(world, 'v1', 'v2');
    const { registry, clock, objects } = world;
    expect(await registry.aliasHead('champion')).toBeNull();
    expect(await registry.aliasHistory('champion')).toEqual([]);
    const first = await registry.moveAlias('champion', { ...by, version: 'v1', verdict: 'promote' });
    expect(first).toEqual({
      sequence: 1,
      alias: 'champion',
      version: 'v1',
      previous_version: null,
      at: '2026-01-01T00:00:00.000Z',
      by: 'ann',
      reason: 'because',
      verdict: 'promote',
      forced: false,
    });
    await clock.advance(1000);
    const second = await registry.moveAlias('champion', { ...by, version: 'v2', forced: true });
    expect(second).toMatchObject({ sequence: 2, previous_version: 'v1', at: '2026-01-01T00:00:01.000Z', forced: true });
    expect(await registry.aliasHead('champion')).toEqual(second);
    expect(await registry.aliasHistory('champion')).toEqual([first, second]);
    expect(await registry.aliasHead('apprentice')).toBeNull();
    expect(objects.names().filter((name) => name.startsWith('aliases/'))).toEqual([
      'aliases/champion.json',
      'aliases/champion/000001.json',
      'aliases/champion/000002.json',
    ]);
  });

  it('stay when moved to where they are', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    const { registry } = world;
    const entry = await registry.moveAlias('champion', { ...by, version: 'v1' });
    expect(await registry.moveAlias('champion', { ...by, version: 'v1', reason: 'again' })).toEqual(entry);
    expect(await registry.aliasHistory('champion')).toHaveLength(1);
  });

  it('may be moved to no model', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    await world.registry.moveAlias('champion', { ...by, version: 'v1' });
    const entry = await world.registry.moveAlias('champion', { ...by, version: null });
    expect(entry).toMatchObject({ sequence: 2, version: null, previous_version: 'v1' });
    expect(await world.registry.aliasHead('champion')).toEqual(entry);
  });

  it.each([
    ['a version that is not there', { version: 'v9' }, 'version_unknown'],
    ['a version whose manifest is broken', { version: 'broken' }, 'version_unknown'],
    ['a path', { version: '../x' }, 'version_unknown'],
    ['no reason', { version: 'v1', reason: ' ' }, 'reason_required'],
    ['another head in mind', { version: 'v2', ifSequence: 0 }, 'state_conflict'],
  ])('are not moved with %s', async (_, changes, code) => {
    const world = aWorld();
    await publish(world, 'v1', 'v2', 'broken');
    world.objects.corrupt('models/router/broken/manifest.json', Buffer.from('{'));
    const head = await world.registry.moveAlias('champion', { ...by, version: 'v1' });
    await expect(world.registry.moveAlias('champion', { ...by, ...changes })).rejects.toThrow(refused(code));
    expect(await world.registry.aliasHead('champion')).toEqual(head);
    expect(await world.registry.aliasHistory('champion')).toEqual([head]);
  });

  it('moved by many at once keep every move, in one chain without gaps', async () => {
    const world = aWorld();
    const names = Array.from({ length: 12 }, (_, i) => `v${i}`);
    await publish(world, ...names);
    // Each mover is its own process: its own registry over the shared store.
    const movers = names.map(() => createRegistry({ objects: world.objects, worldClock: world.clock }));
    const entries = await Promise.all(
      movers.map((registry, i) => registry.moveAlias('champion', { ...by, version: `v${i}`, by: `mover ${i}` })),
    );
    const history = await world.registry.aliasHistory('champion');
    expect(history.map((entry) => entry.sequence)).toEqual(names.map((_, i) => i + 1));
    expect(new Set(history)).toEqual(new Set(entries));
    for (const [i, entry] of history.entries()) expect(entry.previous_version).toBe(history[i - 1]?.version ?? null);
    expect(await world.registry.aliasHead('champion')).toEqual(history.at(-1));
  });

  it('moved by many on the same condition are moved once', async () => {
    const world = aWorld();
    await publish(world, 'v0', 'v1', 'v2', 'v3');
    const moves = [0, 1, 2, 3].map((i) =>
      world.registry.moveAlias('champion', { ...by, version: `v${i}`, ifSequence: 0 }),
    );
    const settled = await Promise.allSettled(moves);
    expect(settled.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of settled)
      if (result.status === 'rejected')
        expect(result.reason).toEqual(refused('state_conflict', /expected head 0, got 1/));
    expect(await world.registry.aliasHistory('champion')).toHaveLength(1);
  });

  it('give up after a bounded number of lost rounds', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    // A rival who is always a moment faster.
    const rivalled = {
      ...world.objects,
      async write(...[name, bytes, condition]: Parameters<MemoryObjects['write']>) {
        if (/champion\/\d+/.test(name)) await world.objects.write(name, Buffer.from('{}'), {});
        return world.objects.write(name, bytes, condition);
      },
    };
    const registry = createRegistry({ objects: rivalled, worldClock: world.clock });
    await expect(registry.moveAlias('champion', { ...by, version: 'v1' })).rejects.toThrow(
      refused('objects_unavailable', /others moved it 32 times/),
    );
  });

  it('name the old version or the new one after a crash at any write, and the move can be repeated', async () => {
    for (let step = 1; step <= 2; step++) {
      const world = aWorld();
      await publish(world, 'v1', 'v2');
      const { registry, objects } = world;
      await registry.moveAlias('champion', { ...by, version: 'v1' });
      objects.crashAtWrite(step);
      await expect(registry.moveAlias('champion', { ...by, version: 'v2' })).rejects.toThrow(Crash);
      objects.crashAtWrite(null);
      // Before the entry nothing happened; after it the cache is stale, the log is not.
      expect((await registry.aliasHead('champion'))?.version).toBe(step === 1 ? 'v1' : 'v2');
      expect((await registry.moveAlias('champion', { ...by, version: 'v2' })).sequence).toBe(2);
      expect(await registry.aliasHistory('champion')).toHaveLength(2);
    }
  });
});

describe('the cache of an alias', () => {
  const CACHE = 'aliases/champion.json';
  const moved = async (): Promise<World> => {
    const world = aWorld();
    await publish(world, 'v1', 'v2', 'v3');
    for (const version of ['v1', 'v2', 'v3']) await world.registry.moveAlias('champion', { ...by, version });
    return world;
  };
  const garbled = async (world: World, from: string, to: string): Promise<void> =>
    world.objects.corrupt(
      CACHE,
      Buffer.from(
        Buffer.from(await entryBytes(world, 3))
          .toString()
          .replace(from, to),
      ),
    );
  const entryBytes = async ({ objects }: World, sequence: number): Promise<Uint8Array> =>
    (await objects.read(`aliases/champion/00000${sequence}.json`))?.bytes ?? new Uint8Array();

  it.each<[string, (world: World) => Promise<unknown>]>([
    ['stale', async (world) => world.objects.corrupt(CACHE, await entryBytes(world, 1))],
    ['missing', async (world) => world.objects.remove(CACHE, {})],
    ['no JSON', async (world) => world.objects.corrupt(CACHE, Buffer.from('{"sequence":'))],
    ['empty', async (world) => world.objects.corrupt(CACHE, new Uint8Array())],
    ['of an entry that never was', (world) => garbled(world, '"sequence": 3', '"sequence": 7')],
    ['unlike the entry it copies', (world) => garbled(world, '"v3"', '"v1"')],
    ['of another alias', (world) => garbled(world, '"champion"', '"apprentice"')],
  ])('is repaired from the log when it is %s', async (_, damage) => {
    const world = await moved();
    await damage(world);
    expect((await world.registry.aliasHead('champion'))?.version).toBe('v3');
    expect((await world.objects.read(CACHE))?.bytes).toEqual(await entryBytes(world, 3));
    const { writes } = world.objects;
    expect((await world.registry.aliasHead('champion'))?.sequence).toBe(3);
    expect(world.objects.writes).toBe(writes);
  });

  it('is of no account to a reader that may not write', async () => {
    const world = await moved();
    await world.objects.remove(CACHE, {});
    const readOnly = {
      ...world.objects,
      write: () => Promise.reject(new RejectedError('unauthorized', 'read only')),
    };
    const registry = createRegistry({ objects: readOnly, worldClock: world.clock });
    expect((await registry.aliasHead('champion'))?.version).toBe('v3');
  });

  it('cannot hide that the highest entry is unreadable; a new move mends it', async () => {
    const world = await moved();
    world.objects.corrupt('aliases/champion/000003.json', Buffer.from('{}'));
    await expect(world.registry.aliasHead('champion')).rejects.toThrow(refused('artefact_corrupt', /000003.json/));
    // Its copy in the cache is as good for looking back.
    expect((await world.registry.aliasHistory('champion')).map(({ version }) => version)).toEqual(['v1', 'v2', 'v3']);
    const entry = await world.registry.moveAlias('champion', { ...by, version: 'v2' });
    expect(entry).toMatchObject({ sequence: 4, version: 'v2' });
    expect(await world.registry.aliasHead('champion')).toEqual(entry);
  });

  it('refuses an entry that lies in the place of another', async () => {
    const world = await moved();
    await world.objects.write('aliases/champion/000003.json', await entryBytes(world, 2), {});
    await expect(world.registry.aliasHead('champion')).rejects.toThrow(
      refused('artefact_corrupt', /000003.json: holds entry 2 of alias champion/),
    );
  });

  it('agrees with the log after any interleaving of moves, reads and damage', async () => {
    const step = fc.constantFrom('move', 'read', 'lose', 'garble', 'age');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const world = aWorld();
        await publish(world, 'v0', 'v1');
        let moves = 0;
        for (const each of steps) {
          if (each === 'move') {
            moves += 1;
            await world.registry.moveAlias('champion', { ...by, version: `v${moves % 2}` });
          } else if (each === 'lose') await world.objects.remove(CACHE, {});
          else if (each === 'read' || moves === 0 || !world.objects.names().includes(CACHE))
            await world.registry.aliasHead('champion');
          else world.objects.corrupt(CACHE, each === 'garble' ? Buffer.from('?') : await entryBytes(world, 1));
          expect((await world.registry.aliasHead('champion'))?.sequence ?? 0).toBe(moves);
        }
      }),
      { numRuns: Math.ceil(testCases / 10) },
    );
  });
});

describe('rollback', () => {
  const moves = async (...versions: (string | null)[]): Promise<World> => {
    const world = aWorld();
    await publish(world, 'v1', 'v2', 'v3');
    for (const version of versions) await world.registry.moveAlias('champion', { ...by, version });
    return world;
  };
  const back = ({ registry }: World) => registry.rollback('champion', BACK);

  it('goes back version by version, then to none, and then says so', async () => {
    const world = await moves('v1', 'v2', 'v3');
    expect(await back(world)).toMatchObject({ sequence: 4, version: 'v2', previous_version: 'v3', reason: 'worse' });
    expect((await back(world)).version).toBe('v1');
    expect((await back(world)).version).toBeNull();
    await expect(back(world)).rejects.toThrow(refused('version_unknown', /no version before/));
    expect(await world.registry.aliasHistory('champion')).toHaveLength(6);
  });

  it('does not return to what was rolled back', async () => {
    const world = await moves('v1', 'v2');
    await back(world);
    await world.registry.moveAlias('champion', { ...by, version: 'v3' });
    expect((await back(world)).version).toBe('v1');
  });

  it('passes over a version that is not whole any more', async () => {
    const world = await moves('v1', 'v2', 'v3');
    world.objects.corrupt('models/router/v2/manifest.json', Buffer.from('{'));
    expect((await back(world)).version).toBe('v1');
  });

  it('passes over a version that could not serve', async () => {
    const world = await moves('v1', 'v2', 'v3');
    const serves = async (version: string): Promise<boolean> => version !== 'v2';
    expect((await world.registry.rollback('champion', { ...BACK, serves })).version).toBe('v1');
  });

  it('reads what a damaged entry named from the one after it', async () => {
    const world = await moves('v1', 'v2', 'v3');
    world.objects.corrupt('aliases/champion/000002.json', Buffer.from('{'));
    expect((await back(world)).version).toBe('v2');
    expect(await world.registry.aliasHistory('champion')).toHaveLength(3);
  });

  it('goes to the last version that the log can tell when the latest entry and its copy are damaged', async () => {
    const world = await moves('v1', 'v2', 'v3');
    for (const name of ['aliases/champion/000003.json', 'aliases/champion.json'])
      world.objects.corrupt(name, Buffer.from('{'));
    expect(await back(world)).toMatchObject({ sequence: 4, version: 'v2', previous_version: null });
  });

  it('looks back over more moves than it reads', async () => {
    const world = await moves();
    for (let i = 0; i < 140; i++)
      await world.registry.moveAlias('champion', { ...by, version: i % 2 === 0 ? 'v1' : null });
    for (const version of ['v1', 'v2']) await world.registry.moveAlias('champion', { ...by, version });
    expect([(await back(world)).version, (await back(world)).version]).toEqual(['v1', null]);
  });

  it('is refused when the alias has moved since it was looked at', async () => {
    const world = await moves('v1', 'v2');
    await expect(world.registry.rollback('champion', { ...BACK, ifSequence: 1 })).rejects.toThrow(
      refused('state_conflict'),
    );
  });

  it('needs a move to undo, and a reason', async () => {
    await expect(back(await moves())).rejects.toThrow(refused('version_unknown'));
    const world = await moves('v1', 'v2');
    await expect(world.registry.rollback('champion', { ...BACK, reason: '' })).rejects.toThrow(
      refused('reason_required'),
    );
  });
});

describe('the learner on its own', () => {
  it('is always whole: it is named, left, returned to, said again, and can serve, without any artefact', async () => {
    const world = aWorld();
    const { registry, objects } = world;
    await publish(world, 'v1');
    expect(await whyNotServable(registry, 'linear')).toBeNull();
    expect(await registry.moveAlias('champion', { ...by, version: 'linear' })).toMatchObject({ version: 'linear' });
    await registry.moveAlias('champion', { ...by, version: 'v1' });
    const serves = async (version: string): Promise<boolean> => (await whyNotServable(registry, version)) === null;
    expect(await registry.rollback('champion', { ...BACK, serves })).toMatchObject({ sequence: 3, version: 'linear' });
    objects.corrupt('aliases/champion/000003.json', Buffer.from('{'));
    expect(await registry.restate('champion', { by: 'promote', reason: 'alias_damaged' })).toMatchObject({
      sequence: 4,
      version: 'linear',
    });
    // The third cannot be read.
    const named = (await registry.aliasHistory('champion')).map(({ version }) => version);
    expect(named).toEqual(['linear', 'v1', 'linear']);
    expect(await registry.rollback('champion', BACK)).toMatchObject({ version: null });
    expect(await registry.listVersions()).toEqual(['v1']);
  });

  it('cannot be published: nobody may put a network behind the word', async () => {
    const { registry } = aWorld();
    await expect(registry.publishVersion(model('linear').manifest, small.files)).rejects.toThrow(
      refused('artefact_corrupt'),
    );
    await expect(registry.publishVersion(model('rules').manifest, small.files)).rejects.toThrow(
      refused('artefact_corrupt'),
    );
  });
});
