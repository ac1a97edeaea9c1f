import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Control, control, defaultControl, MAX_INCIDENTS } from '#shared/domain/control.ts';
import type { Change } from '#shared/domain/control-change.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { changeControl, controlHistory, readControl } from '#shared/serving/change-control.ts';
import { CONTROL_OBJECT, parseControl } from '#shared/serving/control.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { Crash, memoryObjects } from '#test/support/memory-objects.ts';

const refused = (code: string) => expect.objectContaining({ code });
const HOUR_MS = 3_600_000;

function house() {
  const objects = memoryObjects();
  const worldClock = fakeClock();
  const deps = { objects, worldClock, stage: 'auto' } as const;
  const say = (change: Change, reason = 'a test', by = 'ann') => changeControl(deps, { change, by, reason });
  const stored = async (): Promise<Control> =>
    parseControl((await objects.read(CONTROL_OBJECT))?.bytes ?? new Uint8Array());
  return { objects, worldClock, deps, say, stored };
}

const TRIAL = {
  challenger: 'linear',
  start: '2026-01-02T00:00:00.000Z',
  block_ms: HOUR_MS,
  washout_ms: 1,
  seed: 1,
  arms: ['rules', 'linear'] as const,
} as const;

describe('a change of the control object', () => {
  test('is applied, and on record with who, why and when', async () => {
    const { say, stored, deps, worldClock } = house();
    expect(await readControl(deps)).toEqual({ control: defaultControl('auto'), written: false, fault: null });
    await say({ kind: 'stage', stage: 'online' }, 'it is time');
    await worldClock.advance(1_000);
    await say({ kind: 'share', share: 0.25 });
    await say({ kind: 'trial', trial: { ...TRIAL, arms: [...TRIAL.arms] } });
    await say({ kind: 'kill' }, 'wrong prices', 'bob');
    const at = rfc3339(worldClock.now());
    expect(await stored()).toEqual({
      ...defaultControl('online'),
      share: 0.25,
      trial: TRIAL,
      kill: { by: 'bob', reason: 'wrong prices', at },
    });
    await say({ kind: 'resume' }, 'prices are right');
    await say({ kind: 'trial', trial: null });
    expect(await stored()).toEqual({ ...defaultControl('online'), share: 0.25 });
    const history = await controlHistory(deps);
    expect(history.map(({ sequence, change, by }) => [sequence, change.kind, by])).toEqual([
      [1, 'stage', 'ann'],
      [2, 'share', 'ann'],
      [3, 'trial', 'ann'],
      [4, 'kill', 'bob'],
      [5, 'resume', 'ann'],
      [6, 'trial', 'ann'],
    ]);
    expect(history[0]).toMatchObject({ at: '2026-01-01T00:00:00.000Z', reason: 'it is time' });
    expect(history.at(-1)?.control).toEqual(await stored());
  });

  test('of a share keeps whom it counts by, until another is said', async () => {
    const { say, stored } = house();
    await say({ kind: 'share', share: 0.25, share_by: 'tenant' });
    await say({ kind: 'share', share: 0.5 });
    expect(await stored()).toMatchObject({ share: 0.5, share_by: 'tenant' });
    expect(await say({ kind: 'share', share: 0.5, share_by: 'tenant' })).toBeNull();
    await say({ kind: 'share', share: 0.5, share_by: 'request' });
    expect(await stored()).toMatchObject({ share: 0.5, share_by: 'request' });
  });

  test('that changes nothing leaves nothing; a stage that is the default becomes somebody’s word', async () => {
    const { say, deps, objects } = house();
    expect(await say({ kind: 'resume' })).toBeNull();
    expect(await say({ kind: 'share', share: 1 })).toBeNull();
    expect(objects.names()).toEqual([]);
    expect(await say({ kind: 'stage', stage: 'auto' })).toMatchObject({ sequence: 1 });
    expect(await say({ kind: 'stage', stage: 'auto' })).toBeNull();
    expect(await readControl({ ...deps, stage: 'online' })).toMatchObject({
      control: { stage: 'auto' },
      written: true,
    });
    expect(await controlHistory(deps)).toHaveLength(1);
  });

  test('needs a reason', async () => {
    const { say, objects } = house();
    await expect(say({ kind: 'kill' }, '  ')).rejects.toThrow(refused('reason_required'));
    expect(objects.names()).toEqual([]);
  });
});

describe('incidents', () => {
  test('have an id and an end; what is over goes with the next change', async () => {
    const { say, stored, worldClock } = house();
    await say({ kind: 'incident_add', for_ms: HOUR_MS }, 'a storm');
    await say({ kind: 'incident_add', for_ms: 2 * HOUR_MS }, 'another');
    const [first, second] = (await stored()).incidents;
    expect(first).toEqual({
      id: 'i1',
      reason: 'a storm',
      by: 'ann',
      from: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T01:00:00.000Z',
    });
    expect(second?.id).toBe('i2');
    await worldClock.advance(HOUR_MS);
    await say({ kind: 'share', share: 0.5 });
    expect((await stored()).incidents).toEqual([second]);
    await say({ kind: 'incident_end', id: 'i2' });
    expect((await stored()).incidents).toEqual([]);
    await expect(say({ kind: 'incident_end', id: 'i2' })).rejects.toThrow(refused('not_found'));
  });

  test('are limited', async () => {
    const { say, stored } = house();
    for (let i = 0; i < MAX_INCIDENTS; i++) await say({ kind: 'incident_add', for_ms: HOUR_MS });
    await expect(say({ kind: 'incident_add', for_ms: HOUR_MS })).rejects.toThrow(refused('incidents_full'));
    expect((await stored()).incidents).toHaveLength(MAX_INCIDENTS);
  });
});

describe('whatever happens', () => {
  test('many at once: each is applied once, in one chain without gaps', async () => {
    const { say, stored, deps } = house();
    await Promise.all(Array.from({ length: 12 }, () => say({ kind: 'incident_add', for_ms: HOUR_MS })));
    expect((await stored()).incidents.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => `i${i + 1}`));
    expect((await controlHistory(deps)).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
  });

  test('killed at any write: applied or not, and what was applied is on record from the next change on', async () => {
    for (const step of [1, 2, 3]) {
      const { say, stored, deps, objects } = house();
      await say({ kind: 'stage', stage: 'online' });
      objects.crashAtWrite(step);
      const died = await say({ kind: 'kill' }, 'now').then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      objects.crashAtWrite(null);
      expect(died).toBe(step < 3);
      const applied = step > 1;
      expect((await stored()).kill === null).toBe(!applied);
      const kinds = async () => (await controlHistory(deps)).map(({ change }) => change.kind);
      expect(await kinds()).toEqual(applied ? ['stage', 'kill'] : ['stage']);
      await say({ kind: 'share', share: 0.5 });
      expect(await kinds()).toEqual(applied ? ['stage', 'kill', 'share'] : ['stage', 'share']);
      expect(objects.names().filter((name) => name.startsWith('control/log/'))).toHaveLength(applied ? 3 : 2);
    }
  });

  test('an object that cannot be read is said, and written anew from the log', async () => {
    const { say, stored, deps, objects } = house();
    await say({ kind: 'kill' }, 'wrong prices');
    objects.corrupt(CONTROL_OBJECT, new TextEncoder().encode('{"stage":'));
    expect(await readControl(deps)).toMatchObject({
      control: { kill: { reason: 'wrong prices' } },
      fault: expect.stringMatching(/^control_invalid: /),
    });
    await say({ kind: 'stage', stage: 'online' });
    expect(await stored()).toMatchObject({ stage: 'online', kill: { reason: 'wrong prices' } });
    expect((await readControl(deps)).fault).toBeNull();
    // Also by a change that the log says already.
    objects.corrupt(CONTROL_OBJECT, new Uint8Array());
    await say({ kind: 'stage', stage: 'online' });
    expect(await stored()).toMatchObject({ stage: 'online', kill: { reason: 'wrong prices' } });
  });

  test('a damaged entry of the log bars no kill switch', async () => {
    const { say, stored, deps, objects } = house();
    await say({ kind: 'stage', stage: 'online' });
    objects.corrupt('control/log/000001.json', new Uint8Array([123]));
    await say({ kind: 'kill' });
    expect((await stored()).kill).not.toBeNull();
    expect((await controlHistory(deps)).map(({ sequence }) => sequence)).toEqual([2]);
  });

  const changes: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ kind: fc.constant('stage' as const), stage: fc.constantFrom('apprentice', 'auto', 'online') }),
    fc.record({ kind: fc.constant('share' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.constant({ kind: 'kill' as const }),
    fc.constant({ kind: 'resume' as const }),
    fc.record({ kind: fc.constant('incident_add' as const), for_ms: fc.integer({ min: 1, max: 10 * HOUR_MS }) }),
  );

  test('the log tells the object: its last entry is what stands there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(changes, fc.nat(HOUR_MS)), { maxLength: 12 }), async (all) => {
        const { say, stored, deps, worldClock } = house();
        let entries = 0;
        for (const [each, pause] of all) {
          if ((await say(each)) !== null) entries += 1;
          await worldClock.advance(pause);
        }
        const history = await controlHistory(deps);
        expect(history).toHaveLength(entries);
        if (entries === 0) return;
        expect(history.at(-1)?.control).toEqual(await stored());
        expect(control.safeParse(await stored()).success).toBe(true);
      }),
      { numRuns: Math.ceil(testCases / 10) },
    );
  });
});
