/** What a handler sees of the world: plain values, no host. */
export interface FunctionRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** Host epoch milliseconds by which the answer must be out. */
  readonly deadline: number;
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
}

/** A body that comes bit by bit. Who reads it calls `return` of its iterator when it stops before the end. */
export type BodyStream = AsyncIterable<Uint8Array>;

export interface FunctionResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | BodyStream;
}

/** An answer that is there as a whole. */
export interface WholeResponse extends FunctionResponse {
  readonly body?: string | Uint8Array;
}

/** May answer at once: the scoring path has nothing to wait for. */
export type Handler = (request: FunctionRequest) => FunctionResponse | Promise<FunctionResponse>;

export interface ReadyReport {
  readonly ready: boolean;
  /** What is missing, in plain words; empty when ready. */
  readonly waiting_for: readonly string[];
}

/** One deployable function, host-independent. Built by httpFunction / eventFunction, run by a host. */
export interface FunctionApp {
  readonly name: string;
  /** All doors, /health, /ready and /metrics included. Never throws. */
  readonly handle: Handler;
  /** Largest body the host may buffer, bytes. */
  readonly bodyLimitBytes: number;
  /** Pollers and caches of the function; awaited before it listens. Calling it again awaits the same start. */
  start(): Promise<void>;
  /** New requests get 503 draining from now on; resolves when the in-flight ones are answered and pollers stopped. */
  drain(): Promise<void>;
}
