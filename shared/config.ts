/**
 * Configuration: the only module that reads process.env. Everyone else gets the typed value.
 * Fails at load, naming the variable and the remedy; an unknown AURORA_ variable is an error, for it is a typing mistake.
 */
import { z } from 'zod';
import { type Stage, stage } from './domain/control.ts';
import { RejectedError } from './errors.ts';

export interface Config {
  readonly platform: 'embedded' | 'gcp';
  /** Directory of the embedded platform's state. */
  readonly directory: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** World time per host time; 1 = real time. */
  readonly speed: number;
  /** Where route asks for scores. */
  readonly scoreUrl: string;
  /** Who may act, as long as no control object says otherwise. */
  readonly stage: Stage;
  /** Port of a function that runs alone. */
  readonly port: number;
  /** Which function a process runs, when it runs one; null = none named. */
  readonly functionTarget: string | null;
  /** Which host serves it. */
  readonly host: 'lean' | 'functions-framework';
}

/** Digits as people write them: an empty text would be 0, and 0x10 sixteen. */
const decimal = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'expected a number in decimal digits')
  .transform(Number);

const schema = z.object({
  AURORA_PLATFORM: z.enum(['embedded', 'gcp']).default('embedded'),
  AURORA_DIR: z
    .string()
    .min(1)
    .refine((path) => !path.includes('\0'), 'expected a path, without NUL')
    .default('.aurora'),
  AURORA_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  AURORA_SPEED: decimal.pipe(z.number().gt(0).max(100_000)).default(1),
  AURORA_SCORE_URL: z
    .url({ protocol: /^https?$/, error: 'expected a URL of http or https' })
    .transform((url) => url.replace(/\/+$/, ''))
    .default('http://127.0.0.1:8082'),
  AURORA_STAGE: stage.default('auto'),
  AURORA_HOST: z.enum(['lean', 'functions-framework']).default('lean'),
  PORT: decimal.pipe(z.number().int().min(0).max(65_535)).default(8080),
  FUNCTION_TARGET: z.string().min(1).optional(),
});

/** Variables of this prefix belong to the tests' own switches. */
const TEST_PREFIX = 'AURORA_TEST_';

export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(environment).find(
    (key) => key.startsWith('AURORA_') && !key.startsWith(TEST_PREFIX) && !known.includes(key),
  );
  if (unknown !== undefined) {
    throw new RejectedError(
      'config_invalid',
      `${unknown} is not a variable of this system; known: ${known.join(', ')}`,
    );
  }
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const variable = String(issue?.path[0] ?? 'environment');
    throw new RejectedError(
      'config_invalid',
      `${variable}=${JSON.stringify(environment[variable] ?? '')}: ${issue?.message ?? 'invalid'}`,
    );
  }
  const value = parsed.data;
  return {
    platform: value.AURORA_PLATFORM,
    directory: value.AURORA_DIR,
    logLevel: value.AURORA_LOG_LEVEL,
    speed: value.AURORA_SPEED,
    scoreUrl: value.AURORA_SCORE_URL,
    stage: value.AURORA_STAGE,
    port: value.PORT,
    functionTarget: value.FUNCTION_TARGET ?? null,
    host: value.AURORA_HOST,
  };
}

export const readConfig = (): Config => parseConfig(process.env);
