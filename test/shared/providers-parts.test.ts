import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalRegion } from '#shared/domain/aliases.ts';
import { regionOfPlace } from '#shared/domain/places.ts';
import { name } from '#shared/domain/primitives.ts';
import { labelsOf } from '#shared/providers/labels.ts';
import { oneAtATime } from '#shared/providers/one-at-a-time.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { anyText } from '#test/support/text.ts';

describe('places', () => {
  test.each([
    ['Virginia, US', 'us-east'],
    ['Texas, US', 'us-east'],
    ['California, US', 'us-west'],
    ['New Mexico, US', 'us-west'],
    ['WA, US', 'us-west'],
    ['Denver, Colorado, US', 'us-west'],
    ['US', 'us'],
    [', US', 'us'],
    ['France, FR', 'eu-west'],
    ['Sofia, BG', 'eu-central'],
    ['germany, de', 'eu-central'],
    ['Iceland, IS', 'eu-north'],
    ['Japan, JP', 'ap-northeast'],
    ['Taiwan, TW', 'ap-northeast'],
    ['Thailand, TH', 'ap-southeast'],
    ['Vietnam, VN', 'ap-southeast'],
    ['Quebec, CA', 'ca-central'],
    ['Australia, AU', 'ap-southeast'],
    ['Somewhere, XK', 'xk'],
    ['constructor', 'unknown'],
    [null, 'unknown'],
    [undefined, 'unknown'],
    ['', 'unknown'],
    [' , ', 'unknown'],
  ])('%j is %s', (place, region) => expect(regionOfPlace(place)).toBe(region));

  test('any text is a region that stays what it is, and never the whole globe by accident', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 200 }), (text) => {
        const region = regionOfPlace(text);
        expect(name.safeParse(region).success).toBe(true);
        expect(canonicalRegion(region)).toBe(region);
      }),
      { numRuns: testCases },
    );
    for (const word of ['any', 'Worldwide', '*', 'global', 'Anywhere, ANY'])
      expect(regionOfPlace(word)).toBe('unknown');
  });
});

describe('labels', () => {
  test('of one installation lead back to its requests, of another one nowhere', () => {
    const [mine, theirs] = [labelsOf('0123abcd'), labelsOf('0123abce')];
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9-]{1,64}$/), (id) => {
        const label = mine.labelOf(id);
        expect(label).toMatch(/^[a-z0-9-]{17,80}$/);
        expect(mine.requestIdOf(label)).toBe(id);
        expect(theirs.requestIdOf(label)).toBeNull();
      }),
      { numRuns: testCases },
    );
  });

  test.each([
    null,
    undefined,
    '',
    'aurora-0123abcd-',
    'aurora-0123abcd',
    'aurora-0123abcd-A',
    `aurora-0123abcd-${'x'.repeat(65)}`,
    'x-aurora-0123abcd-r',
  ])('%j is nobody’s', (label) => expect(labelsOf('0123abcd').requestIdOf(label)).toBeNull());

  test.each(['', '0123ABCD', '0123abc', '0123abcde', '0123abcg'])('%j is no mark of an installation', (fleet) =>
    expect(() => labelsOf(fleet)).toThrow(expect.objectContaining({ code: 'config_invalid' })),
  );
});

describe('one at a time', () => {
  const context = (clock: ReturnType<typeof fakeClock>, ms = 1_000) => ({ deadline: clock.now() + ms });

  test('works of one key follow each other, those of others do not wait', async () => {
    const clock = fakeClock();
    const oneByOne = oneAtATime<string>(clock);
    const events: string[] = [];
    const work = (nth: string) => async () => {
      events.push(`${nth} begins`);
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      events.push(`${nth} ends`);
      return nth;
    };
    const all = Promise.all([
      oneByOne('a', context(clock), work('first')),
      oneByOne('a', context(clock), work('second')),
      oneByOne('a', context(clock), work('third')),
      oneByOne('b', context(clock), work('other')),
    ]);
    await clock.advance(100);
    expect(await all).toEqual(['first', 'second', 'third', 'other']);
    expect(events.filter((event) => !event.startsWith('other'))).toEqual(
      ['first', 'second', 'third'].flatMap((nth) => [`${nth} begins`, `${nth} ends`]),
    );
    expect(events.indexOf('other begins')).toBeLessThan(events.indexOf('first ends'));
    expect(clock.pending()).toBe(0);
  });

  test('who waits goes by its own deadline and its own signal, and by no failure of the one before', async () => {
    const clock = fakeClock();
    const oneByOne = oneAtATime<string>(clock);
    const hung = Promise.withResolvers<string>();
    const first = oneByOne('a', context(clock, 10_000), () => hung.promise);
    const late = expect(oneByOne('a', context(clock, 50), async () => 'late')).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    const left = new AbortController();
    const reason = new Error('left');
    const gone = expect(oneByOne('a', { ...context(clock), signal: left.signal }, async () => 'gone')).rejects.toBe(
      reason,
    );
    const patient = oneByOne('a', context(clock), async () => 'patient');
    left.abort(reason);
    await gone;
    await clock.advance(50);
    await late;
    hung.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    expect(await patient).toBe('patient');
    expect(clock.pending()).toBe(0);
  });
});
