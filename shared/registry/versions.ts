import { sha256Hex } from '#shared/domain/ids.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { type Manifest, manifest as manifestSchema } from './manifest.ts';
import { createOnly, createRecord, isCorrupt, jsonBytes, parseObject, readObject } from './object-json.ts';
import { type Verdict, verdict as verdictSchema } from './verdict.ts';

/**
 * Model versions: `models/router/<version>/{model.json,weights.bin,out-of-fold.bin}`, then `manifest.json` last, then
 * `verdict.json` from the gate. Every object is create-only, so a version never changes, and a crash leaves either a whole
 * version or one that nobody sees and the next publication of the same content completes.
 */
const ARTEFACT_FILES = ['model.json', 'weights.bin'] as const;
export type ArtefactFiles = Readonly<Record<(typeof ARTEFACT_FILES)[number], Uint8Array>>;

const OUT_OF_FOLD = 'out-of-fold.bin';
const FILES = [...ARTEFACT_FILES, OUT_OF_FOLD] as const;
type File = (typeof FILES)[number];
/** All that its manifest vouches for. */
export type VersionFiles = ArtefactFiles & { readonly [OUT_OF_FOLD]?: Uint8Array };

/** What serving needs of a version. */
export interface Artefact {
  readonly manifest: Manifest;
  readonly files: ArtefactFiles;
}

export interface WholeVersion extends Artefact {
  readonly files: VersionFiles;
}

export interface Versions {
  /**
   * Idempotent: the same content again changes nothing.
   * @throws RejectedError object_precondition_failed (the version exists with other content), artefact_corrupt (files unlike manifest)
   */
  publishVersion(manifest: Manifest, files: VersionFiles): Promise<void>;
  /** @throws RejectedError version_unknown, artefact_corrupt */
  readManifest(version: string): Promise<Manifest>;
  /** Checks length and sha256 of every file it gives. @throws RejectedError version_unknown, artefact_corrupt */
  loadArtefact(version: string): Promise<Artefact>;
  /** Every file, also what serving never reads: megabytes. @throws RejectedError version_unknown, artefact_corrupt */
  loadVersion(version: string): Promise<WholeVersion>;
  /** Whole versions, by name. */
  listVersions(): Promise<readonly string[]>;
  /** Answers the verdict that stands: the first one written. @throws RejectedError version_unknown, artefact_corrupt */
  writeVerdict(version: string, verdict: Verdict): Promise<Verdict>;
  /** Null until the gate has spoken. @throws RejectedError version_unknown, artefact_corrupt */
  readVerdict(version: string): Promise<Verdict | null>;
}

const PREFIX = 'models/router/';
const MANIFEST = 'manifest.json';
const VERDICT = 'verdict.json';
const PAGE = 1000;

export function createVersions(objects: Objects): Versions {
  const readManifest = async (version: string): Promise<Manifest> => {
    const name = objectName(version, MANIFEST);
    const stored = await readObject(objects, name);
    if (stored === null) throw unknown(version, `no ${name}`);
    const manifest = parseObject(name, stored.bytes, manifestSchema);
    if (manifest.version !== version)
      throw new RejectedError('artefact_corrupt', `${name}: expected version ${version}, got ${manifest.version}`);
    return manifest;
  };

  const loadFile = async (manifest: Manifest, file: File): Promise<Uint8Array> => {
    const name = objectName(manifest.version, file);
    const stored = await readObject(objects, name);
    if (stored === null) throw new RejectedError('artefact_corrupt', `${name} is missing, its manifest is not`);
    verifyFile(manifest, file, stored.bytes);
    return stored.bytes;
  };

  const loadArtefact = async (version: string): Promise<Artefact> => {
    const manifest = await readManifest(version);
    const [model, weights] = await Promise.all([loadFile(manifest, 'model.json'), loadFile(manifest, 'weights.bin')]);
    return { manifest, files: { 'model.json': model, 'weights.bin': weights } };
  };

  return {
    readManifest,
    loadArtefact,

    async publishVersion(manifest, files) {
      const { version } = parseObject('manifest', jsonBytes(manifest), manifestSchema);
      for (const file of FILES) verifyFile(manifest, file, files[file]);
      const whole = (file: string, created: boolean): void => {
        if (created) return;
        throw new RejectedError('object_precondition_failed', `${objectName(version, file)} exists with other content`);
      };
      for (const file of FILES) {
        const bytes = files[file];
        if (bytes !== undefined) whole(file, await createOnly(objects, objectName(version, file), bytes));
      }
      // The manifest last: its presence says that the rest is there.
      whole(MANIFEST, await createRecord(objects, objectName(version, MANIFEST), jsonBytes(manifest)));
    },

    async loadVersion(version) {
      const { manifest, files } = await loadArtefact(version);
      if (manifest.files[OUT_OF_FOLD] === undefined) return { manifest, files };
      return { manifest, files: { ...files, [OUT_OF_FOLD]: await loadFile(manifest, OUT_OF_FOLD) } };
    },

    async listVersions() {
      const found: string[] = [];
      let page = await objects.list(PREFIX, { limit: PAGE });
      while (page.length > 0) {
        for (const { name } of page) {
          const [version, file] = name.slice(PREFIX.length).split('/');
          if (file === MANIFEST && version !== undefined) found.push(version);
        }
        const after = page.at(-1)?.name;
        if (page.length < PAGE || after === undefined) break;
        page = await objects.list(PREFIX, { limit: PAGE, after });
      }
      return found;
    },

    async writeVerdict(version, verdict) {
      const name = objectName(version, VERDICT);
      try {
        await readManifest(version);
      } catch (error) {
        // There is a version, and somebody waits to hear that it is broken.
        if (!isCorrupt(error)) throw error;
      }
      const bytes = jsonBytes(verdict);
      const checked = parseObject(name, bytes, verdictSchema);
      if (await createRecord(objects, name, bytes)) return checked;
      const standing = await readObject(objects, name);
      if (standing === null)
        throw new RejectedError('object_precondition_failed', `${name} changed while it was written`);
      return parseObject(name, standing.bytes, verdictSchema);
    },

    async readVerdict(version) {
      const name = objectName(version, VERDICT);
      const stored = await readObject(objects, name);
      return stored === null ? null : parseObject(name, stored.bytes, verdictSchema);
    },
  };
}

/** A version comes from callers too: it must not leave its folder. */
function objectName(version: string, file: string): string {
  if (!manifestSchema.shape.version.safeParse(version).success)
    throw unknown(version, 'expected 1 to 64 of a-z, 0-9 and -');
  return `${PREFIX}${version}/${file}`;
}

/** The file is what the manifest says; one that it does not list must not be there. */
function verifyFile(manifest: Manifest, file: File, bytes: Uint8Array | undefined): void {
  const expected = manifest.files[file];
  const where = `${file} of model ${manifest.version}`;
  if (bytes?.byteLength !== expected?.bytes)
    throw new RejectedError(
      'artefact_corrupt',
      `${where}: expected ${expected?.bytes ?? 'no'} bytes, got ${bytes?.byteLength ?? 'none'}`,
    );
  if (bytes === undefined || expected === undefined) return;
  const sha256 = sha256Hex(bytes);
  if (sha256 !== expected.sha256)
    throw new RejectedError('artefact_corrupt', `${where}: expected sha256 ${expected.sha256}, got ${sha256}`);
}

const unknown = (version: string, why: string): RejectedError =>
  new RejectedError('version_unknown', `version ${JSON.stringify(version.slice(0, 64))}: ${why}`);
