/** What the bench can measure. A job is plain data, so that it can be sent to a thread and kept beside its result. */
import { type GameJob, type GameResult, runGame } from './game.ts';
import { type OffPolicyJob, type OffPolicyResult, runOffPolicy } from './off-policy.ts';
import { type OutageJob, type OutageResult, runOutage } from './outage.ts';
import type { OnShare } from './play.ts';
import { type PromotionJob, type PromotionResult, runPromotion } from './promotion.ts';
import { runScoring, type ScoringJob, type ScoringResult } from './scoring.ts';
import { runStdio, type StdioJob, type StdioResult } from './stdio.ts';

interface Kinds {
  readonly game: readonly [GameJob, GameResult];
  readonly ablation: readonly [GameJob<'ablation'>, GameResult];
  readonly outage: readonly [OutageJob, OutageResult];
  readonly 'off-policy': readonly [OffPolicyJob, OffPolicyResult];
  readonly promotion: readonly [PromotionJob, PromotionResult];
  readonly stdio: readonly [StdioJob, StdioResult];
  readonly scoring: readonly [ScoringJob, ScoringResult];
}

export type Kind = keyof Kinds;
export type JobOf<K extends Kind> = Kinds[K][0];
export type ResultOf<K extends Kind> = Kinds[K][1];
export type LearningJob = JobOf<Kind>;
export type LearningResult = ResultOf<Kind>;

interface KindSpec<K extends Kind> {
  run(job: JobOf<K>, onShare: OnShare): Promise<ResultOf<K>>;
  nameOf(job: JobOf<K>): string;
  /** Roughly, on the machine it was made on; for the remaining time and for the order only. */
  secondsOf(job: JobOf<K>): number;
  /** Nothing else is measured meanwhile: time is what it measures. */
  readonly alone: boolean;
  /** Whose change makes the result stale, besides what all depend on (sources.ts); files and folders of the project. */
  readonly sources: readonly string[];
}

/** A decision of a policy, in seconds; the router trains and judges versions beside. */
const PLAIN_S = 0.000_05;
const LEARNT_S: Readonly<Record<string, number>> = {
  linear: 0.000_9,
  network: 0.001_2,
  both: 0.002,
  aurora: 0.002,
  auto: 0.002,
};
/** Of a challenger: a decision of the router around it, and one of the stretch on which the rules and some five angles play. */
const [TRIED_S, CALIBRATED_S] = [0.000_07, 0.000_15];
const playSeconds = (decisions: number, policies: readonly string[]): number =>
  policies.reduce((sum, name) => sum + decisions * (LEARNT_S[name] ?? PLAIN_S), 0);

const KINDS: { readonly [K in Kind]: KindSpec<K> } = {
  game: {
    run: runGame,
    nameOf: ({ market, seed, decisions, policies, deviation, slow_feedback, decisions_per_day }) =>
      [
        `game ${market} world ${seed}, ${decisions} decisions of ${policies.join(', ')}`,
        ...(deviation === 1 ? [] : [`deviation ${deviation}`]),
        ...(slow_feedback === 1 ? [] : [`feedback ${slow_feedback} times slower`]),
        ...(decisions_per_day === null ? [] : [`${decisions_per_day} a day`]),
      ].join(', '),
    secondsOf: ({ decisions, policies }) => playSeconds(decisions, ['rules', 'oracle', ...policies]),
    alone: false,
    sources: [],
  },
  ablation: {
    run: runGame,
    nameOf: ({ market, seed, decisions, policies }) =>
      `ablation ${market} world ${seed}, ${decisions} decisions of ${policies.join(', ')}`,
    secondsOf: ({ decisions, policies }) => playSeconds(decisions, ['rules', 'oracle', ...policies]),
    alone: false,
    sources: [],
  },
  outage: {
    run: runOutage,
    nameOf: ({ market, seed, decisions, from, to }) =>
      `outage ${market} world ${seed}, decisions ${from} to ${to} of ${decisions}`,
    secondsOf: ({ decisions, policies }) => playSeconds(decisions, ['rules', 'oracle', 'oracle', ...policies]),
    alone: false,
    sources: [],
  },
  'off-policy': {
    run: runOffPolicy,
    nameOf: ({ market, seed, rows }) => `off-policy estimates, ${market} world ${seed}, ${rows} logged decisions`,
    secondsOf: ({ rows }) => playSeconds(rows, ['linear']),
    alone: false,
    sources: [],
  },
  promotion: {
    run: runPromotion,
    nameOf: ({ market, seed, tries, uplift, decisions }) =>
      `promotion ${market} worlds ${seed} to ${seed + tries - 1}, true uplift ${uplift}, up to ${decisions} decisions`,
    secondsOf: ({ tries, stretch, decisions }) => tries * (decisions * TRIED_S + stretch * CALIBRATED_S),
    alone: false,
    sources: [],
  },
  stdio: {
    run: runStdio,
    nameOf: ({ market, seed, decisions }) => `vm agent --stdio, ${market} world ${seed}, ${decisions} decisions`,
    secondsOf: ({ decisions, repeated }) => playSeconds(decisions + 2 * repeated, ['aurora', 'rules', 'oracle']),
    alone: true,
    sources: ['cli/agent', 'cli/commands/agent.ts'],
  },
  scoring: {
    run: runScoring,
    nameOf: ({ decisions }) => `cost of scoring after ${decisions} decisions`,
    secondsOf: ({ decisions, calls, rounds }) => playSeconds(decisions + calls * rounds, ['linear']),
    alone: true,
    sources: [],
  },
};

export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

const specOf = ({ kind }: LearningJob): KindSpec<Kind> => KINDS[kind];

export const runJob = (job: LearningJob, onShare: OnShare): Promise<LearningResult> => specOf(job).run(job, onShare);
export const nameOf = (job: LearningJob): string => specOf(job).nameOf(job);
export const secondsOf = (job: LearningJob): number => specOf(job).secondsOf(job);
export const isAlone = (job: LearningJob): boolean => specOf(job).alone;
export const sourcesOf = (job: LearningJob): readonly string[] => specOf(job).sources;
