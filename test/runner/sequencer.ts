import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, longest first, so that at the end no core waits for another: by `vitest run --reporter=json`. Whole stacks alternate with what needs less of the processor. */
const HEAVY = [
  'system/nothing-lost',
  'system/image',
  'system/loop',
  'system/serve-alone',
  'system/storm',
  'system/provider-keys',
  'system/chaos',
  'cli/replay',
  'contract/providers-akash',
  'contract/providers-vast',
  'contract/providers-render',
  'cli/explain',
  'functions/promote-verdicts',
  'contract/bus-embedded',
  'cli/reproduce',
  'contract/warehouse-bigquery',
  'contract/warehouse-durability',
  'cli/control',
  'contract/state-objects',
  'functions/promote-stages',
  'bench/learning-promotion',
  'cli/wargame-world',
  'cli/deploy',
  'cli/wargame',
  'contract/objects-gcs',
  'architecture/terraform-plan',
  'architecture/imports',
  'functions/promote',
  'shared/stages',
  'cli/vm',
  'cli/commands',
  'contract/warehouse-duckdb',
  'contract/providers-render-faults',
  'contract/providers-vast-faults',
  'contract/state-sqlite',
  'functions/damaged-objects',
  'functions/ingest-bigquery',
  'functions/route-cloud',
  'shared/train',
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
