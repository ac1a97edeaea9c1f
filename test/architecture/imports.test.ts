import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALLOWED, PLANTED, type Plant } from './planted.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');
const ROOMS = ['functions', 'shared', 'sim', 'cli', 'test'];

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
  /** The files of a circle, for a rule about circles. */
  readonly cycle?: readonly { readonly name: string }[];
}

/** What the rules say about the rooms below `directory`, as "rule: file". */
function violationsIn(directory: string): string[] {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, '--config', CONFIG, '--output-type', 'json', ...ROOMS],
    { cwd: directory, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  );
  expect(stderr).toBe('');
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[]; totalCruised: number } };
  expect(summary.totalCruised).toBeGreaterThan(ROOMS.length);
  return summary.violations.flatMap(({ rule, from, cycle = [] }) =>
    [from, ...cycle.map(({ name }) => name)].map((file) => `${rule.name}: ${file}`),
  );
}

function sourceOf({ specifier, how }: Omit<Plant, 'rule'>): string {
  if (how === 'type') return `import type {} from '${specifier}';\n`;
  if (how === 'dynamic') return `await import('${specifier}');\n`;
  return `import '${specifier}';\n`;
}

/** The file that a specifier of ours means, below the root of the tree; null for a package or a module of Node. */
function fileMeant({ file, specifier }: Omit<Plant, 'rule'>): string | null {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? join(dirname(file), specifier) : null;
}

describe('imports', () => {
  describe('in a tree with planted breaches', () => {
    let tree: string;
    let found: string[];

    beforeAll(async () => {
      tree = await mkdtemp(join(tmpdir(), 'aurora-planted-'));
      await symlink(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
      for (const name of ['package.json', 'tsconfig.json']) await copyFile(join(ROOT, name), join(tree, name));
      const files = new Map<string, string>();
      for (const plant of [...PLANTED, ...ALLOWED]) {
        const meant = fileMeant(plant);
        if (meant !== null && !meant.endsWith('missing.ts')) files.set(meant, files.get(meant) ?? 'export {};\n');
        files.set(plant.file, sourceOf(plant));
      }
      for (const [file, source] of files) {
        await mkdir(join(tree, dirname(file)), { recursive: true });
        await writeFile(join(tree, file), source);
      }
      found = violationsIn(tree);
    });
    afterAll(async () => {
      await rm(tree, { recursive: true }); // Unlinks the link to node_modules, not what it leads to.
    });

    test.each(PLANTED)('$rule reports $file -> $specifier', ({ rule, file }) => {
      expect(found).toContain(`${rule}: ${file}`);
    });

    test('what the rules allow passes', () => {
      const breaches = new Set(PLANTED.map(({ file }) => file));
      const innocent = found.filter((line) => !breaches.has(line.slice(line.indexOf(': ') + 2)));
      expect(innocent).toEqual([]);
    });

    test('every rule has a planted breach', () => {
      const rules = createRequire(import.meta.url)(CONFIG) as { forbidden: { name: string }[] };
      expect(new Set(PLANTED.map(({ rule }) => rule))).toEqual(new Set(rules.forbidden.map(({ name }) => name)));
    });
  });
});
