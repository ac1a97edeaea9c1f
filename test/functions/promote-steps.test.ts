import { describe, expect, test } from 'vitest';
import { NO_NOTES } from '#functions/promote/notes.ts';
import { nextStep, type Step } from '#functions/promote/stages/decide.ts';
import type { Situation } from '#functions/promote/stages/situation.ts';
import { FIRST_LOOK, SWITCHBACK_LOOKS } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { defaultControl, type Trial } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { AliasEntry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { MANY } from '#test/support/promote-house.ts';
import { maturedMs } from '#test/support/record.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW = maturedMs(MANY) + 1_000;

const TRIAL: Trial = {
  challenger: 'v2',
  start: rfc3339(NOW),
  block_ms: HOUR_MS,
  washout_ms: 10 * MINUTE_MS,
  seed: 7,
  arms: [RULES, 'v2'],
};
const move = (version: string): AliasEntry => ({
  sequence: 1,
  alias: 'champion',
  version,
  previous_version: null,
  at: rfc3339(NOW),
  by: 'promote',
  reason: 'proved better',
  verdict: 'promote',
  forced: false,
});
const said = (verdict: Verdict['verdict']): Verdict => ({
  verdict,
  reasons: ['so it is'],
  checks: [],
  metrics: {},
  decided_at: rfc3339(NOW),
  compared_with: null,
});

describe('the next step', () => {
  const situation = (changes: Partial<Situation>, control: Partial<Situation['control']> = {}): Situation => ({
    nowMs: NOW + 3 * HOUR_MS,
    control: { ...defaultControl('auto'), ...control },
    champion: null,
    apprentice: { name: 'v2', verdict: said('promote'), ready: true },
    learner: null,
    ended: 10,
    watermark: rfc3339(NOW),
    dismissed: null,
    notes: NO_NOTES,
    ...changes,
  });
  const running = { trial: TRIAL };
  const learner = (verdict: Verdict['verdict'], ended: number) => ({
    ...said(verdict),
    sequence: 1,
    ended,
    ready: true,
  });
  const kill = { by: 'ann', reason: 'x', at: rfc3339(NOW) };
  const long = 4 * 2 * (SWITCHBACK_LOOKS.at(-1) ?? 0) * HOUR_MS;

  test.each<[string, Situation, Partial<Step> & { kind: Step['kind'] }]>([
    ['a version that passed is tried', situation({}), { kind: 'begin_trial', challenger: 'v2', reason: 'so it is' }],
    ['not where the gate is enough', situation({ champion: move('v1') }, { stage: 'online' }), { kind: 'look_back' }],
    ['nor where nobody may act', situation({}, { stage: 'apprentice' }), { kind: 'none' }],
    ['nor under the kill switch', situation({}, { kill }), { kind: 'none' }],
    ['not what acts already', situation({ champion: move('v2'), ended: 0 }), { kind: 'look_back', actor: 'v2' }],
    ['not before the record has grown', situation({ notes: { ...NO_NOTES, retry_at: { v2: 11 } } }), { kind: 'none' }],
    ['then again', situation({ notes: { ...NO_NOTES, retry_at: { v2: 10 } } }), { kind: 'begin_trial' }],
    ['only with a verdict', situation({ apprentice: { name: 'v2', verdict: null, ready: true } }), { kind: 'none' }],
    [
      'the learner on its own after the versions',
      situation({
        learner: learner('promote', FIRST_LOOK),
        apprentice: { name: 'v2', verdict: said('reject'), ready: true },
      }),
      { kind: 'begin_trial', challenger: LINEAR },
    ],
    [
      'and not beside a champion',
      situation({ learner: learner('promote', 1), apprentice: null, champion: move('v1'), ended: 1 }),
      { kind: 'look_back', actor: 'v1' },
    ],
    ['the learner is looked at', situation({ apprentice: null, ended: FIRST_LOOK }), { kind: 'judge_learner' }],
    ['also as an apprentice', situation({ ended: FIRST_LOOK }, { stage: 'apprentice' }), { kind: 'judge_learner' }],
    [
      'again when there is more to see',
      situation({ apprentice: null, learner: learner('not-enough-evidence', FIRST_LOOK), ended: 1.5 * FIRST_LOOK }),
      { kind: 'judge_learner' },
    ],
    [
      'and not before',
      situation({ apprentice: null, learner: learner('not-enough-evidence', FIRST_LOOK), ended: 1.4 * FIRST_LOOK }),
      { kind: 'none' },
    ],
    ['a trial is judged', situation({}, running), { kind: 'judge_trial' }],
    ['when two blocks are over', situation({ nowMs: NOW + HOUR_MS }, running), { kind: 'none' }],
    ['not while it is not auto', situation({}, { ...running, stage: 'online' }), { kind: 'end_trial', lost: false }],
    ['nor under the kill switch', situation({}, { ...running, kill }), { kind: 'end_trial', lost: false }],
    ['nor of who is apprentice no more', situation({ apprentice: null }, running), { kind: 'end_trial', lost: false }],
    ['nor against who acts no more', situation({ champion: move('v1') }, running), { kind: 'end_trial', lost: false }],
    [
      'a victory that was cut short is completed',
      situation({ champion: move('v2') }, running),
      { kind: 'end_trial', reason: 'proved better', lost: false },
    ],
    ['it does not last for ever', situation({ nowMs: NOW + long + 1 }, running), { kind: 'end_trial', lost: true }],
    [
      'who waited for its end comes first',
      situation({ notes: { ...NO_NOTES, waiting: 'v3' } }),
      { kind: 'move_waiting', version: 'v3' },
    ],
  ])('%s', (_, given, expected) => {
    expect(nextStep(given)).toMatchObject(expected);
  });

  test('looks back when enough has happened since it did last, and at a trial once a block', () => {
    const acting = { champion: move('v2'), notes: { ...NO_NOTES, looked_back_at: 1_000 } };
    expect(nextStep(situation({ ...acting, ended: 1_249 })).kind).toBe('none');
    expect(nextStep(situation({ ...acting, ended: 1_250 })).kind).toBe('look_back');
    // Where much happens, those who wait to be tried are not kept from it.
    expect(nextStep(situation({ ...acting, champion: move('v1'), ended: 2_000 })).kind).toBe('begin_trial');
    const lookedMs = NOW + 2.5 * HOUR_MS;
    expect(nextStep(situation({}, running), lookedMs).kind).toBe('none');
    expect(nextStep(situation({ nowMs: NOW + 3.5 * HOUR_MS }, running), lookedMs).kind).toBe('judge_trial');
  });

  test('does not try whom a person took out of office, until the gate speaks of it again', () => {
    const dismissed = { name: 'v2', at: rfc3339(NOW) };
    expect(nextStep(situation({ dismissed })).kind).toBe('none');
    expect(nextStep(situation({ dismissed: { ...dismissed, at: rfc3339(NOW - 1) } })).kind).toBe('begin_trial');
  });

  test('does not try who has not learnt yet and could not act', () => {
    const apprentice = { name: 'v2', verdict: said('promote'), ready: false };
    expect(nextStep(situation({ apprentice })).kind).toBe('none');
  });
});
