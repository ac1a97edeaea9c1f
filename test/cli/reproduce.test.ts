import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { ERROR_CATALOGUE } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { createRegistry, type WholeVersion } from '#shared/registry/registry.ts';
import { fakeClock } from '#test/support/clock.ts';
import { runsDear } from '#test/support/dear.ts';
import { run, runJson, SAMPLE_WORDS, untilQuiet } from './run.ts';

/** A state with a version trained on its record, and others beside it that claim to be made of the same. */
let directory: string;
let original: WholeVersion;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-reproduce-'));
  await run(...SAMPLE_WORDS, '--dir', directory);
  const { value } = await runJson<{ report: { version: string } }>('train', '--dir', directory);
  const objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
  const registry = createRegistry({ objects, worldClock: fakeClock() });
  original = await registry.loadVersion(value.report.version);
  const { manifest, files } = original;
  const claim = (version: string, training: Partial<Manifest['training']>): Manifest => ({
    ...manifest,
    version,
    training: { ...manifest.training, ...training },
  });
  const bent = files['weights.bin'].slice();
  bent[100] = (bent[100] ?? 0) ^ 1;
  const facts = { sha256: sha256Hex(bent), bytes: bent.length };
  await registry.publishVersion(
    { ...claim('v-bent', {}), files: { ...manifest.files, 'weights.bin': facts } },
    { ...files, 'weights.bin': bent },
  );
  await registry.publishVersion(claim('v-fewer', { rows: 80 }), files);
  await registry.publishVersion(claim('v-native', { backend: 'tensorflow' }), files);
  await objects.close();
  await untilQuiet(directory);
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const reproduce = (version: string) => ['models', 'reproduce', version, '--dir', directory];
const status = async (): Promise<Record<string, unknown>> => {
  const { world_time: _now, ...rest } = (await runJson('status', '--dir', directory)).value;
  return rest;
};
/** Every object, by its bytes. */
async function stored(): Promise<Record<string, string>> {
  const objects = join(directory, 'objects');
  const found = await readdir(objects, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && !entry.name.startsWith('.index'));
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, sha256Hex(await readFile(path))])));
}

const installed = (name: string): boolean => {
  try {
    return createRequire(import.meta.url).resolve(name) !== '';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return false;
  }
};

describe('vm models reproduce', () => {
  it('shows how far it is, then that every byte came out again, and has changed nothing', async () => {
    const { version, training, files } = original.manifest;
    const before = [await status(), await stored()];
    const { code, out, err } = await run(...reproduce(version));
    expect(code).toBe(0);
    expect(err).toMatch(/^reading the record \.\.\.\n/);
    const brief = (sha256: string): string => sha256.slice(0, 16);
    expect(out.split('\n')).toEqual([
      `version  ${version}`,
      `rows     75, sha256 ${brief(training.data_sha256)}`,
      `backend  ${training.backend}`,
      '',
      'FILE             EXPECTED          GOT               EQUAL',
      ...(['model.json', 'weights.bin', 'out-of-fold.bin'] as const).map((name) => {
        const sha256 = brief(files[name]?.sha256 ?? '');
        return `${name.padEnd(15)}  ${sha256}  ${sha256}  yes`;
      }),
      '',
      'reproduced: files and manifest are the same',
      '',
    ]);
    expect([await status(), await stored()]).toEqual(before);
  });

  it.skipIf(!runsDear)('says which file and which field came out otherwise: exit code 1', async () => {
    const { version, files, training } = original.manifest;
    const [model, weights] = [files['model.json'].sha256, files['weights.bin'].sha256];
    const foretold = files['out-of-fold.bin']?.sha256;
    expect(await runJson(...reproduce('v-bent'))).toEqual({
      code: 1,
      value: {
        version: 'v-bent',
        reproduced: false,
        rows: 75,
        data_sha256: training.data_sha256,
        backend: training.backend,
        files: [
          { name: 'model.json', expected_sha256: model, got_sha256: model, equal: true },
          {
            name: 'weights.bin',
            expected_sha256: expect.not.stringMatching(weights),
            got_sha256: weights,
            equal: false,
          },
          { name: 'out-of-fold.bin', expected_sha256: foretold, got_sha256: foretold, equal: true },
        ],
        // What is made of this record and configuration has its own name.
        differs: ['version'],
      },
    });
    const { code, out } = await run(...reproduce('v-bent'));
    expect(code).toBe(1);
    expect(out).toMatch(
      /weights\.bin .* NO\nout-of-fold\.bin .* yes\n\nNOT reproduced, these differ: weights\.bin, version\n$/,
    );
    expect(version).not.toBe('v-bent');
  });

  it.each<[string, keyof typeof ERROR_CATALOGUE, RegExp]>([
    ['v0', 'version_unknown', /"v0"/],
    ['../v0', 'version_unknown', /expected 1 to 64 of a-z/],
    ['v'.repeat(65), 'version_unknown', /expected 1 to 64 of a-z/],
    ['v-fewer', 'record_changed', /^v-fewer was trained on 80 rows .*; the record gives 75 now$/],
  ])('refuses %s: %s', async (version, error, message) => {
    expect(await runJson(...reproduce(version))).toEqual({
      code: 2,
      value: { error: { code: error, message: expect.stringMatching(message), remedy: ERROR_CATALOGUE[error].remedy } },
    });
  });

  it.skipIf(installed('@tensorflow/tfjs-node'))(
    'refuses where the backend of the version is not installed',
    async () => {
      const { code, err } = await run(...reproduce('v-native'));
      expect(code).toBe(2);
      expect(err).toMatch(/the tfjs backend asked for does not work here: tensorflow: .*\n {4}backend_unavailable: /);
    },
  );
});
