/** Nothing was given up after its last attempt. */
import { z } from 'zod';
import type { DeadLetterCount } from '#shared/ports/bus.ts';
import { defineCheck, fail, pass } from '../check.ts';
import { loopOf } from '../looks.ts';
import { rounded, shown } from '../seen.ts';

const spec = z.strictObject({ max: z.int().min(0).max(1_000_000).default(0) });
type Spec = z.infer<typeof spec>;

export const deadLettersCheck = defineCheck({
  kind: 'dead_letters',
  on: 'loop',
  spec,
  observe: (_: Spec, __, tools, context): Promise<DeadLetterCount> => loopOf(tools).deadLetters(context),
  judge(wanted, { count, lookedAt, ageMs, fullest }) {
    const evidence = {
      dead_letters: count,
      max: wanted.max,
      looked_at: shown(lookedAt, 200),
      counted_s_ago: rounded(ageMs / 1_000),
    };
    if (count <= wanted.max) return pass(evidence);
    return fail(
      fullest === null ? evidence : { ...evidence, fullest: shown(fullest) },
      'Events were given up after their last attempt: see why in the log of their subscriber, mend that, then send them again: vm dlq replay.',
    );
  },
});
