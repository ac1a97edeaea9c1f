/**
 * The state store: small JSON values that are read back as written.
 * Promise: read-your-writes; `create` succeeds once; `swap` succeeds only on the version that was read; both durable
 * before they resolve, over processes too. Every operation may throw RejectedError state_entry_invalid (a key that is not 1 to
 * 1024 bytes, a value that JSON would change: undefined, NaN, Date) and TransientError state_unavailable or disk_full.
 */
export interface StateEntry {
  readonly key: string;
  readonly value: unknown;
  /** Opaque; compare for equality only. */
  readonly version: string;
}

export interface StateOptions {
  /** Host milliseconds after which the entry is gone; absent = kept. */
  readonly ttlMs?: number;
}

export interface State {
  get(key: string): Promise<StateEntry | null>;
  /** The new entry, or the one that was there first (`created: false`). */
  create(
    key: string,
    value: unknown,
    options?: StateOptions,
  ): Promise<{ readonly created: boolean; readonly entry: StateEntry }>;
  /** The new entry, or null when the version is no longer the one given. */
  swap(key: string, version: string, value: unknown, options?: StateOptions): Promise<StateEntry | null>;
  /** True when the entry had this version and is now gone. */
  remove(key: string, version: string): Promise<boolean>;
  /** In ascending order of key, at most `limit` (default 1000), keys after `after` only. */
  list(prefix: string, page?: { readonly limit?: number; readonly after?: string }): Promise<readonly StateEntry[]>;
  close(): Promise<void>;
}
