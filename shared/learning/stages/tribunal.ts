/**
 * Looks at the record now and then: judges the learner on its own while the rules act, trains a version when the record has
 * doubled and judges it. In: the record so far. Out: who passed the gate, ready to play. When it looks is a function of how many
 * attempts have ended.
 */
import { FIRST_LOOK, LINEAR_HOLDOUT_SHARE, LOOK_GROWTH, TRAINING_GROWTH } from '#shared/defaults.ts';
import { LINEAR } from '#shared/domain/actor.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { type Contest, createContest, type Match } from '../evaluate/contest.ts';
import type { Example } from '../example.ts';
import { judge } from '../gate/judge.ts';
import type { ExplorationLimits } from '../policy/thompson.ts';
import { type Contestant, linearContestant } from '../record/contestant.ts';
import { splitByTime } from '../train/split.ts';
import type { Book } from './book.ts';
import { nextLookAt } from './next-look.ts';
import { createPlayer, type Player } from './player.ts';
import type { TrainVersion } from './train-version.ts';

export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  /** Null: the learner on its own, which plays already. */
  readonly player: Player | null;
}

export interface Tribunal {
  /** Whether so many ended attempts are worth a look. */
  due(ended: number): boolean;
  /** @param acting null: the rules */
  look(nowMs: number, acting: Contestant | null): Promise<readonly Finding[]>;
  /** The world has changed: looks again as soon as a first look's worth of attempts has ended, but at a cadence that is geometric still. */
  hasten(ended: number): void;
  trainings(): number;
}

export interface TribunalOptions {
  readonly book: Book;
  readonly exploration: ExplorationLimits;
  readonly seed: number;
  /** Error of each one-sided limit of an uplift. */
  readonly alpha: number;
  /** Null: no versions are trained. */
  readonly train: TrainVersion | null;
  /** Of whoever stands in for the learner and cannot live through the record as it does. */
  readonly judgeLearner?: JudgeLearner | undefined;
}

export type JudgeLearner = (book: Book, nowMs: number) => Verdict;

/** Growth of the record from one hastened look to the next: where something always drifts, looks stay as many as the record has doublings, times four. */
const HASTE = Math.sqrt(LOOK_GROWTH);

export function createTribunal({ book, exploration, seed, alpha, train, judgeLearner }: TribunalOptions): Tribunal {
  let lookAt = nextLookAt(null);
  let trainAt = FIRST_LOOK;
  let [lookedAt, trainedAt] = [0, 0];
  let trainings = 0;

  const contestOver = (examples: readonly Example[], holdoutRows: number, nowMs: number): Contest =>
    createContest({
      ...splitByTime(examples, holdoutRows),
      decisions: book.decisions(),
      lessons: book.lessons(),
      asOfMs: nowMs,
      seed,
      alpha,
    });
  const verdictOf = async (contest: Contest, match: Match, nowMs: number): Promise<Verdict> =>
    judge({ evaluation: await contest.evaluate(match), decidedAt: rfc3339(nowMs), scoringMs: null });

  const judgeLinear = async (examples: readonly Example[], nowMs: number): Promise<Finding> => {
    if (judgeLearner !== undefined) return { name: LINEAR, verdict: judgeLearner(book, nowMs), player: null };
    const contest = contestOver(examples, Math.round(LINEAR_HOLDOUT_SHARE * examples.length), nowMs);
    const challenger = linearContestant();
    const match = { challenger, network: null, champion: null, championSkipped: null, linear: null };
    return { name: challenger.name, verdict: await verdictOf(contest, match, nowMs), player: null };
  };

  const judgeVersion = async (
    examples: readonly Example[],
    nowMs: number,
    acting: Contestant | null,
    trainer: TrainVersion,
  ): Promise<readonly Finding[]> => {
    const trained = await trainer({ examples, watermark: rfc3339(nowMs), seed }).catch((error: unknown) => {
      // Too few rows of some kind: the next look has more.
      if (!(error instanceof RejectedError) || error.code !== 'not_enough_data') throw error;
      return null;
    });
    if (trained === null) return [];
    trainings += 1;
    const contest = contestOver(examples, trained.holdoutRows, nowMs);
    const { contestant: challenger, network } = trained;
    const match = { challenger, network, champion: acting, championSkipped: null, linear: linearContestant() };
    const verdict = await verdictOf(contest, match, nowMs);
    const player = createPlayer(exploration, challenger, await contest.learnerOf(challenger));
    return [{ name: challenger.name, verdict, player }];
  };

  return {
    due: (ended) => ended >= lookAt,
    async look(nowMs, acting) {
      const ended = book.ended();
      const examples = book.examples(nowMs);
      lookAt = nextLookAt(ended);
      lookedAt = ended;
      const findings = acting === null ? [await judgeLinear(examples, nowMs)] : [];
      if (train === null || ended < trainAt) return findings;
      trainAt = Math.ceil(ended * TRAINING_GROWTH);
      trainedAt = ended;
      return [...findings, ...(await judgeVersion(examples, nowMs, acting, train))];
    },
    hasten(ended) {
      lookAt = Math.min(lookAt, Math.max(ended + FIRST_LOOK, Math.ceil(HASTE * lookedAt)));
      trainAt = Math.min(trainAt, Math.max(ended + FIRST_LOOK, Math.ceil(LOOK_GROWTH * trainedAt)));
    },
    trainings: () => trainings,
  };
}
