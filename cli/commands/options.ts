import { RejectedError } from '#shared/errors.ts';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** A whole number from 1 to `max`. @throws RejectedError usage */
export function countOption(values: Values, name: string, max: number): number {
  return numberOption(values, name, { min: 1, max, whole: true });
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
