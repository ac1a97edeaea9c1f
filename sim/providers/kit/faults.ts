import { z } from 'zod';
import { uniforms } from '../../market/random.ts';

/** When a fake misbehaves, and how. */
export const faultRule = z.strictObject({
  /** One of the names of the fake. */
  fault: z.string().min(1).max(64),
  /** Absent: every operation. */
  operation: z.string().min(1).max(64).optional(),
  /** How often at most; absent: always. */
  times: z.int().min(1).optional(),
  /** Share of the calls, drawn from the fake's seed; absent: all. */
  share: z.number().gt(0).max(1).optional(),
  /** World epoch milliseconds; absent: since ever, for ever. */
  from_ms: z.number().optional(),
  until_ms: z.number().optional(),
});
export type FaultRule = z.infer<typeof faultRule>;

const MAX_RULES = 100;
export const faultRules = z.array(faultRule).max(MAX_RULES);

export interface FaultPlan {
  /** Instead of those before. @throws RangeError: a fault that this fake does not know */
  set(rules: readonly FaultRule[]): void;
  rules(): readonly FaultRule[];
  /** The fault of a call, of the first rule that hits; null: none. */
  draw(operation: string, worldMs: number): string | null;
}

export function createFaultPlan(known: readonly string[], ...seed: readonly (string | number)[]): FaultPlan {
  let rules: readonly { readonly rule: FaultRule; used: number }[] = [];
  const draw = uniforms('faults', ...seed);
  return {
    set(given) {
      const unknown = given.find((rule) => !known.includes(rule.fault));
      if (unknown !== undefined)
        throw new RangeError(`fault: expected one of ${known.join(', ')}, got ${JSON.stringify(unknown.fault)}`);
      rules = faultRules.parse(given).map((rule) => ({ rule, used: 0 }));
    },
    rules: () => rules.map(({ rule }) => rule),
    draw(operation, worldMs) {
      const hit = rules.find(
        ({ rule, used }) =>
          (rule.operation === undefined || rule.operation === operation) &&
          used < (rule.times ?? Number.POSITIVE_INFINITY) &&
          worldMs >= (rule.from_ms ?? Number.NEGATIVE_INFINITY) &&
          worldMs < (rule.until_ms ?? Number.POSITIVE_INFINITY) &&
          (rule.share === undefined || draw() < rule.share),
      );
      if (hit === undefined) return null;
      hit.used += 1;
      return hit.rule.fault;
    },
  };
}
