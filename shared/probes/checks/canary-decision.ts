/** A decision that is published comes out of the warehouse: bus, ingest and warehouse work, end to end. */
import { z } from 'zod';
import { defineCheck, fail, pass } from '../check.ts';
import { apart, loopOf } from '../looks.ts';
import { rounded, shown } from '../seen.ts';

const spec = z.strictObject({
  /** Host seconds; the check's own deadline must lie behind. */
  within_s: z.number().gt(0).max(600).default(8),
  look_every_ms: z.number().min(50).max(60_000).default(500),
});
type Spec = z.infer<typeof spec>;

interface Seen {
  readonly id: string;
  readonly found: boolean;
  readonly looks: number;
  readonly waitedMs: number;
}

export const canaryDecisionCheck = defineCheck({
  kind: 'canary_decision',
  on: 'loop',
  spec,
  async observe(wanted: Spec, _, tools, context): Promise<Seen> {
    const { stopwatchMs } = tools;
    const loop = loopOf(tools);
    const id = loop.newCanaryId();
    await loop.publishCanary(id, context);
    const sinceMs = stopwatchMs();
    for (let looks = 1; ; looks += 1) {
      const found = await loop.hasCanary(id, context);
      const waitedMs = stopwatchMs() - sinceMs;
      if (found || waitedMs + wanted.look_every_ms > wanted.within_s * 1_000) return { id, found, looks, waitedMs };
      await apart(wanted.look_every_ms / 1_000, tools, context);
    }
  },
  judge(wanted, { id, found, looks, waitedMs }) {
    const evidence = { decision: shown(id), waited_ms: rounded(waitedMs), looks, within_s: wanted.within_s };
    if (found) return pass(evidence);
    return fail(
      evidence,
      'What is decided does not reach the warehouse: look at the backlog of ingest, its log, and the rejected events.',
    );
  },
});
