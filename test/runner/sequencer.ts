import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, longest first, so that at the end no core waits for another: by `vitest run --reporter=json`. */
const HEAVY = [
  'system/nothing-lost',
  'system/loop',
  'architecture/terraform-plan',
  'system/image',
  'system/chaos',
  'bench/learning-promotion',
  'architecture/imports',
  'functions/promote-verdicts',
  'functions/promote',
  'cli/replay',
  'cli/commands',
  'functions/promote-stages',
  'contract/bus-embedded',
  'contract/warehouse-durability',
  'cli/control',
  'shared/stages',
  'cli/explain',
  'cli/vm',
  'cli/wargame',
  'contract/warehouse-bigquery',
  'cli/reproduce',
  'contract/state-objects',
  'contract/warehouse-duckdb',
  'cli/wargame-world',
  'cli/deploy',
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
