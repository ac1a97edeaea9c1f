import type { EngineConfig } from './engine.ts';

/** What the worker is started with. */
export interface WorkerStart {
  readonly file: string;
  readonly maxBytes: number | undefined;
  readonly config: EngineConfig;
  /** A function cannot cross to a thread: the caller's randomness comes as a seed. */
  readonly seed: number;
}
