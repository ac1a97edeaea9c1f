import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/runner/sequencer.ts';

/** Rooms whose tests keep what they touch in values of their own, or put it back: their modules are loaded once a worker, not once a file. */
const SHARING = ['shared', 'sim', 'functions', 'cli', 'contract'].map((room) => `test/${room}/**/*.test.ts`);

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
    // Half of the time the tests wait for a disk or a child process: one worker a core, also on two.
    maxWorkers: '100%',
    projects: [
      { test: { ...common, name: 'whole', include: ['test/**/*.test.ts'], exclude: SHARING } },
      { test: { ...common, name: 'rooms', include: SHARING, isolate: false } },
    ],
  },
});
