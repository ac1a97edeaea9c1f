import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Baseline } from '#shared/learning/fast/estimate.ts';
import { HEADS } from '#shared/learning/heads.ts';
import { decodeOutOfFold, encodeOutOfFold, type OutOfFold } from '#shared/learning/out-of-fold.ts';
import { testCases } from '#test/support/cases.ts';

const number = fc.float({ noNaN: true, noDefaultInfinity: true });
const baseline: fc.Arbitrary<Baseline> = fc.record({
  start: number,
  hazard: number,
  price: number,
  latency: number,
  ready: number,
});
const rows: fc.Arbitrary<OutOfFold[]> = fc.uniqueArray(fc.record({ key: fc.string(), baseline }), {
  selector: ({ key }) => key,
  maxLength: 40,
});
const corrupt = (message: RegExp) =>
  expect.objectContaining({ code: 'artefact_corrupt', message: expect.stringMatching(message) });
const row = (key: string, changes: Partial<Baseline> = {}): OutOfFold => ({
  key,
  baseline: { start: 1, hazard: -2, price: 0.5, latency: 0.25, ready: 11, ...changes },
});

describe('out-of-fold.bin', () => {
  test('gives back what was predicted of every row, and nothing of any other', () => {
    fc.assert(
      fc.property(rows, fc.array(fc.string()), (given, others) => {
        const bytes = encodeOutOfFold(given);
        expect(bytes.byteLength).toBe(4 + 28 * given.length);
        const lookup = decodeOutOfFold('v1', bytes);
        for (const { key, baseline: told } of given) expect(lookup(key)).toEqual(told);
        const known = new Set(given.map(({ key }) => key));
        for (const key of others) if (!known.has(key)) expect(lookup(key)).toBeNull();
      }),
      { numRuns: testCases },
    );
  });

  test('has the same bytes whatever the order of the rows', () => {
    const shuffled = rows.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    );
    fc.assert(
      fc.property(shuffled, ([given, again]) => {
        expect(encodeOutOfFold(again)).toEqual(encodeOutOfFold(given));
      }),
      { numRuns: testCases / 10 },
    );
  });

  test('is read wherever it lies in a buffer', () => {
    const bytes = encodeOutOfFold([row('a'), row('b')]);
    const within = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(5)]).subarray(3, 3 + bytes.length);
    expect(decodeOutOfFold('v1', within)('b')).toEqual(row('b').baseline);
  });

  test('of two rows of one attempt the first counts', () => {
    const lookup = decodeOutOfFold('v1', encodeOutOfFold([row('a'), row('b'), row('a', { start: 7 })]));
    expect([lookup('a'), lookup('b')]).toEqual([row('a').baseline, row('b').baseline]);
  });

  test('any other length is refused', () => {
    const bytes = encodeOutOfFold([row('a'), row('b'), row('c')]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeOutOfFold('v1', bytes.slice(0, length))).toThrow(
        corrupt(/^out-of-fold.bin of model v1: expected (at least )?\d+ bytes.*, got \d+$/),
      );
    expect(() => decodeOutOfFold('v1', Buffer.concat([bytes, Buffer.alloc(28)]))).toThrow(corrupt(/got 116$/));
  });

  test('rows out of order, twice, or with a number that is none are refused', () => {
    const bytes = encodeOutOfFold([row('a'), row('b')]);
    const [head, first, second] = [bytes.slice(0, 4), bytes.slice(4, 32), bytes.slice(32)] as const;
    for (const wrong of [
      [second, first],
      [first, first],
    ])
      expect(() => decodeOutOfFold('v1', Buffer.concat([head, ...wrong]))).toThrow(corrupt(/ascending/));
    for (let at = 0; at < HEADS.length; at++) {
      const spoilt = bytes.slice();
      new DataView(spoilt.buffer).setFloat32(4 + 8 + 4 * at, Number.NaN, true);
      expect(() => decodeOutOfFold('v1', spoilt)).toThrow(corrupt(/finite predictions, row 0/));
    }
  });

  test.each(HEADS)('a training that diverged is refused: %s', (head) => {
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY, 1e300])
      expect(() => encodeOutOfFold([row('a', { [head]: value })])).toThrow(corrupt(new RegExp(`${head} prediction`)));
  });
});
