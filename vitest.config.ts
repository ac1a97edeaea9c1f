import { defineConfig } from 'vitest/config';

// One project, one process pool. Nothing here reaches the network; every server a test starts listens on loopback, port 0.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // Half of the time the tests wait for a disk or a child process: one worker a core, also on two.
    maxWorkers: '100%',
    // Shuffled, so that no test may lean on the one before it; always the same shuffle, so that a failure repeats.
    sequence: { shuffle: { files: false, tests: true }, seed: 20_261_123 },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
