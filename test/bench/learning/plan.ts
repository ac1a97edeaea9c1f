/** Which jobs a run of the bench has. The base is a part of the full run, so that its results are not measured twice. */
import type { PolicyName } from '#cli/wargame/policies/index.ts';
import type { LearningJob } from './jobs/index.ts';

export type Scale = 'base' | 'full' | 'quick';

export const MARKETS = ['default', 'second'] as const;
export type MarketName = (typeof MARKETS)[number];

interface World {
  readonly market: MarketName;
  readonly seed: number;
}
const worlds = (markets: readonly MarketName[], seeds: readonly number[]): readonly World[] =>
  markets.flatMap((market) => seeds.map((seed) => ({ market, seed })));

/** Sizes of a run, in decisions. */
interface Sizes {
  readonly seeds: readonly number[];
  /** Where stage auto and the ablation are played. */
  readonly stages: readonly World[];
  /** Of the variants of the game: another feedback, deviation or pace, an outage. */
  readonly variantSeeds: readonly number[];
  readonly decisions: number;
  readonly ablation: { readonly decisions: number };
  /** Of the top provider's outage. */
  readonly outage: { readonly from: number; readonly to: number };
  /** A hundred days at a hundred a day. */
  readonly slowPace: number;
  /** Of the off-policy estimates. */
  readonly estimateSeeds: readonly number[];
  readonly offPolicyRows: number;
  readonly offPolicySizes: readonly number[];
  readonly promotion: readonly PromotionSizes[];
  readonly repeated: number;
  readonly scoring: { readonly decisions: number; readonly calls: number; readonly rounds: number };
}

/** Challengers of one true uplift, on each market. */
interface PromotionSizes {
  readonly uplift: number;
  readonly tries: number;
  readonly decisions: number;
  readonly stretch: number;
}
/** No two tries share a world, nor one with another job. */
const FIRST_TRIED_WORLD = 1_000;
/** A job's tries: half a minute, which is all that a stop may lose. */
const TRIES_TOGETHER = 10;

/** The worse ones are as many as the aim asks for, half of them on each market. */
const promotions = (worse: number, good: number): readonly PromotionSizes[] => [
  { uplift: -0.05, tries: worse / 4, decisions: 12_000, stretch: 4_000 },
  { uplift: -0.02, tries: worse / 4, decisions: 12_000, stretch: 4_000 },
  { uplift: 0.02, tries: good, decisions: 30_000, stretch: 4_000 },
  { uplift: 0.05, tries: good, decisions: 15_000, stretch: 4_000 },
];

const BASE: Sizes = {
  seeds: [1, 2],
  stages: [],
  variantSeeds: [],
  decisions: 50_000,
  ablation: { decisions: 20_000 },
  outage: { from: 20_000, to: 25_000 },
  slowPace: 10_000,
  estimateSeeds: [1],
  offPolicyRows: 100_000,
  offPolicySizes: [5_000, 20_000],
  promotion: promotions(80, 20),
  repeated: 5_000,
  scoring: { decisions: 20_000, calls: 10_000, rounds: 5 },
};
const FIVE = [1, 2, 3, 4, 5];
const SIZES: Readonly<Record<Scale, Sizes>> = {
  base: BASE,
  full: {
    ...BASE,
    seeds: FIVE,
    stages: worlds(MARKETS, [1]),
    estimateSeeds: [1, 2],
    variantSeeds: [1],
    promotion: promotions(200, 40),
  },
  // Shows that everything works, measures nothing.
  quick: {
    seeds: [1],
    stages: worlds(MARKETS, [1]),
    variantSeeds: [1],
    decisions: 600,
    ablation: { decisions: 300 },
    outage: { from: 200, to: 300 },
    slowPace: 300,
    estimateSeeds: [1],
    offPolicyRows: 300,
    offPolicySizes: [100],
    promotion: promotions(4, 1).map((sizes) => ({ ...sizes, decisions: 1_500, stretch: 100 })),
    repeated: 50,
    scoring: { decisions: 200, calls: 20, rounds: 1 },
  },
};

/** The variants of the war game that the report asks about. */
export const GAME = { deviation: 1, slow_feedback: 1, decisions_per_day: null } as const;
export const SLOW = { ...GAME, slow_feedback: 20 } as const;
export const MILD = { ...GAME, deviation: 0.25 } as const;
export const RARE = { ...GAME, decisions_per_day: 100 } as const;

/** What the report asks about. */
export const LEARNER = 'aurora' satisfies PolicyName;
/** Every stage, from the apprentice on. */
export const AUTO = 'auto' satisfies PolicyName;
/** What the network must earn its place against. */
const ABLATION = ['tables', 'linear', 'network', 'both'] as const satisfies readonly PolicyName[];

export function jobsOf(scale: Scale): readonly LearningJob[] {
  const { seeds, stages, variantSeeds, decisions, ablation, outage, slowPace, offPolicyRows, offPolicySizes } =
    SIZES[scale];
  const { estimateSeeds, promotion, repeated, scoring } = SIZES[scale];
  const games = worlds(MARKETS, seeds).map(
    (world): LearningJob => ({
      kind: 'game',
      ...world,
      decisions,
      ...GAME,
      policies: ['advertised', 'tables', LEARNER],
    }),
  );
  const staged = stages.flatMap((world): readonly LearningJob[] => [
    { kind: 'game', ...world, decisions, ...GAME, policies: [AUTO] },
    { kind: 'ablation', ...world, decisions: ablation.decisions, ...GAME, policies: ABLATION },
  ]);
  const estimates = worlds(MARKETS, estimateSeeds).map(
    (world): LearningJob => ({ kind: 'off-policy', ...world, rows: offPolicyRows, sizes: offPolicySizes }),
  );
  const variants = worlds(MARKETS, variantSeeds).flatMap((world): readonly LearningJob[] => {
    const game = { kind: 'game', ...world, decisions } as const;
    return [
      { ...game, ...SLOW, policies: ['tables', LEARNER] },
      { ...game, ...MILD, policies: ['advertised', 'tables', LEARNER] },
      { ...game, ...RARE, policies: ['tables', LEARNER], decisions: slowPace },
      { kind: 'outage', ...world, decisions, ...outage, policies: ['tables', LEARNER] },
    ];
  });
  const [market, seed] = [MARKETS[0], seeds[0] as number];
  return [
    ...games,
    ...staged,
    ...estimates,
    ...variants,
    ...MARKETS.flatMap((name) => promotion.map((sizes) => ({ name, sizes }))).flatMap(({ name, sizes }, at) =>
      promotionJobs(name, sizes, FIRST_TRIED_WORLD * (at + 1)),
    ),
    { kind: 'stdio', market, seed, decisions, repeated },
    { kind: 'scoring', market, seed, ...scoring },
  ];
}

/** @param seed of the first try */
const promotionJobs = (market: MarketName, sizes: PromotionSizes, seed: number): readonly LearningJob[] =>
  Array.from({ length: Math.ceil(sizes.tries / TRIES_TOGETHER) }, (_, at) => ({
    kind: 'promotion',
    market,
    ...sizes,
    seed: seed + at * TRIES_TOGETHER,
    tries: Math.min(TRIES_TOGETHER, sizes.tries - at * TRIES_TOGETHER),
  }));
