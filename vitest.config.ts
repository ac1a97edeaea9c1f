import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/runner/sequencer.ts';
import { runsDear } from './test/support/dear.ts';

/** Whole stacks and what starts them: a worker for each file. The tests of all other rooms keep what they touch in values of their own, or put it back: their modules are loaded once a worker. */
const WHOLE = ['test/system/**/*.test.ts'];

// Nothing here reaches the network; every server a test starts listens on loopback, port 0.
const common = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
  // Shuffled, so that no test may lean on the one before it; always the same shuffle, so that a failure repeats.
  sequence: { shuffle: { files: false, tests: true }, seed: 20_261_123 },
  // Node's own loader, as in production: nothing is transformed, and arithmetic runs a fifth faster than through vite's imports.
  experimental: { viteModuleRunner: false, nodeLoader: false },
  execArgv: ['--disable-warning=ExperimentalWarning'],
};

export default defineConfig({
  test: {
    globalSetup: './test/runner/places.ts',
    sequence: { sequencer: LongestFirst },
    // Half of the time a file waits: for a deadline, a socket, a child process that does. Whole stacks want a processor each.
    maxWorkers: Math.ceil((runsDear ? 1.5 : 2) * availableParallelism()),
    projects: [
      { test: { ...common, name: 'whole', include: WHOLE } },
      { test: { ...common, name: 'rooms', include: ['test/**/*.test.ts'], exclude: WHOLE, isolate: false } },
    ],
  },
});
