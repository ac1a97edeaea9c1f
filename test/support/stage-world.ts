/**
 * A small world for the stages: one request again and again, three providers whose truth is known. The rules prefer the cheapest,
 * so a world says whether they are right.
 */

import { attemptKey, type Lesson } from '#shared/learning/fast/lesson.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import { type Random, seededRandom } from '#shared/learning/random.ts';
import type { Driver, News, Ruling } from '#shared/learning/stages/driver.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { anOffer, aWorkload } from './offers.ts';

const START_MS = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;
const RUN_MS = 30 * MINUTE_MS;

/** P(the run completes); what does not complete does not start. */
export type Truth = Readonly<Record<string, number>>;

export const WORLD_WORKLOAD = aWorkload({ gpu_hours: 0.5, gpu_count: 1, max_price: null, min_reputation: null });
/** Cheapest first: the rules' order. */
const PRICES: Readonly<Record<string, number>> = { cheap: 0.2, middle: 0.3, dear: 0.4 };

export interface Lived {
  readonly ruling: Ruling;
  readonly provider: string;
  readonly atMs: number;
}

/**
 * Every five minutes a decision; a failed start is known after two minutes, an end after half an hour.
 * @param truthAt of a decision
 */
export async function live(
  driver: Pick<Driver, 'decide' | 'hear'>,
  {
    decisions,
    seed,
    truthAt,
    from = 0,
  }: { decisions: number; seed: number; truthAt: (index: number) => Truth; from?: number },
): Promise<Lived[]> {
  const news: { readonly atMs: number; readonly tell: () => void }[] = [];
  const lived: Lived[] = [];
  for (let index = from; index < from + decisions; index++) {
    const atMs = START_MS + index * 5 * MINUTE_MS;
    while ((news[0]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) news.shift()?.tell();
    const offers = Object.entries(PRICES).map(([provider, price]) =>
      anOffer({ provider, offer_id: `${provider}:1`, usd_per_gpu_hour: price }),
    );
    const { eligible } = eligibleOffers(WORLD_WORKLOAD, offers);
    const key = `${seed}-${index}`;
    const ruling = await driver.decide({ key, workload: WORLD_WORKLOAD, offers: eligible, nowMs: atMs });
    const dice = seededRandom(seed * 1_000_003 + index);
    const chosen = ruling.candidates[sampleIndex(ruling.probabilities, dice.next())];
    if (chosen === undefined) throw new Error('expected a choice');
    const { provider } = chosen.offer;
    lived.push({ ruling, provider, atMs });
    for (const each of newsOf(key, chosen, atMs, (truthAt(index)[provider] ?? 0) > dice.next(), dice))
      news.push({ atMs: each.lesson.seen.atMs, tell: () => driver.hear(each) });
    news.sort((a, b) => a.atMs - b.atMs);
  }
  return lived;
}

function newsOf(
  key: string,
  { offer }: Ruling['candidates'][number],
  atMs: number,
  completes: boolean,
  dice: Random,
): News[] {
  const features = candidateFeatures(WORLD_WORKLOAD, offer, atMs);
  const seen = {
    key: attemptKey({ decision_id: key, attempt: 0 }),
    features,
    runHours: 0.5,
    logLatencyRatio: completes ? 0.1 * dice.next() : null,
    logReadyMs: completes ? Math.log(MINUTE_MS) : null,
    logPriceRatio: completes ? 0 : null,
    exposureHours: completes ? 0.5 : null,
    started: completes,
    interrupted: false,
  };
  const endMs = atMs + (completes ? RUN_MS : 2 * MINUTE_MS);
  const lesson = (kind: 'ready' | 'final', at: number): Lesson => ({ kind, seen: { ...seen, atMs: at } });
  const end: News = {
    key,
    offerId: offer.offer_id,
    lesson: lesson('final', endMs),
    example: {
      decision_id: key,
      attempt: 0,
      decided_at: atMs,
      observed_at: endMs,
      features,
      run_hours: 0.5,
      started: completes ? 1 : 0,
      interrupted: completes ? 0 : null,
      exposure_hours: seen.exposureHours,
      log_price_ratio: seen.logPriceRatio,
      log_latency_ratio: seen.logLatencyRatio,
      log_ready_ms: seen.logReadyMs,
      mode: '',
      utility: completes ? 0.8 - offer.usd_per_gpu_hour : -0.2,
    },
  };
  const ready: News = { key, offerId: offer.offer_id, lesson: lesson('ready', atMs + MINUTE_MS), example: null };
  return completes ? [ready, end] : [end];
}
