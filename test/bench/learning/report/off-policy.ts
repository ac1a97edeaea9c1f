import { percentText, thousands } from '#cli/wargame/words.ts';
import { JUDGED } from '../jobs/off-policy.ts';
import { MARKETS } from '../plan.ts';
import { type Measured, ofKind } from '../results.ts';
import { markdownTable } from './markdown.ts';
import { offPolicyOver } from './select.ts';

export function offPolicySection(all: readonly Measured[]): string | null {
  const worlds = ofKind(all, 'off-policy');
  const sizes = [...new Set(worlds.flatMap(({ job }) => job.sizes))];
  if (worlds.length === 0) return null;
  const rows = MARKETS.flatMap((market) =>
    sizes.flatMap((n) =>
      JUDGED.flatMap((estimator) => {
        const found = offPolicyOver(all, market, n, estimator);
        if (found === null) return [];
        return [
          [
            market,
            thousands(n),
            estimator,
            String(found.repetitions),
            percentText(found.relative_error),
            percentText(found.cover),
          ],
        ];
      }),
    ),
  );
  return [
    '## Off-policy estimates against the truth',
    'The rules log with epsilon .1. A learner that learnt from the 5,000 decisions before and then stands still is the target policy, and the model of DM, DR and switch-DR; dr_by_truth is DR with the true expectations as its model, so that its error is the noise of the outcomes alone, below which no model brings an unbiased estimate. Error: mean over the repetitions of |estimate - truth| / truth; truth: the true expected utility of the target policy over all logged decisions of the world; cover: 95 % intervals of 1,000 resamples that hold it.',
    worlds
      .map(
        ({ job, result }) =>
          `- ${job.market} world ${job.seed}: the target is worth ${result.truth.toFixed(4)}, the rules that logged ${result.logging.toFixed(4)}`,
      )
      .join('\n'),
    markdownTable(['market', 'n', 'estimator', 'logs', 'relative error', 'cover'], rows),
  ].join('\n\n');
}
