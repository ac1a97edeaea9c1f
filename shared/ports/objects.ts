/**
 * The object store: named blobs with generations.
 * Promise: a write is atomic, durable and seen by every later read; a precondition is checked and the write applied as one
 * step, over processes too; a reader sees the old bytes or the new, never a mixture.
 */
export interface ObjectVersion {
  /** Opaque; compare for equality only. Changes with the content. */
  readonly generation: string;
  /** Changes with the metadata; starts at "1" with every generation. */
  readonly metageneration: string;
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StoredObject extends ObjectVersion {
  readonly bytes: Uint8Array;
}

export interface ObjectEntry extends ObjectVersion {
  readonly name: string;
}

/** All given conditions must hold. Generation "0" means: the object does not exist. */
export interface Precondition {
  readonly generationMatch?: string;
  readonly generationNotMatch?: string;
  readonly metagenerationMatch?: string;
  readonly metagenerationNotMatch?: string;
}

export interface Objects {
  /**
   * The object, or null when there is none. With `unlessGeneration`: 'unchanged' without reading bytes when the generation is that one.
   * @throws RejectedError object_damaged when the bytes are not those that were written, until the object is written anew
   * or removed; its details name the generation
   * @throws TransientError objects_unavailable
   */
  read(name: string): Promise<StoredObject | null>;
  readUnless(name: string, unlessGeneration: string): Promise<StoredObject | 'unchanged' | null>;
  /**
   * Writes the whole object. A write always states its precondition; `{}` = last writer wins. Metadata `expires_at` (RFC 3339)
   * says that nobody needs it from then on: a store may remove it by itself, a day later or never.
   * @throws RejectedError object_precondition_failed, object_name_invalid
   * @throws TransientError objects_unavailable, disk_full
   */
  write(
    name: string,
    bytes: Uint8Array,
    precondition: Precondition,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<ObjectVersion>;
  /**
   * Replaces the metadata, keeps the content; answers the new metageneration.
   * @throws RejectedError object_precondition_failed; not_found when there is no object and the precondition allows that
   */
  writeMetadata(
    name: string,
    metadata: Readonly<Record<string, string>>,
    precondition: Precondition,
  ): Promise<ObjectVersion>;
  /** In ascending order of name (UTF-8 bytes), at most `limit` (default 1000), names after `after` only. */
  list(prefix: string, page?: { readonly limit?: number; readonly after?: string }): Promise<readonly ObjectEntry[]>;
  /** True when there was something to remove. @throws RejectedError object_precondition_failed */
  remove(name: string, precondition: Precondition): Promise<boolean>;
  close(): Promise<void>;
}
