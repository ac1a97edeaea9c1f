import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { listingsOf } from './listings.ts';
import { concerns, type ScenarioSpec, scenarioSpec } from './scenario.ts';
import { type MarketSpec, marketSpec } from './spec.ts';

const MARKETS = join(import.meta.dirname, '..', 'markets');
const SCENARIOS = join(import.meta.dirname, '..', 'scenarios');

/** A market by its name (`default`, `second`) or by the path of a JSON file. @throws RejectedError config_invalid */
export const loadMarketSpec = (nameOrPath: string): MarketSpec => load(marketSpec, 'market', MARKETS, nameOrPath);

/** A scenario by its name (`storm`) or by the path of a JSON file. @throws RejectedError config_invalid */
export const loadScenarioSpec = (nameOrPath: string): ScenarioSpec =>
  load(scenarioSpec, 'scenario', SCENARIOS, nameOrPath);

/** The same, for one market: every event must concern something that is sold there. @throws RejectedError config_invalid */
export function loadScenarioFor(nameOrPath: string, spec: MarketSpec, seed: number): ScenarioSpec {
  const scenario = loadScenarioSpec(nameOrPath);
  const listings = listingsOf(spec, seed, []);
  scenario.events.forEach((event, at) => {
    if (listings.some((listing) => concerns(event, listing))) return;
    const { provider, gpu_type = 'any GPU type', region = 'any region' } = event;
    const providers = [...new Set(listings.map((listing) => listing.provider))].sort().join(', ');
    throw new RejectedError(
      'config_invalid',
      `scenario ${scenario.name}: events[${at}]: market ${spec.name} sells nothing of ${provider}, ${gpu_type}, ${region}; its providers: ${providers}`,
    );
  });
  return scenario;
}

/** Checks a spec that is already in memory; `source` names it in the message. */
export const parseMarketSpec = (value: unknown, source: string): MarketSpec => parse(marketSpec, value, source);
export const parseScenarioSpec = (value: unknown, source: string): ScenarioSpec => parse(scenarioSpec, value, source);

/** What can be a name of ours; anything else is a path. */
const NAME = /^[\w-]+$/;

function load<T>(schema: z.ZodType<T>, kind: string, folder: string, nameOrPath: string): T {
  const named = NAME.test(nameOrPath);
  const path = named ? join(folder, `${nameOrPath}.json`) : nameOrPath;
  const source = basename(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RejectedError(
      'config_invalid',
      named
        ? `no ${kind} ${JSON.stringify(nameOrPath)}; there are ${namesIn(folder).join(', ')}, or give the path of a JSON file`
        : `${nameOrPath}: cannot be read (${reasonOf(cause)})`,
      { cause },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RejectedError('config_invalid', `${source}: expected JSON (${reasonOf(cause)})`, { cause });
  }
  return parse(schema, value, source);
}

function parse<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new RejectedError('config_invalid', `${source}: ${result.error.issues.map(describe).join('; ')}`, {
    cause: result.error,
  });
}

const namesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();

/** `tenants[0].weights: Unrecognized key: "speed"`. */
function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((step, at) =>
    typeof step === 'number' ? `[${step}]` : at === 0 ? String(step) : `.${String(step)}`,
  );
  // A bad key says why only in its nested issues.
  const why = issue.code === 'invalid_key' ? issue.issues.map((nested) => nested.message).join(', ') : issue.message;
  return path.length === 0 ? why : `${path.join('')}: ${why}`;
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause
    ? String(cause.code)
    : cause instanceof Error
      ? cause.message
      : String(cause);
