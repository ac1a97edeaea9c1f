import { type BenchCase, type Figure, figure } from '../bench-case.ts';
import { startSubject } from '../children/subject.ts';
import type { TrainingTimes } from '../children/training.ts';
import { alternate } from '../rounds.ts';

export const training: BenchCase = {
  name: 'training',
  title: 'Training with the defaults, in a worker',
  async run({ quick }) {
    const sizes = quick
      ? [{ rows: 300, rounds: 1 }]
      : [
          { rows: 10_000, rounds: 2 },
          { rows: 50_000, rounds: 1 },
        ];
    const child = startSubject<TrainingTimes>(new URL('../children/training.ts', import.meta.url), []);
    try {
      const figures: Figure[] = [];
      const facts: string[] = [];
      for (const { rows, rounds } of sizes) {
        const results = await alternate(
          rounds,
          { worker: () => child.measure(`worker ${rows}`), main: () => child.measure(`main ${rows}`) },
          { warmUp: false },
        );
        const line = (
          name: string,
          unit: string,
          better: Figure['better'],
          part: 'rowsPerSecond' | 'stepsRowsPerSecond' | 'delayP99Ms' | 'delayMaxMs',
        ) =>
          figure({
            name: `${rows.toLocaleString('en-US')} rows, ${name}`,
            unit,
            better,
            values: results.worker.map((times) => times[part]),
            baseline: { name: 'in the main thread', values: results.main.map((times) => times[part]) },
          });
        figures.push(
          line('whole training', 'rows/s', 'higher', 'rowsPerSecond'),
          line('gradient passes', 'rows/s', 'higher', 'stepsRowsPerSecond'),
          line('delay of the event loop, p99', 'ms', 'lower', 'delayP99Ms'),
          line('delay of the event loop, longest', 'ms', 'lower', 'delayMaxMs'),
        );
        const { backend = '', epochs = 0 } = results.worker[0] ?? {};
        facts.push(
          `${rows.toLocaleString('en-US')} generated examples, a fifth of them kept as holdout, ${epochs} epochs, backend ${backend}`,
        );
      }
      return {
        figures,
        facts: [
          ...facts,
          'the worker has to start and to be handed the rows, which the main thread has not; the delay counts from a timer of 1 ms',
        ],
      };
    } finally {
      await child.stop();
    }
  },
};
