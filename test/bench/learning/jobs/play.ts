/** Several policies in one world, one after the other, and what the bench asks of them. */
import { costOf } from '#cli/wargame/game.ts';
import { type Figures, figuresOf } from '#cli/wargame/measures/figures.ts';
import { windowsOf } from '#cli/wargame/measures/gap.ts';
import type { EventSpan } from '#cli/wargame/measures/recovery.ts';
import { POLICIES, type PolicyName } from '#cli/wargame/policies/index.ts';
import type { PolicyOf } from '#cli/wargame/policies/policy.ts';
import { type Play, playWorld, type WorldOptions } from '#cli/wargame/world.ts';

/** Done so far of a job, 0..1. */
export type OnShare = (share: number) => void;

export type FiguresByPolicy = Readonly<Record<string, Figures>>;

/** Rules and oracle always play: the gap lies between them. */
const withEnds = (policies: readonly PolicyName[]): readonly PolicyName[] => [
  ...new Set<PolicyName>(['rules', 'oracle', ...policies]),
];

export async function playAll(
  world: WorldOptions,
  policies: readonly PolicyName[],
  { events = [], onShare }: { readonly events?: readonly EventSpan[]; readonly onShare: OnShare },
): Promise<FiguresByPolicy> {
  const named = withEnds(policies).map((name): [PolicyName, PolicyOf] => [name, POLICIES[name]]);
  return figuresByPolicy(await playEach(world, named, onShare), world, events);
}

async function playEach(
  world: WorldOptions,
  policies: readonly (readonly [PolicyName, PolicyOf])[],
  onShare: OnShare,
): Promise<ReadonlyMap<string, Play>> {
  const whole = policies.reduce((sum, [name]) => sum + costOf(name), 0) * world.decisions;
  const plays = new Map<string, Play>();
  let spent = 0;
  for (const [name, policyOf] of policies) {
    plays.set(name, await playWorld(world, policyOf, (done) => onShare((spent + costOf(name) * done) / whole)));
    spent += costOf(name) * world.decisions;
  }
  return plays;
}

/** What a newcomer pays: the start as a whole, beside the windows of the war game. */
const FIRST = { from: 0, to: 10_000 };

/** @param plays `rules` and `oracle` among them */
export function figuresByPolicy(
  plays: ReadonlyMap<string, Play>,
  { decisions }: Pick<WorldOptions, 'decisions'>,
  events: readonly EventSpan[] = [],
): FiguresByPolicy {
  const [rules, oracle] = [plays.get('rules'), plays.get('oracle')];
  if (rules === undefined || oracle === undefined) throw new RangeError('expected rules and oracle to have played');
  const windows = [...windowsOf(decisions), ...(decisions >= FIRST.to ? [FIRST] : [])];
  const asked = { windows, events };
  return Object.fromEntries([...plays].map(([name, policy]) => [name, figuresOf({ policy, rules, oracle }, asked)]));
}
