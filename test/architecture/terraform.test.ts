/**
 * The infrastructure as data, held against the code that runs on it; and the checks themselves, held against an infrastructure from
 * which one piece has been taken.
 */
import { describe, expect, test } from 'vitest';
import { CHECKS } from './terraform/checks/index.ts';
import { readTerraform } from './terraform/parsed.ts';
import { piecesOf } from './terraform/pieces.ts';

const parsed = await readTerraform();

describe('terraform', () => {
  test.each(CHECKS)('$says', ({ breaches }) => {
    expect(breaches(parsed)).toEqual([]);
  });
});

describe('a piece that is taken out', () => {
  const pieces = piecesOf(parsed);

  test('is missed, whichever it is', () => {
    expect(pieces.length).toBeGreaterThan(400);
    const before = new Set(CHECKS.flatMap(({ breaches }) => breaches(parsed)));
    const unnoticed = pieces.filter(({ without }) => {
      const damaged = without(parsed);
      return !CHECKS.some(({ breaches }) => breaches(damaged).some((breach) => !before.has(breach)));
    });
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
  });
});
