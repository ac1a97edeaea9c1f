/** A contestant lives through the record: it knows what had been heard, and nothing of what it speaks of. */
import { describe, expect, it } from 'vitest';
import { GATE_ALPHA } from '#shared/defaults.ts';
import { createContest } from '#shared/learning/evaluate/contest.ts';
import { valueCandidates } from '#shared/learning/fast/candidate-value.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { LINEAR } from '#shared/learning/fast/learned-objects.ts';
import type { Lesson } from '#shared/learning/fast/lesson.ts';
import { judge } from '#shared/learning/gate/judge.ts';
import { EXPLORATION, thompson } from '#shared/learning/policy/thompson.ts';
import { type Contestant, linearContestant } from '#shared/learning/record/contestant.ts';
import { playRecord } from '#shared/learning/record/play.ts';
import { type RecordedDecision, rewarded } from '#shared/learning/record/recorded.ts';
import { type Book, createBook } from '#shared/learning/stages/book.ts';
import { createPlayer } from '#shared/learning/stages/player.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import { live, type Truth, WORLD_WORKLOAD } from '#test/support/stage-world.ts';

const DAY_MS = 24 * 3_600_000;
const LATER_MS = Date.UTC(2026, 2, 1);

/** Uniform choices, on record. */
async function recordOf(decisions: number, seed: number, truthAt: (index: number) => Truth): Promise<Book> {
  const book = createBook();
  const player = createPlayer(EXPLORATION);
  await live(
    {
      async decide({ key, workload, offers, nowMs }) {
        const candidates = player.value(workload, offers, nowMs);
        const probabilities = candidates.map(() => 1 / candidates.length);
        book.decided({
          key,
          atMs: nowMs,
          workload,
          candidates: candidates.map(({ offer, features }, i) => ({
            offerId: offer.offer_id,
            offer,
            features,
            ruleScore: -i,
            probability: probabilities[i] ?? 0,
          })),
          expected: [],
          actor: 'uniform',
        });
        return { candidates, probabilities, mode: 'rules', actor: 'uniform' };
      },
      hear: ({ key, offerId, lesson, example }) => book.heard(lesson, key, offerId, example),
    },
    { decisions, seed, truthAt },
  );
  return book;
}

const contestOf = (book: Book, holdoutShare: number) => {
  const examples = book.examples(LATER_MS);
  return createContest({
    ...splitByTime(examples, Math.round(holdoutShare * examples.length)),
    decisions: book.decisions(),
    lessons: book.lessons(),
    asOfMs: LATER_MS,
    seed: 1,
    alpha: GATE_ALPHA,
  });
};
const alone = { network: null, champion: null, championSkipped: null, linear: null };

describe('playing the record', () => {
  it('says of a decision what a learner would do that has heard just what had been heard', async () => {
    const book = await recordOf(300, 1, () => ({ cheap: 0.3, middle: 0.6, dear: 0.95 }));
    const decisions = rewarded(book.decisions(), LATER_MS);
    expect(decisions.length).toBeGreaterThan(250);
    for (const decision of [decisions[0], decisions[40], decisions.at(-1)]) {
      if (decision === undefined) throw new Error('no decision');
      const { workload, candidates, taken, decidedAtMs } = decision;
      const heard = book.lessons().filter(({ seen }) => seen.atMs <= decidedAtMs);
      const { choices, learner } = await playRecord(heard, linearContestant(), { examples: [], decisions: [decision] });
      const asked = candidates.map(({ offer, features }) => ({ offer, features, baseline: NO_RECORD }));
      const values = valueCandidates(learner, workload, asked, decidedAtMs);
      const means = values.map(({ expectedUtility }) => expectedUtility);
      const own = thompson(
        means,
        values.map(({ leadVariance }) => leadVariance),
        EXPLORATION,
      );
      const weighed = (probabilities: readonly number[]): number =>
        probabilities.reduce((sum, p, i) => sum + p * (means[i] ?? 0), 0);
      expect(choices).toEqual([
        {
          probability: own[taken],
          q: means[taken],
          v: weighed(own),
          // The best by the rules is the first.
          vRules: expect.closeTo(weighed([0.95 + 0.05 / 3, 0.05 / 3, 0.05 / 3]), 12),
          support: expect.closeTo(1, 12),
        },
      ]);
    }
  });

  it('has not seen what it speaks of: another end changes nothing that was said before it was heard', async () => {
    const book = await recordOf(200, 2, () => ({ cheap: 0.5, middle: 0.5, dear: 0.5 }));
    const decisions = rewarded(book.decisions(), LATER_MS);
    const cutMs = decisions[100]?.decidedAtMs ?? 0;
    const told = (fail: boolean): Lesson[] =>
      book
        .lessons()
        .map((lesson) =>
          fail && lesson.kind === 'final' && lesson.seen.atMs > cutMs
            ? { kind: 'final', seen: { ...lesson.seen, started: false, interrupted: false, exposureHours: null } }
            : lesson,
        );
    const examples = book.examples(LATER_MS);
    const [as, otherwise] = [
      await playRecord(told(false), linearContestant(), { examples, decisions }),
      await playRecord(told(true), linearContestant(), { examples, decisions }),
    ];
    const upTo = decisions.findIndex(({ decidedAtMs }) => decidedAtMs > cutMs);
    expect(as.choices.slice(0, upTo)).toEqual(otherwise.choices.slice(0, upTo));
    expect(as.choices.slice(upTo)).not.toEqual(otherwise.choices.slice(upTo));
    expect([...as.predictions.start.slice(0, 100)]).toEqual([...otherwise.predictions.start.slice(0, 100)]);
  });

  it('leaves out what was greedy, forced, censored, or may still end', () => {
    const decision: RecordedDecision = {
      decisionId: 'd',
      decidedAtMs: 0,
      workload: WORLD_WORKLOAD,
      candidates: [0.5, 0.5].map((probability) => ({
        offer: { usd_per_gpu_hour: 1, latency_ms: null },
        features: { set: 's', hash: 'h', numeric: [], categorical: [] },
        ruleScore: 0,
        probability,
      })),
      taken: 0,
      propensity: 0.5,
      ended: true,
      reward: 0.5,
    };
    const [first, second] = decision.candidates;
    if (first === undefined || second === undefined) throw new Error('two candidates');
    const greedy = {
      ...decision,
      candidates: [
        { ...first, probability: 1 },
        { ...second, probability: 0 },
      ],
    };
    const all = [decision, greedy, { ...decision, propensity: null }, { ...decision, reward: null }];
    expect(rewarded(all, DAY_MS)).toEqual([decision]);
    expect(rewarded(all, 3_600_000)).toEqual([]);
  });
});

describe('the gate on the record', () => {
  it('promotes a learner that would earn more than the rules, with uplift and sample size among its reasons', async () => {
    const book = await recordOf(1_200, 3, () => ({ cheap: 0.3, middle: 0.6, dear: 0.95 }));
    const evaluation = await contestOf(book, 0.8).evaluate({ challenger: linearContestant(), ...alone });
    const verdict = judge({ evaluation, decidedAt: '2026-03-01T00:00:00.000Z', scoringMs: 0.1 });
    expect(verdict.verdict).toBe('promote');
    expect(verdict.reasons[0]).toMatch(/^off-policy: uplift over the rules 0\.\d+ \(0\.\d+ to 0\.\d+\) doubly robust/);
    expect(verdict.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['effective_sample_size', 'support', 'drift', 'uplift_over_rules', 'scoring_ms']),
    );
    expect(evaluation).toMatchObject({ version: LINEAR, policy: { rows: expect.any(Number) } });
  });

  it('finds no more to gain over rules that are right than what their own exploration costs', async () => {
    const book = await recordOf(1_200, 4, () => ({ cheap: 0.95, middle: 0.5, dear: 0.2 }));
    const evaluation = await contestOf(book, 0.8).evaluate({ challenger: linearContestant(), ...alone });
    const { mean = 1, low = 1 } = evaluation.policy?.over.rules?.dr ?? {};
    // A twentieth of the decisions, two thirds of them half a run worse.
    expect(Math.abs(mean - 0.02)).toBeLessThan(0.02);
    expect(low).toBeLessThan(0.02);
  });

  it('refuses a network that the linear heads do without', async () => {
    const book = await recordOf(1_200, 5, () => ({ cheap: 0.3, middle: 0.6, dear: 0.95 }));
    const liar: Contestant = {
      name: 'liar',
      // Sure of the opposite, and never corrected.
      baselines: (features) =>
        features.map(({ categorical }) => ({
          start: categorical[0] === 'dear' ? -3 : 3,
          hazard: -5,
          price: 0,
          latency: 0,
          ready: 11,
        })),
      lessonBaseline: () => null,
    };
    const evaluation = await contestOf(book, 0.5).evaluate({ challenger: liar, ...alone, linear: linearContestant() });
    const verdict = judge({ evaluation, decidedAt: '2026-03-01T00:00:00.000Z', scoringMs: null });
    expect(verdict.verdict).toBe('reject');
    expect(verdict.checks.find(({ name }) => name === 'completion_over_linear')).toMatchObject({ passed: false });
  });

  it('has not enough evidence where what the challenger wants was never tried', async () => {
    const book = await recordOf(600, 6, () => ({ cheap: 0.3, middle: 0.6, dear: 0.95 }));
    const examples = book.examples(LATER_MS);
    const contest = createContest({
      ...splitByTime(examples, Math.round(0.8 * examples.length)),
      decisions: book.decisions().map((decision) => ({
        ...decision,
        candidates: decision.candidates.map((candidate) => ({
          ...candidate,
          probability: candidate.ruleScore === 0 ? 0.998 : 0.001,
        })),
        propensity: decision.candidates[decision.taken]?.ruleScore === 0 ? 0.998 : 0.001,
      })),
      lessons: book.lessons(),
      asOfMs: LATER_MS,
      seed: 1,
      alpha: GATE_ALPHA,
    });
    const evaluation = await contest.evaluate({ challenger: linearContestant(), ...alone });
    const verdict = judge({ evaluation, decidedAt: '2026-03-01T00:00:00.000Z', scoringMs: null });
    expect(verdict.verdict).toBe('not-enough-evidence');
    expect(verdict.checks.find(({ name }) => name === 'support')).toMatchObject({ passed: false });
  });
});
