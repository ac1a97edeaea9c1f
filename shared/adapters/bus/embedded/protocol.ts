import { AuroraError, type ErrorCode, RejectedError, TransientError } from '#shared/errors.ts';
import type { EmbeddedBus, EngineConfig } from './engine.ts';

/** What the worker is started with. */
export interface WorkerStart {
  readonly file: string;
  readonly maxBytes: number | undefined;
  readonly config: EngineConfig;
  /** A function cannot cross to a thread: the caller's randomness comes as a seed. */
  readonly seed: number;
}

export type Method = keyof EmbeddedBus;

export interface Call {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

export interface WireError {
  readonly kind: 'rejected' | 'transient';
  readonly code: ErrorCode;
  readonly message: string;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError };

export type Level = 'debug' | 'info' | 'warn' | 'error';

/** What the worker says: opened or not, answers of one turn together, lines of the log. */
export type FromWorker =
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly error: WireError }
  | { readonly type: 'answers'; readonly answers: readonly Answer[] }
  | {
      readonly type: 'log';
      readonly level: Level;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    };

/** Errors cross as data: a class does not survive the structured clone. */
export function toWire(error: unknown): WireError {
  if (error instanceof AuroraError)
    return { kind: error.retryable ? 'transient' : 'rejected', code: error.code, message: error.message };
  return {
    kind: 'transient',
    code: 'bus_unavailable',
    message: error instanceof Error ? error.message : String(error),
  };
}

export function fromWire({ kind, code, message }: WireError): AuroraError {
  return kind === 'rejected'
    ? new RejectedError(code as ConstructorParameters<typeof RejectedError>[0], message)
    : new TransientError(code as ConstructorParameters<typeof TransientError>[0], message);
}
