import { type Stage, stage } from '#shared/domain/control.ts';
import { RejectedError } from '#shared/errors.ts';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Null: not said. */
export function textOption(values: Values, name: string): string | null {
  const value = values[name];
  return typeof value === 'string' ? value : null;
}

/** A whole number from 1 to `max`. @throws RejectedError usage */
export function countOption(values: Values, name: string, max: number): number {
  return numberOption(values, name, { min: 1, max, whole: true });
}

/** @throws RejectedError usage */
export function stageOption(given: unknown): Stage {
  const parsed = stage.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new RejectedError('usage', `expected a stage, ${stage.options.join(', ')}, got ${JSON.stringify(given)}`);
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `1d`, in milliseconds. @throws RejectedError usage */
export function durationOption(values: Values, name: string, maxMs: number): number {
  const text = String(values[name] ?? '');
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (UNITS_MS[unit] ?? Number.NaN));
  if (ms >= 1 && ms <= maxMs) return ms;
  throw new RejectedError(
    'usage',
    `--${name} takes a time such as 30m, 2h or 1d, at most ${maxMs / 86_400_000}d, got ${JSON.stringify(text)}`,
  );
}

/** @throws RejectedError usage, quoting what came */
export function numberOption(
  values: Values,
  name: string,
  range: { readonly min: number; readonly max: number; readonly whole?: boolean },
): number {
  const text = String(values[name] ?? '');
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits =
    Number.isFinite(value) &&
    value >= range.min &&
    value <= range.max &&
    (range.whole !== true || Number.isInteger(value));
  if (!fits)
    throw new RejectedError(
      'usage',
      `--${name} takes a ${range.whole === true ? 'whole ' : ''}number from ${range.min} to ${range.max}, got ${JSON.stringify(text)}`,
    );
  return value;
}
