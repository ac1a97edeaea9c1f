/** Nothing was given up after its last attempt. */
import { z } from 'zod';
import { defineCheck, fail, pass } from '../check.ts';
import { loopOf } from '../looks.ts';

const spec = z.strictObject({ max: z.int().min(0).max(1_000_000).default(0) });
type Spec = z.infer<typeof spec>;

export const deadLettersCheck = defineCheck({
  kind: 'dead_letters',
  on: 'loop',
  spec,
  observe: (_: Spec, __, tools, context): Promise<number> => loopOf(tools).deadLetters(context),
  judge(wanted, count) {
    const evidence = { dead_letters: count, max: wanted.max };
    if (count <= wanted.max) return pass(evidence);
    return fail(
      evidence,
      'Events were given up after their last attempt: see why in the log of their subscriber, mend that, then send them again: vm dlq replay.',
    );
  },
});
