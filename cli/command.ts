import type { ParseArgsConfig } from 'node:util';

/** Exit codes that mean something. */
export const EXIT = { ok: 0, partial: 1, failed: 2, unable: 3, usage: 64 } as const;

export interface CommandContext {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  /** `--json`: one JSON value on stdout, nothing else. */
  readonly json: boolean;
  /** State directory (`--dir`). */
  readonly directory: string;
  /** Results: stdout. */
  print(text: string): void;
  /** Progress and remarks: stderr. */
  note(text: string): void;
}

export interface Command {
  /** Words after `vm`, e.g. "models list". */
  readonly name: string;
  readonly summary: string;
  /** Arguments after the name, e.g. "FILE.csv [options]". */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Option -> what it does, for --help. */
  readonly help: Readonly<Record<string, string>>;
  /** Option -> what its value is, for --help; default: its name in capitals. */
  readonly takes?: Readonly<Record<string, string>>;
  /** What else one should know, a line each. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
  readonly positionals: { readonly min: number; readonly max: number };
  /** Exit code when it could not be done; default: failed. */
  readonly unable?: number;
  readonly run: (context: CommandContext) => Promise<number>;
}
