import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import { fakeClock } from '#test/support/clock.ts';
import { DAMAGES, damageObject } from '#test/support/damage.ts';
import { aModel } from '#test/support/model.ts';

/** The registry on real files, one of which is damaged: the store then refuses to give it out at all. */
let directory: string;
let objects: Objects;
let registry: Registry;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-registry-'));
  objects = await createFilesystemObjects({ directory });
  registry = createRegistry({ objects, worldClock: fakeClock() });
});
afterEach(async () => {
  await objects.close();
  await rm(directory, { recursive: true });
});

const by = { by: 'ann', reason: 'because', verdict: null, forced: false } as const;
const corrupt = expect.objectContaining({ code: 'artefact_corrupt' });
const publish = async (...versions: string[]): Promise<void> => {
  for (const version of versions) {
    const { manifest, files } = aModel({ version, hidden: [2] });
    await registry.publishVersion(manifest, files);
  }
};

describe.each(DAMAGES)('what is %s on the disk', (_, change) => {
  it.each(['weights.bin', 'model.json'])('%s: the version is corrupt, not away for now', async (file) => {
    await publish('v1');
    await damageObject(directory, `models/router/v1/${file}`, change);
    await expect(registry.loadArtefact('v1')).rejects.toThrow(corrupt);
    await expect(registry.loadArtefact('v1')).rejects.toThrow(`models/router/v1/${file}`);
    const { manifest, files } = aModel({ version: 'v1', hidden: [2] });
    await expect(registry.publishVersion(manifest, files)).rejects.toThrow(corrupt);
  });

  it('manifest: the version is corrupt, and no alias may name it', async () => {
    await publish('v1');
    await damageObject(directory, 'models/router/v1/manifest.json', change);
    await expect(registry.readManifest('v1')).rejects.toThrow(corrupt);
    await expect(registry.moveAlias('champion', { ...by, version: 'v1' })).rejects.toMatchObject({
      code: 'version_unknown',
    });
  });

  it('cache of an alias: the log answers, and the cache is repaired', async () => {
    await publish('v1');
    await registry.moveAlias('champion', { ...by, version: 'v1' });
    await damageObject(directory, 'aliases/champion.json', change);
    expect(await registry.aliasHead('champion')).toMatchObject({ version: 'v1' });
    expect(Buffer.from((await objects.read('aliases/champion.json'))?.bytes ?? []).toString()).toContain('"v1"');
  });

  it('head of an alias: it cannot be read, but the next move goes past it', async () => {
    await publish('v1', 'v2');
    await registry.moveAlias('champion', { ...by, version: 'v1' });
    await damageObject(directory, 'aliases/champion/000001.json', change);
    await expect(registry.aliasHead('champion')).rejects.toThrow(corrupt);
    await registry.moveAlias('champion', { ...by, version: 'v2' });
    expect(await registry.aliasHead('champion')).toMatchObject({ version: 'v2', sequence: 2 });
  });

  it('an old entry of an alias, to which the cache still points: the head is found', async () => {
    await publish('v1', 'v2');
    await registry.moveAlias('champion', { ...by, version: 'v1' });
    const stale = (await objects.read('aliases/champion.json'))?.bytes ?? new Uint8Array();
    await registry.moveAlias('champion', { ...by, version: 'v2' });
    await objects.write('aliases/champion.json', stale, {});
    await damageObject(directory, 'aliases/champion/000001.json', change);
    expect(await registry.aliasHead('champion')).toMatchObject({ version: 'v2' });
  });
});
