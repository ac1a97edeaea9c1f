import { thousands } from '#cli/wargame/words.ts';
import { type Measured, ofKind } from '../results.ts';
import { markdownTable } from './markdown.ts';

export function scoringSection(all: readonly Measured[]): string | null {
  const [found] = ofKind(all, 'scoring');
  if (found === undefined) return null;
  const { job, result } = found;
  return [
    '## Scoring',
    `Valuing ${result.candidates} candidates and the distribution over them, in process, after ${thousands(result.observations)} observations: ${thousands(job.calls)} calls in each of ${job.rounds} rounds that alternate with the baseline; medians over the rounds.`,
    markdownTable(
      ['', 'p50, µs', 'p99, µs'],
      [
        ['fast learner', result.learner.p50Us.toFixed(1), result.learner.p99Us.toFixed(1)],
        ['floor: classic score and epsilon', result.rules.p50Us.toFixed(1), result.rules.p99Us.toFixed(1)],
      ],
    ),
  ].join('\n\n');
}
