/** What crosses between a thread of an adapter and whoever asks it. */
import { AuroraError, type ErrorCode, RejectedError, TransientError } from '#shared/errors.ts';

export interface Call {
  readonly id: number;
  readonly method: string;
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

/** What the thread says: opened or not, answers of one turn together, lines of the log. */
export type FromThread =
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly error: WireError }
  | { readonly type: 'answers'; readonly answers: readonly Answer[] }
  | {
      readonly type: 'log';
      readonly level: Level;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    };

/** Of a thread that is gone, or an error that nobody named. */
export type Unavailable = 'bus_unavailable' | 'state_unavailable';

/** Errors cross as data: a class does not survive the structured clone. */
export function toWire(error: unknown, otherwise: Unavailable): WireError {
  if (error instanceof AuroraError)
    return { kind: error.retryable ? 'transient' : 'rejected', code: error.code, message: error.message };
  return { kind: 'transient', code: otherwise, message: error instanceof Error ? error.message : String(error) };
}

export function fromWire({ kind, code, message }: WireError): AuroraError {
  return kind === 'rejected'
    ? new RejectedError(code as ConstructorParameters<typeof RejectedError>[0], message)
    : new TransientError(code as ConstructorParameters<typeof TransientError>[0], message);
}
