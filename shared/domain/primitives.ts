import { z } from 'zod';

/**
 * Instants travel as RFC 3339 UTC with milliseconds; any offset is accepted at a door and normalised here. An offset may push
 * the first and the last day out of the four-digit years, which is no date to either engine.
 */
export const timestamp = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .refine((text) => /^\d{4}-/.test(text), 'expected a year from 0000 to 9999 in UTC')
  .meta({ format: 'date-time' });

export const rfc3339 = (epochMs: number): string => new Date(epochMs).toISOString();

/**
 * Free text from outside: short, printable, no control characters, no half characters (no JSON column takes them), no key that
 * means something to JavaScript.
 */
export const name = z
  .string()
  .min(1)
  .max(128)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'expected printable text')
  .refine((text) => text.isWellFormed(), 'expected whole characters')
  .refine((text) => !RESERVED.has(text), 'reserved word');

const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

export const nonNegative = z.number().min(0);
export const positive = z.number().gt(0);
export const probability = z.number().min(0).max(1);
export const count = z.int().min(0);
