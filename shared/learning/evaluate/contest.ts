/**
 * Contestants on one record. In: the record up to a watermark, split in time. Out: for each challenger the facts that the gate
 * judges by. What is served is judged: network and learner together, the learner on its own, and beside them the network alone,
 * so that each part has to show what it is worth. Each contestant lives through the record once, whoever asks.
 */
import type { Example } from '../example.ts';
import { inOrder } from '../examples.ts';
import type { FastLearner } from '../fast/fast-learner.ts';
import type { Lesson } from '../fast/lesson.ts';
import { FEATURE_SET } from '../features.ts';
import type { TargetScales } from '../heads.ts';
import type { Network } from '../network.ts';
import type { Contestant } from '../record/contestant.ts';
import { type PlayedRecord, playRecord } from '../record/play.ts';
import { type RecordedDecision, rewarded } from '../record/recorded.ts';
import { driftBetween } from './drift.ts';
import { type Evaluation, evaluate, usable } from './index.ts';
import { policyEvidence } from './policy-evidence.ts';
import { predictionsOf } from './predictions.ts';

export interface ContestRecord {
  /** Attempts before the cut, and from it on; matured. */
  readonly training: readonly Example[];
  readonly holdout: readonly Example[];
  /** Of the same stretch of time as both, in order. */
  readonly decisions: readonly RecordedDecision[];
  /** Everything that a learner would have heard, in order. */
  readonly lessons: readonly Lesson[];
  /** World epoch milliseconds of the watermark. */
  readonly asOfMs: number;
  readonly seed: number;
  /** Error of each one-sided limit of an uplift. */
  readonly alpha: number;
}

export interface Match {
  readonly challenger: Contestant;
  /** The challenger's, without the learner; null: it has none. */
  readonly network: { readonly network: Network; readonly targets: TargetScales } | null;
  readonly champion: Contestant | null;
  /** Why the champion in office is not among them. */
  readonly championSkipped: string | null;
  /** The learner on its own; null: it is the challenger. */
  readonly linear: Contestant | null;
}

export interface Contest {
  evaluate(match: Match): Promise<Evaluation>;
  /** What a contestant has learnt, every lesson of the record heard. */
  learnerOf(contestant: Contestant): Promise<FastLearner>;
}

export function createContest({ training, holdout, decisions, lessons, asOfMs, seed, alpha }: ContestRecord): Contest {
  const rows = inOrder(holdout).filter((row) => usable(row, FEATURE_SET, FEATURE_SET));
  const cutMs = inOrder(holdout)[0]?.decided_at ?? Number.POSITIVE_INFINITY;
  const [before, after] = [
    decisions.filter(({ decidedAtMs }) => decidedAtMs < cutMs),
    decisions.filter(({ decidedAtMs }) => decidedAtMs >= cutMs),
  ];
  const asked = { examples: rows, decisions: rewarded(after, asOfMs) };
  const played = new Map<string, Promise<PlayedRecord>>();
  const play = (contestant: Contestant): Promise<PlayedRecord> => {
    const known = played.get(contestant.name) ?? playRecord(lessons, contestant, asked);
    played.set(contestant.name, known);
    return known;
  };
  const featuresOf = (of: readonly RecordedDecision[]) =>
    of.map(({ candidates }) => candidates.map(({ features }) => features));

  return {
    learnerOf: async (contestant) => (await play(contestant)).learner,
    async evaluate({ challenger, network, champion, championSkipped, linear }) {
      const own = await play(challenger);
      const office = champion === null ? null : await play(champion);
      const alone = linear === null ? null : await play(linear);
      const sides = {
        challenger: own.choices,
        champion: office?.choices ?? null,
        linear: alone?.choices ?? null,
      };
      return evaluate({
        version: challenger.name,
        training,
        rows,
        refused_rows: holdout.length - rows.length,
        claims: {
          challenger: own.predictions,
          champion: office?.predictions ?? null,
          linear: alone?.predictions ?? null,
          network: network === null ? null : await predictionsOf(network.network, network.targets, rows),
        },
        champion: champion?.name ?? null,
        champion_skipped: championSkipped,
        policy: policyEvidence(asked.decisions, sides, { seed, alpha }),
        drift: driftBetween(featuresOf(before), featuresOf(after)),
        seed,
      });
    },
  };
}
