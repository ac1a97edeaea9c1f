import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTimeline } from '#cli/wargame/timeline.ts';
import { testCases } from '#test/support/cases.ts';

const steps = fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 20 }), take: fc.boolean() }), { maxLength: 60 });

it('gives what is due, earliest first and in the order of putting, as a sorted list would', () => {
  fc.assert(
    fc.property(steps, (given) => {
      const timeline = createTimeline<number>();
      let list: { readonly atMs: number; readonly item: number }[] = [];
      given.forEach(({ atMs, take }, item) => {
        if (!take) {
          timeline.put(atMs, item);
          list.push({ atMs, item });
          return;
        }
        const [first] = list.filter((entry) => entry.atMs <= atMs).toSorted((a, b) => a.atMs - b.atMs);
        list = list.filter((entry) => entry !== first);
        const taken = timeline.takeDue(atMs);
        expect(taken === null ? undefined : { atMs: taken.atMs, item: taken.item }).toEqual(first);
      });
      expect(timeline.size).toBe(list.length);
    }),
    { numRuns: testCases },
  );
});
