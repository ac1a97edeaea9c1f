/**
 * Smoothed tables, what one would build in an afternoon: per provider, GPU type and region the share of starts, the hazard
 * and the mean log ratios, shrunk to the provider's, those to the overall mean, that to a guess.
 */
import type { Predicted } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { expectedUtility } from '#shared/learning/expected-utility.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import { type Lesson, runHoursOf } from '../attempt.ts';
import type { Policy } from './policy.ts';

/** Share of uniform exploration: without it an offer that failed at first would never be tried again. */
const EPSILON = 0.02;

/** Sum of what was seen, over the weight of what was seen: tries, or hours for the hazard. */
interface Mean {
  sum: number;
  weight: number;
}
type Figure = 'start' | 'hazard' | 'price' | 'latency' | 'ready';
type Row = Record<Figure, Mean>;

/** Before anything was seen; the same guesses as the fast learner's, so that neither has a head start. */
const GUESS: Readonly<Record<Figure, number>> = {
  start: 0.9,
  hazard: 1 / 30,
  price: 0,
  latency: 0,
  ready: Math.log(150_000),
};
/** What the level above weighs: as much as ten tries, of which the guess has one fail; thirty hours, of which it breaks in one. */
const PARENT_WEIGHT: Readonly<Record<Figure, number>> = { start: 10, hazard: 30, price: 10, latency: 10, ready: 10 };

export function tablesPolicy(): Policy {
  const rows = new Map<string, Row>();
  /** Of an offer, from the narrowest to the widest. */
  const rowsOf = ({ provider, gpu_type, region }: Offer): readonly Row[] =>
    [JSON.stringify([provider, gpu_type, region]), JSON.stringify([provider]), ''].map((key) => {
      const row = rows.get(key) ?? emptyRow();
      rows.set(key, row);
      return row;
    });

  const see = (offer: Offer, figure: Figure, amount: number, weight = 1): void => {
    for (const row of rowsOf(offer)) {
      row[figure].sum += amount;
      row[figure].weight += weight;
    }
  };
  const seeStart = ({ offer, started, logLatencyRatio, logReadyMs }: Lesson): void => {
    see(offer, 'start', started ? 1 : 0);
    if (logLatencyRatio !== null) see(offer, 'latency', logLatencyRatio);
    if (logReadyMs !== null) see(offer, 'ready', logReadyMs);
  };

  return {
    distribution: ({ workload, offers }) =>
      epsilonSoftened(
        offers.map((offer) => expectedUtility(workload, predicted(rowsOf(offer), workload, offer))),
        workload.priority === 'critical' ? 0 : EPSILON,
      ),
    ready: seeStart,
    final(lesson) {
      // A run that started has told so when it became ready.
      if (!lesson.started) seeStart(lesson);
      if (lesson.exposureHours !== null) see(lesson.offer, 'hazard', lesson.interrupted ? 1 : 0, lesson.exposureHours);
      if (lesson.logPriceRatio !== null) see(lesson.offer, 'price', lesson.logPriceRatio);
    },
    drop: () => undefined,
  };
}

const emptyMean = (): Mean => ({ sum: 0, weight: 0 });
const emptyRow = (): Row => ({
  start: emptyMean(),
  hazard: emptyMean(),
  price: emptyMean(),
  latency: emptyMean(),
  ready: emptyMean(),
});

/** @param rows from the narrowest to the widest */
const shrunk = (rows: readonly Row[], figure: Figure): number =>
  rows.reduceRight((above, row) => {
    const { sum, weight } = row[figure];
    return (sum + PARENT_WEIGHT[figure] * above) / (weight + PARENT_WEIGHT[figure]);
  }, GUESS[figure]);

function predicted(rows: readonly Row[], workload: Workload, offer: Offer): Predicted {
  const ready = shrunk(rows, 'start');
  return {
    ready,
    completed: ready * Math.exp(-shrunk(rows, 'hazard') * runHoursOf(workload)),
    usd_per_gpu_hour: offer.usd_per_gpu_hour * Math.exp(shrunk(rows, 'price')),
    latency_ms: latencyOf(offer) * Math.exp(shrunk(rows, 'latency')),
    ready_ms: Math.exp(shrunk(rows, 'ready')),
  };
}
