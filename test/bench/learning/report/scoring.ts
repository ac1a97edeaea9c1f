import { thousands } from '#cli/wargame/words.ts';
import type { CallTimes } from '../../time-calls.ts';
import { type Measured, ofKind } from '../results.ts';
import { markdownTable } from './markdown.ts';

export function scoringSection(all: readonly Measured[]): string | null {
  const [found] = ofKind(all, 'scoring');
  if (found === undefined) return null;
  const { job, result } = found;
  return [
    '## Scoring',
    `Valuing ${result.candidates} candidates and the distribution over them, in process, after ${thousands(result.observations)} observations: ${thousands(job.calls)} calls in each of ${job.rounds} rounds that alternate with the baselines; medians over the rounds. The last line is arithmetic that touches no memory, made to take as long at the median: what its tail is longer by, the machine adds to any call.`,
    markdownTable(
      ['', 'p50, µs', 'p99, µs'],
      [
        line('fast learner, its posterior as `score` loads it', result.posterior),
        line('fast learner itself, as the agent decides', result.learner),
        line('floor: classic score and epsilon', result.rules),
        line('arithmetic alone, as long', result.machine),
      ],
    ),
  ].join('\n\n');
}

const line = (name: string, { p50Us, p99Us }: CallTimes): readonly string[] => [
  name,
  p50Us.toFixed(1),
  p99Us.toFixed(1),
];
