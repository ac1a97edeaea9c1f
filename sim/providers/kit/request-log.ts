/** What a fake was asked, oldest first: tests judge an adapter from it. */
export interface LoggedRequest {
  readonly world_ms: number;
  readonly host_ms: number;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** Null: never answered. */
  readonly status: number | null;
  readonly fault: string | null;
  /** Native id of the instance that it was about. */
  readonly native_id: string | null;
  /** The key came with it, and is right. */
  readonly key_ok: boolean;
  /** Refused because the one before was too near. */
  readonly too_soon: boolean;
}

export interface RequestLog {
  add(request: LoggedRequest): void;
  all(): readonly LoggedRequest[];
}

/** About 3 MB. */
const KEPT = 10_000;

export function createRequestLog(kept = KEPT): RequestLog {
  let lines: LoggedRequest[] = [];
  return {
    add(request) {
      lines.push(request);
      // Cut in strides, so that a long log is not copied for each line.
      if (lines.length >= 2 * kept) lines = lines.slice(-kept);
    },
    all: () => lines.slice(-kept),
  };
}
