/**
 * What a check is: one attempt at its target (input and output only), and a pure verdict on what was seen. Everything it needs of the
 * machine comes as tools; when it looks, and how often before it is believed, is the run's business (run.ts).
 */
import type { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import type { CheckContext, TargetKind, Targets } from './targets.ts';
import type { ProbeTools } from './tools.ts';

export type { CheckContext, Reach, TargetKind, Targets } from './targets.ts';

/** `fail` is about the target; `error` says that it could not be looked at. */
export interface Verdict {
  readonly status: 'pass' | 'fail' | 'error';
  readonly evidence: Evidence;
  /** A sentence: what to do. Null when it passed. */
  readonly remedy: string | null;
}

export interface CheckDefinition<Spec, T extends TargetKind, Seen> {
  /** As a suite says it. */
  readonly kind: string;
  readonly on: T;
  /** It puts jobs before others: whoever runs it must be allowed to. Absent: it only looks. */
  readonly publishes?: true;
  /** What a suite says of it beside id, target and the like; strict. */
  readonly spec: z.ZodType<Spec>;
  /** One attempt. What the target does is seen, not thrown. @throws AuroraError: it could not be looked at */
  observe(spec: Spec, target: Targets[T], tools: ProbeTools, context: CheckContext): Promise<Seen>;
  /** Pure. @param nowMs host epoch milliseconds */
  judge(spec: Spec, seen: Seen, nowMs: number): Verdict;
}

/** A check bound to its target. @throws AuroraError: it could not be looked at */
export type Attempt = (tools: ProbeTools, context: CheckContext) => Promise<Verdict>;

export interface CheckKind {
  readonly kind: string;
  readonly on: TargetKind;
  readonly publishes?: true;
  /** @throws ZodError when the suite says of it what it does not know */
  bind(spec: unknown, target: Targets[TargetKind]): Attempt;
}

export interface DefinedCheck<Spec, T extends TargetKind, Seen> extends CheckDefinition<Spec, T, Seen>, CheckKind {
  readonly on: T;
}

export function defineCheck<Spec, T extends TargetKind, Seen>(
  definition: CheckDefinition<Spec, T, Seen>,
): DefinedCheck<Spec, T, Seen> {
  return {
    ...definition,
    bind(given, target) {
      const spec = definition.spec.parse(given);
      return async (tools, context) => {
        // The suite has looked whether this target is one of `on`.
        const seen = await definition.observe(spec, target as Targets[T], tools, context);
        return definition.judge(spec, seen, tools.hostClock.now());
      };
    },
  };
}

export const pass = (evidence: Evidence): Verdict => ({ status: 'pass', evidence, remedy: null });
export const fail = (evidence: Evidence, remedy: string): Verdict => ({ status: 'fail', evidence, remedy });
/** It could not be looked at, so how it is stays unknown. */
export const unseen = (evidence: Evidence, remedy: string): Verdict => ({ status: 'error', evidence, remedy });
