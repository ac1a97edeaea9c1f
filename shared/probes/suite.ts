/**
 * A suite: which checks look at which targets, how often one looks again before it is believed, and when somebody is told. Read from
 * YAML (or JSON, which is YAML too). What it does not know is an error that names its place, for it is a typing mistake.
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { count, timestamp } from '#shared/domain/primitives.ts';
import { probeId, severity } from '#shared/domain/probe.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Attempt, CheckKind, TargetKind } from './check.ts';
import { faultOfOrder, inOrder } from './suite-order.ts';
import {
  type BoundTarget,
  filled,
  type TargetOptions,
  targetOf,
  targetSaid,
  UnknownVariable,
} from './suite-targets.ts';

/** Looks again before a verdict is believed. */
export interface Confirmation {
  readonly times: number;
  readonly pauseMs: number;
}

/** Fires when `failures` of the last `of` runs were bad; is over after `clear` good ones in a row. */
export interface AlertRule {
  readonly failures: number;
  readonly of: number;
  readonly clear: number;
}

export interface PlannedCheck {
  readonly id: string;
  readonly kind: string;
  readonly category: string;
  readonly target: string;
  readonly on: TargetKind;
  /** It puts jobs before others. */
  readonly publishes: boolean;
  /** Its target asks who calls. */
  readonly showsIdToken: boolean;
  readonly severity: 'critical' | 'warning';
  readonly needs: readonly string[];
  readonly deadlineMs: number;
  readonly confirm: Confirmation;
  readonly alert: AlertRule;
  readonly attempt: Attempt;
}

export interface Maintenance {
  /** Host epoch milliseconds. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Null: all. */
  readonly checks: readonly string[] | null;
  readonly reason: string;
}

export interface Suite {
  readonly id: string;
  readonly periodMs: number;
  readonly deadlineMs: number;
  readonly concurrency: number;
  /** Each stands behind those it needs. */
  readonly checks: readonly PlannedCheck[];
  readonly maintenance: readonly Maintenance[];
}

export interface SuiteOptions extends TargetOptions {
  readonly kinds: Readonly<Record<string, CheckKind>>;
}

const MAX_CHECKS = 512;
const MAX_BYTES = 256 * 1024;
/** A job that is published may have some. */
const MAX_DEPTH = 32;
const WAIT_MS = 60_000;

const seconds = z.number().min(0.1).max(86_400);
const confirmation = z
  .strictObject({ times: count.max(5), pause_ms: z.number().min(0).max(WAIT_MS) })
  .transform(({ times, pause_ms }): Confirmation => ({ times, pauseMs: pause_ms }));
const alertRule = z
  .strictObject({ failures: z.int().min(1).max(100), of: z.int().min(1).max(100), clear: z.int().min(1).max(100) })
  .refine(({ failures, of }) => failures <= of, 'expected failures <= of');

/** What every check says, of whatever kind; the rest is the kind's. */
const common = z.object({
  id: probeId,
  kind: z.string(),
  target: probeId,
  category: z.string().min(1).max(64),
  severity: severity.default('critical'),
  needs: z.array(probeId).max(16).default([]),
  deadline_s: seconds.optional(),
  confirm: confirmation.optional(),
  alert: alertRule.optional(),
});

const suiteFile = z.strictObject({
  suite: probeId,
  period_s: z.number().min(1).max(86_400),
  deadline_s: seconds,
  /** Of one attempt. */
  check_deadline_s: seconds.default(10),
  concurrency: z.int().min(1).max(256).default(32),
  // A check that fails one time in five by chance is bad in 0.8 % of runs after two confirmations, and three of five are then
  // 5 in a million: test/shared/probes-alerting.
  confirm: confirmation.default({ times: 2, pauseMs: 1_000 }),
  alert: alertRule.default({ failures: 3, of: 5, clear: 3 }),
  targets: z.record(probeId, targetSaid),
  maintenance: z
    .array(
      z.strictObject({
        from: timestamp,
        until: timestamp,
        checks: z.array(probeId).min(1).optional(),
        reason: z.string().min(1).max(200),
      }),
    )
    .max(64)
    .default([]),
  checks: z.array(z.looseObject({})).min(1).max(MAX_CHECKS),
});

/** @param where what messages call it: a file's name. @throws RejectedError suite_invalid */
export function parseSuite(text: string, where: string, options: SuiteOptions): Suite {
  const wrong = (message: string): RejectedError => new RejectedError('suite_invalid', `${where}: ${message}`);
  if (Buffer.byteLength(text) > MAX_BYTES) throw wrong(`expected at most ${MAX_BYTES} bytes`);
  let raw: unknown;
  try {
    const document = parseDocument(text);
    // A tag that nobody knows is a typing mistake too.
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    raw = document.toJS({ maxAliasCount: 64 });
  } catch (error) {
    throw wrong(`expected YAML: ${String((error as Error).message).split('\n', 1)[0]}`);
  }
  const file = suiteFile.safeParse(raw);
  if (!file.success) throw wrong(firstIssue(file.error, ''));
  const { data } = file;

  const targets = new Map<string, BoundTarget>();
  for (const [id, said] of Object.entries(data.targets)) {
    try {
      targets.set(id, targetOf(said, options));
    } catch (error) {
      throw wrong(`targets.${id}: ${(error as Error).message}`);
    }
  }
  const checks = data.checks.map((one, index): PlannedCheck => {
    const head = common.safeParse(one);
    const place = `checks[${index}]`;
    if (!head.success) throw wrong(firstIssue(head.error, place));
    const { id, kind, target: on, category, needs, deadline_s, ...rest } = head.data;
    const named = `${place} (${id})`;
    const definition = Object.hasOwn(options.kinds, kind) ? options.kinds[kind] : undefined;
    if (definition === undefined)
      throw wrong(
        `${named}.kind: expected one of ${Object.keys(options.kinds).join(', ')}, got ${JSON.stringify(kind)}`,
      );
    const bound = targets.get(on);
    if (bound === undefined)
      throw wrong(`${named}.target: expected one of ${[...targets.keys()].join(', ')}, got ${JSON.stringify(on)}`);
    if (bound.kind !== definition.on)
      throw wrong(
        `${named}.target: ${kind} looks at a target of kind ${definition.on}, ${on} is one of kind ${bound.kind}`,
      );
    const said = Object.fromEntries(Object.entries(one).filter(([key]) => !Object.hasOwn(common.shape, key)));
    let attempt: Attempt;
    try {
      attempt = definition.bind(filledIn(said, options.variables), bound.target);
    } catch (error) {
      if (error instanceof z.ZodError) throw wrong(firstIssue(error, named));
      if (error instanceof UnknownVariable || error instanceof TooDeep) throw wrong(`${named}: ${error.message}`);
      throw error;
    }
    return {
      id,
      kind,
      category,
      target: on,
      on: definition.on,
      publishes: definition.publishes ?? false,
      showsIdToken: 'idToken' in bound.target,
      severity: rest.severity,
      needs,
      deadlineMs: (deadline_s ?? data.check_deadline_s) * 1000,
      confirm: rest.confirm ?? data.confirm,
      alert: rest.alert ?? data.alert,
      attempt,
    };
  });
  const fault = faultOfOrder(checks);
  if (fault !== null) throw wrong(fault);
  const ids = new Set(checks.map(({ id }) => id));
  const maintenance = data.maintenance.map(({ from, until, checks: named, reason }, index): Maintenance => {
    const unknown = named?.find((id) => !ids.has(id));
    if (unknown !== undefined)
      throw wrong(`maintenance[${index}].checks: there is no check ${JSON.stringify(unknown)}`);
    if (until <= from) throw wrong(`maintenance[${index}].until: expected an instant after ${from}, got ${until}`);
    return { fromMs: Date.parse(from), untilMs: Date.parse(until), checks: named ?? null, reason };
  });
  return {
    id: data.suite,
    periodMs: data.period_s * 1000,
    deadlineMs: data.deadline_s * 1000,
    concurrency: data.concurrency,
    checks: inOrder(checks),
    maintenance,
  };
}

/** @throws TooDeep: an alias may name what it stands in, which has no end */
function filledIn(said: unknown, variables: SuiteOptions['variables'], depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new TooDeep();
  if (typeof said === 'string') return filled(said, variables);
  if (Array.isArray(said)) return said.map((one) => filledIn(one, variables, depth + 1));
  if (typeof said !== 'object' || said === null) return said;
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, filledIn(value, variables, depth + 1)]));
}

class TooDeep extends Error {
  constructor() {
    super(`expected at most ${MAX_DEPTH} levels, one in the other`);
  }
}

function firstIssue(error: z.ZodError, place: string): string {
  const [issue] = error.issues;
  if (issue === undefined) return `${place}: invalid`;
  const path = issue.path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}${text === '' ? '' : '.'}${String(step)}`),
    place,
  );
  if (issue.code === 'unrecognized_keys')
    return `${path === '' ? '' : `${path}: `}${issue.keys.map((key) => JSON.stringify(key)).join(', ')} is not known here`;
  return `${path === '' ? 'the suite' : path}: ${issue.message}`;
}
