import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { type ScenarioSpec, scenarioSpec } from './scenario.ts';
import { type MarketSpec, marketSpec } from './spec.ts';

const MARKETS = join(import.meta.dirname, '..', 'markets');
const SCENARIOS = join(import.meta.dirname, '..', 'scenarios');

/** A market by its name (`default`, `second`) or by the path of a .json file. @throws RejectedError config_invalid */
export const loadMarketSpec = (nameOrPath: string): MarketSpec => load(marketSpec, MARKETS, nameOrPath);

/** A scenario by its name or by the path of a .json file. @throws RejectedError config_invalid */
export const loadScenarioSpec = (nameOrPath: string): ScenarioSpec => load(scenarioSpec, SCENARIOS, nameOrPath);

/** Checks a spec that is already in memory; `source` names it in the message. */
export const parseMarketSpec = (value: unknown, source: string): MarketSpec => parse(marketSpec, value, source);

function load<T>(schema: z.ZodType<T>, folder: string, nameOrPath: string): T {
  const path = nameOrPath.endsWith('.json') ? nameOrPath : join(folder, `${nameOrPath}.json`);
  const source = basename(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RejectedError('config_invalid', `${source}: cannot be read (${reasonOf(cause)})`, { cause });
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
