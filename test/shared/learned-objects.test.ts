import { describe, expect, test } from 'vitest';
import { RejectedError } from '#shared/errors.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import {
  LINEAR,
  learnerOf,
  type PosteriorHeader,
  parseServedPosterior,
  posteriorBytes,
  posteriorHeader,
  posteriorObject,
  posteriorText,
  statisticsObject,
} from '#shared/learning/fast/learned-objects.ts';
import { posteriorOf } from '#shared/learning/fast/posterior.ts';

const HEAD: PosteriorHeader = {
  format: 'aurora-served-posterior/1',
  name: LINEAR,
  statistics_generation: '7',
  written_at: '2026-01-01T00:00:00.000Z',
};
const bytes = (head: PosteriorHeader = HEAD): Uint8Array =>
  posteriorBytes(head, posteriorText(posteriorOf(createFastLearner())));

describe('the object that scoring reads', () => {
  test('comes back with the statistics that it was derived from', () => {
    const served = parseServedPosterior(bytes());
    expect(served).toMatchObject({ name: LINEAR, statisticsGeneration: '7', writtenAtMs: Date.parse(HEAD.written_at) });
    expect(served.posterior.observations).toBe(0);
    expect(posteriorHeader(bytes())).toEqual(HEAD);
  });

  test.each<[string, Uint8Array]>([
    ['no JSON', new Uint8Array([1, 2, 3])],
    ['cut short', bytes().slice(0, -2)],
    ['another format', bytes({ ...HEAD, format: 'other' as never })],
    ['no posterior in it', posteriorBytes(HEAD, Buffer.from('{}'))],
  ])('%s: refused as a damaged artefact', (_, damaged) => {
    expect(() => parseServedPosterior(damaged)).toThrow(RejectedError);
  });

  test('a learner is told from the name of its statistics and of nothing else', () => {
    expect(learnerOf(statisticsObject('v1'))).toBe('v1');
    expect(learnerOf(posteriorObject('v1'))).toBeNull();
    expect(learnerOf('models/router/v1/statistics.json.zst')).toBeNull();
  });
});
