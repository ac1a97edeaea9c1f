import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, longest first, so that at the end no core waits for another: by `vitest run --reporter=json`. Whole stacks alternate with what needs less of the processor. */
const HEAVY = [
  'system/loop',
  'system/image',
  'system/nothing-lost',
  'system/provider-keys',
  'system/storm',
  'system/serve-alone',
  'system/chaos',
  'cli/commands',
  'cli/smoke',
  'contract/providers-akash',
  'cli/replay',
  'contract/providers-vast',
  'cli/control',
  'contract/providers-render',
  'contract/warehouse-bigquery',
  'contract/warehouse-durability',
  'cli/explain',
  'functions/promote-verdicts',
  'contract/bus-embedded',
  'architecture/terraform-plan',
  'contract/objects-gcs',
  'functions/promote',
  'functions/route-budget',
  'shared/stages',
  'cli/deploy',
  'cli/vm',
  'cli/reproduce',
  'contract/state-sqlite',
  'cli/wargame',
  'contract/warehouse-duckdb',
  'cli/wargame-world',
  'architecture/imports',
  'cli/retention',
  'functions/promote-stages',
  'shared/cross-fit',
  'shared/fast-learner',
  'shared/train',
  'shared/platform-layout',
  'shared/queries-days',
  'shared/gate-policy',
  'shared/training-set',
  'bench/learning-promotion',
  'contract/akash-killed',
  'bench/bench',
  'cli/models-linear',
  'functions/route-cloud',
  'sim/worth-learning',
].map((name) => `test/${name}.test.ts`);

/** Files with a worker of their own first, then those that share workers; the heavy ones of each before the others, these by name. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const keyed = files.map((file) => ({ file, key: keyOf(file, relative(this.ctx.config.root, file.moduleId)) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ file }) => file);
  }
}

function keyOf({ project }: TestSpecification, path: string): string {
  const place = HEAVY.indexOf(path);
  return [project.config.isolate ? 0 : 1, String(place === -1 ? HEAVY.length : place).padStart(3, '0'), path].join(' ');
}
