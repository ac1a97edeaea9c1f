import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { checked, parseText, reasonOf } from '../spec-json.ts';
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

/** The same, for one market. @throws RejectedError config_invalid */
export const loadScenarioFor = (nameOrPath: string, spec: MarketSpec, seed: number): ScenarioSpec =>
  scenarioFor(loadScenarioSpec(nameOrPath), spec, seed);

/** The scenario itself, when every event concerns something that the market sells. @throws RejectedError config_invalid */
export function scenarioFor(scenario: ScenarioSpec, spec: MarketSpec, seed: number): ScenarioSpec {
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
export const parseMarketSpec = (value: unknown, source: string): MarketSpec => checked(marketSpec, value, source);
export const parseScenarioSpec = (value: unknown, source: string): ScenarioSpec => checked(scenarioSpec, value, source);

/** What can be a name of ours; anything else is a path. */
const NAME = /^[\w-]+$/;

/** What a file at `directory` means by a name or a path: paths are relative to that file. */
export const seenFrom = (directory: string, nameOrPath: string): string =>
  NAME.test(nameOrPath) ? nameOrPath : resolve(directory, nameOrPath);

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
  return parseText(schema, text, source);
}

const namesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
