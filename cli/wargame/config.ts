/**
 * What is to be played, from a file and from options; the same keys in both, options win. Documented, with an example that a
 * test runs, in docs/operations/wargame.md.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { name, probability } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';
import {
  loadMarketSpec,
  loadScenarioSpec,
  parseMarketSpec,
  parseScenarioSpec,
  scenarioFor,
  seenFrom,
} from '#sim/market/load-spec.ts';
import type { ScenarioSpec } from '#sim/market/scenario.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { parseText, reasonOf } from '#sim/spec-json.ts';
import type { Game } from './game.ts';
import { POLICY_NAMES, type PolicyName } from './policies/index.ts';

/** 40 MB of figures in memory for five policies. */
export const MAX_DECISIONS = 1_000_000;
const MAX_WORLDS = 100;
export const MAX_SLOW_FEEDBACK = 1_000;

/** "1..5", "1,2" or "1..3,7" as numbers; anything else as it came, for the schema to refuse. */
const expanded = (given: unknown): unknown => {
  if (typeof given !== 'string' || !/^\d{1,9}(\.\.\d{1,9})?(,\d{1,9}(\.\.\d{1,9})?)*$/.test(given)) return given;
  return given.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('..').map(Number);
    // One too many is enough to be refused.
    return Array.from({ length: Math.min(MAX_WORLDS + 1, Math.max(0, to - from + 1)) }, (_, at) => from + at);
  });
};
const split = (given: unknown): unknown => (typeof given === 'string' ? given.split(',') : given);
const each = (what: string) => ({
  check: (values: readonly unknown[]) => new Set(values).size === values.length,
  message: `expected each ${what} once`,
});
const [eachSeed, eachPolicy] = [each('seed'), each('policy')];

/** The thing itself, its name, or the path of its file. */
const named = z.union([name, z.record(z.string(), z.unknown())], {
  error: 'expected a name, the path of a JSON file, or what such a file says',
});

const configSchema = z.strictObject({
  market: named.exactOptional(),
  decisions: z.int().min(1).max(MAX_DECISIONS).exactOptional(),
  seeds: z
    .preprocess(
      expanded,
      z
        .array(z.int().min(0), 'expected seeds such as "1..5", "1,2" or [1, 2]')
        .min(1, 'expected at least one seed; a range goes upwards')
        .max(MAX_WORLDS, `expected at most ${MAX_WORLDS} worlds`)
        .refine(eachSeed.check, eachSeed.message),
    )
    .exactOptional(),
  policies: z
    .preprocess(
      split,
      z
        .array(z.enum(POLICY_NAMES), `expected names of ${POLICY_NAMES.join(', ')}`)
        .min(1)
        .refine(eachPolicy.check, eachPolicy.message),
    )
    .exactOptional(),
  deviation: probability.exactOptional(),
  slow_feedback: z.number().min(1).max(MAX_SLOW_FEEDBACK).exactOptional(),
  scenario: named.nullable().exactOptional(),
});
type Config = z.output<typeof configSchema>;
/** Of the options of the command: numbers already read, texts as they came. */
export type ConfigInput = { readonly [key in keyof Config]?: unknown };

/** What one wants to know first; the parts of the learning take minutes. */
const DEFAULT_POLICIES: readonly PolicyName[] = ['rules', 'advertised', 'tables', 'aurora', 'oracle'];

const DEFAULTS = {
  market: 'default',
  decisions: 10_000,
  seeds: [1, 2, 3],
  policies: [...DEFAULT_POLICIES],
  deviation: 1,
  slow_feedback: 1,
  scenario: null,
} satisfies Config;

export interface Settings {
  readonly game: Game;
  /** Null: the market's own events, if it has any. */
  readonly scenario: ScenarioSpec | null;
}

/** @param path of a config file, or null @throws RejectedError config_invalid, usage */
export function settingsOf(path: string | null, options: ConfigInput): Settings {
  const file = path === null ? {} : readConfig(path);
  const { decisions, seeds, policies, deviation, slow_feedback, ...things } = {
    ...DEFAULTS,
    ...file,
    ...readOptions(options),
  };
  const spec = marketOf(things.market);
  const scenario = things.scenario === null ? null : scenarioFor(scenarioOf(things.scenario), spec, seeds[0] ?? 0);
  return {
    scenario,
    game: {
      spec,
      decisions,
      seeds,
      policies,
      deviation,
      slowFeedback: slow_feedback,
      scenario: scenario?.events ?? null,
    },
  };
}

type Thing = z.output<typeof named>;
const marketOf = (given: Thing): MarketSpec =>
  typeof given === 'string' ? loadMarketSpec(given) : parseMarketSpec(given, 'market');
const scenarioOf = (given: Thing): ScenarioSpec =>
  typeof given === 'string' ? loadScenarioSpec(given) : parseScenarioSpec(given, 'scenario');

function readConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RejectedError('config_invalid', `${path}: cannot be read (${reasonOf(cause)})`, { cause });
  }
  const { market, scenario, ...rest } = parseText<Config>(configSchema, text, basename(path));
  const seen = <T>(given: T): T => (typeof given === 'string' ? (seenFrom(dirname(path), given) as T) : given);
  return {
    ...rest,
    ...(market === undefined ? {} : { market: seen(market) }),
    ...(scenario === undefined ? {} : { scenario: seen(scenario) }),
  };
}

function readOptions(options: ConfigInput): Config {
  const result = configSchema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const option = String(issue?.path[0]);
  const given = options[option as keyof ConfigInput];
  throw new RejectedError(
    'usage',
    `--${option.replaceAll('_', '-')}: ${issue?.message ?? 'invalid'}, got ${JSON.stringify(given)}`,
  );
}
