import { defineConfig } from 'vitest/config';

// One project, one process pool. Nothing here reaches the network; every server a test starts listens on loopback, port 0.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    sequence: { shuffle: { files: false, tests: true } },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
