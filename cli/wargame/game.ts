/** What is played: which policies on which worlds. Everything that a thread needs; plain data. */
import { MS_PER_HOUR } from '#shared/defaults.ts';
import type { ScenarioEvent } from '#sim/market/scenario.ts';
import type { EventSpan } from './measures/recovery.ts';
import { POLICY_NAMES, type PolicyName } from './policies/index.ts';
import { arrivalsOf, type WorldOptions } from './world.ts';

export interface Game extends Omit<WorldOptions, 'seed'> {
  readonly seeds: readonly number[];
  /** Besides rules and oracle, between which the gap lies. */
  readonly policies: readonly PolicyName[];
}

/** One policy in one world. */
export interface Job {
  readonly policy: PolicyName;
  readonly seed: number;
}

/** Time of a decision, roughly, in those of the rules: learners value candidates, and the whole router trains and judges versions beside. */
export const costOf = (policy: PolicyName): number => COSTS[policy] ?? 1;
const COSTS: Readonly<Partial<Record<PolicyName, number>>> = {
  network: 15,
  linear: 10,
  both: 25,
  aurora: 30,
  auto: 30,
};

/** In the order of POLICY_NAMES. */
export const policiesOf = ({ policies }: Pick<Game, 'policies'>): readonly PolicyName[] =>
  POLICY_NAMES.filter((name) => name === 'rules' || name === 'oracle' || policies.includes(name));

/** The longest first, so that two threads end at about the same time. */
export const jobsOf = (game: Pick<Game, 'policies' | 'seeds'>): readonly Job[] =>
  policiesOf(game)
    .flatMap((policy) => game.seeds.map((seed) => ({ policy, seed })))
    .toSorted((a, b) => costOf(b.policy) - costOf(a.policy));

/** The events of the scenario, or of the market itself. */
export const eventsOf = ({ scenario, spec }: Pick<Game, 'scenario' | 'spec'>): readonly ScenarioEvent[] =>
  scenario ?? spec.scenario;

/** The decisions of a world that fall into each event; past the end of the run both are its length. */
export function spansOf(game: Game, seed: number, events: readonly ScenarioEvent[]): readonly EventSpan[] {
  const arrivals = arrivalsOf(game.spec, seed);
  const hours = Array.from({ length: game.decisions }, (_, index) => arrivals(index) / MS_PER_HOUR);
  const firstAt = (instant: number): number => {
    const found = hours.findIndex((hour) => hour >= instant);
    return found === -1 ? hours.length : found;
  };
  return events.map(({ from_h, to_h }) => ({ from: firstAt(from_h), to: firstAt(to_h) }));
}
