/** What a war game has shown, as `--json` says it. No figure depends on the machine: the same game gives the same bytes. */
import type { ScenarioEvent } from '#sim/market/scenario.ts';
import type { Settings } from './config.ts';
import { eventsOf, type Game, policiesOf, spansOf } from './game.ts';
import { type Figures, figuresOf, meanOver, worstOver } from './measures/figures.ts';
import { windowsOf } from './measures/gap.ts';
import type { PolicyName } from './policies/index.ts';
import type { PlayedJob } from './threads.ts';
import type { Play } from './world.ts';

export interface PolicyReport {
  readonly mean: Figures;
  /** Each figure from the world where it is worst. */
  readonly worst: Figures;
  readonly worlds: readonly (Figures & { readonly seed: number })[];
}

export interface Report {
  readonly market: string;
  readonly decisions: number;
  readonly seeds: readonly number[];
  readonly deviation: number;
  readonly slow_feedback: number;
  /** Null: none but the market's own events. */
  readonly scenario: string | null;
  /** Those that began within the run, in every world. */
  readonly events: readonly ScenarioEvent[];
  readonly policies: Readonly<Partial<Record<PolicyName, PolicyReport>>>;
}

export function reportOf({ game, scenario }: Settings, played: readonly PlayedJob[]): Report {
  const play = (policy: PolicyName, seed: number): Play => {
    const found = played.find((job) => job.policy === policy && job.seed === seed);
    if (found === undefined) throw new RangeError(`${policy}, world ${seed}: expected to have been played`);
    return found.play;
  };
  const events = eventsWithin(game);
  const windows = windowsOf(game.decisions);
  const spans = new Map(game.seeds.map((seed) => [seed, spansOf(game, seed, events)]));
  const reported = policiesOf(game).map((policy): [PolicyName, PolicyReport] => {
    const worlds = game.seeds.map((seed) => ({
      seed,
      ...figuresOf(
        { policy: play(policy, seed), rules: play('rules', seed), oracle: play('oracle', seed) },
        { windows, events: spans.get(seed) ?? [] },
      ),
    }));
    return [policy, { mean: meanOver(worlds), worst: worstOver(worlds), worlds }];
  });
  return {
    market: game.spec.name,
    decisions: game.decisions,
    seeds: game.seeds,
    deviation: game.deviation,
    slow_feedback: game.slowFeedback,
    scenario: scenario?.name ?? null,
    events,
    policies: Object.fromEntries(reported),
  };
}

function eventsWithin(game: Game): readonly ScenarioEvent[] {
  const events = eventsOf(game);
  const spans = game.seeds.map((seed) => spansOf(game, seed, events));
  return events.filter((_, at) => spans.every((world) => (world[at]?.from ?? game.decisions) < game.decisions));
}
