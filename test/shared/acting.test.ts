import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Control, defaultControl, MAX_INCIDENTS, shareBy, stage, type Trial } from '#shared/domain/control.ts';
import { shareDraw, tenantShareDraw, uniformDraw } from '#shared/domain/ids.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';
import { type Asked, actingAt, type Cast } from '#shared/serving/acting.ts';
import { parseControl } from '#shared/serving/control.ts';
import { testCases } from '#test/support/cases.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

const actors = fc.constantFrom('rules', 'linear', 'v1', 'v2');
const trials: fc.Arbitrary<Trial> = fc.record({
  challenger: actors,
  start: fc.integer({ min: -48, max: 48 }).map((hours) => rfc3339(NOW + hours * HOUR_MS)),
  block_ms: fc.integer({ min: 1, max: 24 * HOUR_MS }),
  washout_ms: fc.constant(0),
  seed: fc.nat(),
  arms: fc.tuple(actors, actors),
});
const incidents = fc.array(
  fc
    .record({ from: fc.integer({ min: -9, max: 9 }), hours: fc.integer({ min: 1, max: 9 }) })
    .map(({ from, hours }) => ({
      id: 'i1',
      reason: 'a test',
      by: 'ann',
      from: rfc3339(NOW + from * HOUR_MS),
      until: rfc3339(NOW + (from + hours) * HOUR_MS),
    })),
  { maxLength: 3 },
);
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const controls: fc.Arbitrary<Control> = fc.record({
  format: fc.constant('aurora-control/1'),
  stage: fc.constantFrom(...stage.options),
  share: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  share_by: fc.constantFrom(...shareBy.options),
  kill: orNull(fc.constant({ by: 'ann', reason: 'a test', at: rfc3339(NOW) })),
  trial: orNull(trials),
  incidents,
});
const casts: fc.Arbitrary<Cast> = fc.record({
  champion: orNull(fc.constantFrom('linear', 'v1')),
  shown: orNull(fc.constantFrom('linear', 'v2')),
});
const questions: fc.Arbitrary<Asked> = fc.record({
  atMs: fc.integer({ min: NOW - 72 * HOUR_MS, max: NOW + 72 * HOUR_MS }),
  decisionId: fc.uuid(),
  tenantId: fc.constantFrom('default', 'ann', 'bob', 'cem'),
  priority: fc.constantFrom('normal', 'critical'),
});

const anyOf = (check: (control: Control, cast: Cast, asked: Asked) => void): void =>
  fc.assert(fc.property(controls, casts, questions, check), { numRuns: testCases });

describe('who acts', () => {
  test('is the same at every instance: a function of what is stored, aliases, instant and id', () => {
    anyOf((control, cast, asked) => {
      const stored = parseControl(new TextEncoder().encode(JSON.stringify(control)));
      expect(actingAt(stored, cast, asked)).toEqual(actingAt(control, cast, asked));
    });
  });

  test('with the kill switch pulled: the rules, whatever else is said', () => {
    anyOf((control, cast, asked) => {
      const pulled = { ...control, kill: { by: 'ann', reason: 'a test', at: rfc3339(NOW) } };
      expect(actingAt(pulled, cast, asked)).toMatchObject({ actor: 'rules', mode: 'rules', arm: null });
    });
  });

  test('in the stage apprentice: the rules, beside whoever is shown', () => {
    anyOf((control, cast, asked) => {
      const said = { ...control, kill: null, stage: 'apprentice' as const };
      const mode = cast.shown === null ? 'rules' : 'apprentice';
      expect(actingAt(said, cast, asked)).toMatchObject({ actor: 'rules', mode, arm: null });
    });
  });

  test('in the stage online: the champion, else the learner on its own; trials wait', () => {
    anyOf((control, cast, asked) => {
      const said = { ...control, kill: null, share: 1, stage: 'online' as const };
      const actor = cast.champion ?? 'linear';
      expect(actingAt(said, cast, asked)).toMatchObject({ actor, mode: 'online', arm: null });
    });
  });

  test('in the stage auto: the arm of the block, from the start of a trial on, whatever the share', () => {
    anyOf((control, cast, asked) => {
      fc.pre(control.trial !== null && Date.parse(control.trial.start) <= asked.atMs);
      const { arm } = armOf(control.trial, asked.atMs);
      const said = { ...control, kill: null, stage: 'auto' as const };
      expect(actingAt(said, cast, asked)).toMatchObject({ actor: arm, mode: 'switchback', arm });
    });
  });

  test('in the stage auto without a trial, or before it: the champion, else the rules', () => {
    anyOf((control, cast, asked) => {
      const later = control.trial === null ? null : { ...control.trial, start: rfc3339(asked.atMs + 1) };
      const said = { ...control, kill: null, share: 1, stage: 'auto' as const, trial: later };
      const expected =
        cast.champion === null
          ? { actor: 'rules', mode: cast.shown === null ? 'rules' : 'apprentice' }
          : { actor: cast.champion, mode: 'online' };
      expect(actingAt(said, cast, asked)).toMatchObject({ ...expected, arm: null });
    });
  });

  test('a share: the actor or the rules by the id alone, or by the tenant alone, both with their arm', () => {
    anyOf((control, cast, asked) => {
      fc.pre(control.share < 1);
      const said = { ...control, kill: null, stage: 'online' as const };
      const byTenant = control.share_by === 'tenant';
      const draw = byTenant ? tenantShareDraw(asked.tenantId) : shareDraw(asked.decisionId);
      const actor = draw < control.share ? (cast.champion ?? 'linear') : 'rules';
      const mode = actor === 'rules' ? 'rules' : 'online';
      expect(actingAt(said, cast, asked)).toMatchObject({ actor, mode, arm: actor });
      const later = { ...asked, atMs: asked.atMs + HOUR_MS };
      expect(actingAt(said, cast, later).actor).toBe(actor);
      const another = byTenant ? { ...asked, decisionId: 'another' } : { ...asked, tenantId: 'another' };
      expect(actingAt(said, cast, another).actor).toBe(actor);
    });
  });

  test('nothing is explored while an incident is open, nor for a critical request', () => {
    anyOf((control, cast, asked) => {
      const open = control.incidents.some(
        ({ from, until }) => Date.parse(from) <= asked.atMs && asked.atMs < Date.parse(until),
      );
      expect(actingAt(control, cast, asked).explore).toBe(!open && asked.priority === 'normal');
    });
  });
});

describe('the draw of a share', () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => `decision-${i}`);

  test.each([
    ['request', shareDraw],
    ['tenant', tenantShareDraw],
  ])('by %s is uniform, and keeps who is in when the share grows', (_, draw) => {
    for (const share of [0.1, 0.5, 0.9]) {
      const inside = ids.filter((id) => draw(id) < share).length / ids.length;
      // Four standard errors.
      expect(Math.abs(inside - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / ids.length));
    }
    expect(ids.every((id) => draw(id) >= 0 && draw(id) < 1)).toBe(true);
  });

  test.each<[string, (id: string) => number]>([
    ['action', (id) => uniformDraw('a secret', id)],
    ['share by tenant', tenantShareDraw],
  ])('tells nothing of the draw of the %s', (_, other) => {
    const both = ids.map((id) => [shareDraw(id) - 0.5, other(id) - 0.5] as const);
    const correlation = (12 * both.reduce((sum, [a, b]) => sum + a * b, 0)) / both.length;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(both.length));
  });
});

describe('the control object', () => {
  const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const incident = { id: 'i1', reason: 'r', by: 'ann', from: rfc3339(NOW), until: rfc3339(NOW + 1) };
  const trial: Trial = {
    challenger: 'linear',
    start: rfc3339(NOW),
    block_ms: 10,
    washout_ms: 2,
    seed: 1,
    arms: ['rules', 'linear'],
  };

  test('comes back as it was written; offsets become UTC', () => {
    const said: Control = { ...defaultControl('online'), share: 0.5, trial, incidents: [incident] };
    expect(parseControl(bytes(said))).toEqual(said);
    const offset = { ...said, incidents: [{ ...incident, until: '2026-01-01T02:00:00+01:00' }] };
    expect(parseControl(bytes(offset)).incidents[0]?.until).toBe('2026-01-01T01:00:00.000Z');
  });

  test('from before shares were counted by tenant counts them by request', () => {
    const { share_by: _, ...before } = defaultControl('auto');
    expect(parseControl(bytes(before))).toEqual(defaultControl('auto'));
  });

  test.each<[string, unknown]>([
    ['another format', { ...defaultControl('auto'), format: 'aurora-control/2' }],
    ['a stage that is none', { ...defaultControl('auto'), stage: 'on' }],
    ['more than everything', { ...defaultControl('auto'), share: 1.01 }],
    ['a share of what nobody knows', { ...defaultControl('auto'), share_by: 'region' }],
    ['a key that nobody knows', { ...defaultControl('auto'), pause: true }],
    ['a wash-out as long as its block', { ...defaultControl('auto'), trial: { ...trial, washout_ms: 10 } }],
    ['one arm', { ...defaultControl('auto'), trial: { ...trial, arms: ['rules'] } }],
    ['an incident that never ends', { ...defaultControl('auto'), incidents: [{ ...incident, until: null }] }],
    [
      'an incident that ends before it begins',
      { ...defaultControl('auto'), incidents: [{ ...incident, until: incident.from }] },
    ],
    ['too many incidents', { ...defaultControl('auto'), incidents: Array(MAX_INCIDENTS + 1).fill(incident) }],
    ['no value', 1],
  ])('%s is refused', (_, value) => {
    expect(() => parseControl(bytes(value))).toThrow(expect.objectContaining({ code: 'control_invalid' }));
  });

  test('no JSON is refused', () => {
    for (const text of ['', '{', '\u0000'])
      expect(() => parseControl(new TextEncoder().encode(text))).toThrow(
        expect.objectContaining({ code: 'control_invalid' }),
      );
    expect(() => parseControl(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'control_invalid' }));
  });
});
