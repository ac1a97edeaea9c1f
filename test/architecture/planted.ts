/**
 * A small tree in which every import rule is broken once. `file` imports `specifier`; `rule` must report it.
 * Files that are only imported are made empty.
 */
export interface Plant {
  readonly rule: string;
  readonly file: string;
  readonly specifier: string;
  /** "type": `import type`; "dynamic": `import()`; absent: a plain import. */
  readonly how?: 'type' | 'dynamic';
}

export const PLANTED: readonly Plant[] = [
  { rule: 'functions-import-shared-only', file: 'functions/route/a.ts', specifier: '#functions/score/b.ts' },
  { rule: 'functions-import-shared-only', file: 'functions/route/b.ts', specifier: '../score/c.ts' },
  { rule: 'functions-import-shared-only', file: 'functions/route/c.ts', specifier: '#sim/a.ts' },
  {
    rule: 'functions-import-shared-only',
    file: 'functions/route/d.ts',
    specifier: '#functions/score/d.ts',
    how: 'type',
  },
  {
    rule: 'functions-import-shared-only',
    file: 'functions/route/e.ts',
    specifier: '#functions/score/e.ts',
    how: 'dynamic',
  },
  { rule: 'functions-import-shared-only', file: 'functions/route/h.ts', specifier: '../serve.ts' },
  { rule: 'cli-imports-no-test', file: 'cli/a.ts', specifier: '#test/a.ts' },
  { rule: 'sim-knows-contracts-only', file: 'sim/b.ts', specifier: '#shared/rules/a.ts' },
  { rule: 'sim-knows-contracts-only', file: 'sim/c.ts', specifier: '#shared/learning/a.ts' },
  { rule: 'sim-knows-contracts-only', file: 'sim/d.ts', specifier: '#shared/providers/vast/a.ts' },
  { rule: 'sim-knows-contracts-only', file: 'sim/e.ts', specifier: '#functions/route/f.ts' },
  { rule: 'shared-stays-below', file: 'shared/learning/b.ts', specifier: '#sim/f.ts' },
  { rule: 'shared-stays-below', file: 'shared/rules/b.ts', specifier: '#functions/route/g.ts' },
  { rule: 'nothing-imports-test-or-cli', file: 'shared/rules/c.ts', specifier: '#test/b.ts' },
  { rule: 'nothing-imports-test-or-cli', file: 'sim/g.ts', specifier: '#cli/b.ts' },
  { rule: 'domain-is-pure', file: 'shared/domain/a.ts', specifier: '#shared/ports/a.ts', how: 'type' },
  { rule: 'domain-is-pure', file: 'shared/domain/b.ts', specifier: '#shared/errors.ts' },
  { rule: 'domain-is-pure', file: 'shared/domain/c.ts', specifier: 'node:fs' },
  { rule: 'domain-is-pure', file: 'shared/domain/d.ts', specifier: 'pino' },
  { rule: 'ports-are-promises', file: 'shared/ports/b.ts', specifier: '#shared/errors.ts' },
  { rule: 'ports-are-promises', file: 'shared/ports/c.ts', specifier: '#shared/adapters/objects/a.ts', how: 'type' },
  { rule: 'ports-are-promises', file: 'shared/ports/d.ts', specifier: '@duckdb/node-api', how: 'type' },
  { rule: 'ground-files-import-nothing', file: 'shared/defaults.ts', specifier: '#shared/domain/e.ts' },
  { rule: 'adapters-keep-to-their-port', file: 'shared/adapters/state/a.ts', specifier: '#shared/adapters/bus/a.ts' },
  { rule: 'adapters-keep-to-their-port', file: 'shared/adapters/state/b.ts', specifier: '#shared/runtime/a.ts' },
  { rule: 'adapters-keep-to-their-port', file: 'shared/adapters/state/c.ts', specifier: '#shared/platform.ts' },
  {
    rule: 'adapter-workers-keep-to-their-port',
    file: 'shared/adapters/bus/worker.ts',
    specifier: '#shared/telemetry/a.ts',
  },
  { rule: 'adapters-come-through-platform', file: 'functions/deploy/a.ts', specifier: '#shared/adapters/state/d.ts' },
  {
    rule: 'adapters-come-through-platform',
    file: 'shared/registry/a.ts',
    specifier: '#shared/adapters/objects/b.ts',
    how: 'type',
  },
  { rule: 'adapters-come-through-platform', file: 'cli/c.ts', specifier: '#shared/adapters/bus/b.ts', how: 'dynamic' },
  { rule: 'host-clock-for-entry-points', file: 'functions/deploy/b.ts', specifier: '#shared/adapters/clock/host.ts' },
  { rule: 'host-clock-for-entry-points', file: 'shared/runtime/b.ts', specifier: '#shared/adapters/clock/host.ts' },
  { rule: 'duckdb-at-home', file: 'shared/queries/a.ts', specifier: '@duckdb/node-api' },
  { rule: 'tensorflow-at-home', file: 'shared/learning/scorer.ts', specifier: '@tensorflow/tfjs-core' },
  { rule: 'undici-at-home', file: 'functions/watch/a.ts', specifier: 'undici' },
  { rule: 'telemetry-at-home', file: 'functions/watch/b.ts', specifier: 'pino' },
  { rule: 'telemetry-at-home', file: 'shared/runtime/c.ts', specifier: 'prom-client' },
  { rule: 'functions-framework-at-home', file: 'functions/watch/c.ts', specifier: '@google-cloud/functions-framework' },
  { rule: 'csv-parse-at-home', file: 'functions/ingest/a.ts', specifier: 'csv-parse/sync' },
  { rule: 'packages-are-known', file: 'shared/runtime/d.ts', specifier: 'express' },
  { rule: 'dev-packages-in-test-only', file: 'sim/h.ts', specifier: 'fast-check' },
  { rule: 'dev-packages-in-test-only', file: 'shared/rules/d.ts', specifier: 'vitest' },
  { rule: 'score-loads-no-training', file: 'functions/score/g.ts', specifier: '#shared/learning/model/a.ts' },
  {
    rule: 'tensorflow-at-home',
    file: 'shared/learning/encoding.ts',
    specifier: '@tensorflow/tfjs-layers',
    how: 'type',
  },
  { rule: 'no-circular', file: 'shared/rules/e.ts', specifier: './f.ts' },
  { rule: 'no-circular', file: 'shared/rules/f.ts', specifier: './e.ts' },
  { rule: 'resolvable-and-declared', file: 'shared/rules/g.ts', specifier: '#shared/rules/missing.ts' },
  { rule: 'resolvable-and-declared', file: 'functions/watch/d.ts', specifier: 'no-such-package' },
];

/** Imports that the rules must let through, one for every exception that they make. */
export const ALLOWED: readonly Omit<Plant, 'rule'>[] = [
  { file: 'functions/watch/index.ts', specifier: '#shared/adapters/clock/host.ts' },
  { file: 'functions/serve.ts', specifier: '#shared/adapters/clock/host.ts' },
  { file: 'functions/watch/handler.ts', specifier: './decide.ts' },
  { file: 'functions/watch/decide.ts', specifier: '#shared/domain/ok.ts' },
  { file: 'cli/main.ts', specifier: '#functions/watch/index.ts' },
  { file: 'cli/stack.ts', specifier: '#sim/ok.ts' },
  { file: 'cli/clock.ts', specifier: '#shared/adapters/clock/host.ts' },
  { file: 'cli/replay.ts', specifier: 'csv-parse/sync' },
  { file: 'cli/dev/ok.ts', specifier: '#shared/adapters/warehouse/ok.ts' },
  { file: 'sim/ok.ts', specifier: '#shared/providers/provider.ts', how: 'type' },
  { file: 'sim/errors.ts', specifier: '#shared/errors.ts' },
  { file: 'shared/domain/ok.ts', specifier: 'zod' },
  { file: 'shared/domain/hash.ts', specifier: 'node:crypto' },
  { file: 'shared/domain/limits.ts', specifier: '#shared/defaults.ts' },
  { file: 'shared/ports/ok.ts', specifier: '#shared/domain/ok.ts', how: 'type' },
  { file: 'shared/ports/row.ts', specifier: 'zod', how: 'type' },
  { file: 'shared/adapters/warehouse/ok.ts', specifier: '@duckdb/node-api', how: 'dynamic' },
  { file: 'shared/adapters/state/ok.ts', specifier: '../sqlite/open.ts' },
  { file: 'shared/adapters/bus/embedded/ok.ts', specifier: 'undici' },
  { file: 'shared/adapters/bus/embedded/worker.ts', specifier: '#shared/adapters/clock/host.ts' },
  { file: 'shared/platform.ts', specifier: './adapters/state/ok.ts', how: 'dynamic' },
  { file: 'shared/platform-backup.ts', specifier: './adapters/sqlite/open.ts' },
  { file: 'shared/learning/model/a.ts', specifier: '@tensorflow/tfjs-core' },
  { file: 'shared/telemetry/ok.ts', specifier: 'pino' },
  { file: 'shared/runtime/hosts/ok.ts', specifier: '@google-cloud/functions-framework', how: 'dynamic' },
  { file: 'test/ok.ts', specifier: '#cli/main.ts' },
  { file: 'test/state.ts', specifier: '#shared/adapters/state/ok.ts' },
  { file: 'test/property.ts', specifier: 'fast-check' },
];
