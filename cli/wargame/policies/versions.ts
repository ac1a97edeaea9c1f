/**
 * The parts of a trained version, for the ablation: its network alone, and its network under the fast learner, each put to work as
 * soon as it is trained, without a gate. Trained anew whenever the record has doubled; before the first training the learner on
 * its own acts.
 */

import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { expectedUtility, partsFromRaw } from '#shared/learning/expected-utility.ts';
import { featuresFor } from '#shared/learning/features.ts';
import { OUTPUTS } from '#shared/learning/network.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { playRecord } from '#shared/learning/record/play.ts';
import { createBook } from '#shared/learning/stages/book.ts';
import { createPlayer, type Player } from '#shared/learning/stages/player.ts';
import { trainInProcess } from '#shared/learning/stages/train-in-process.ts';
import type { TrainedVersion } from '#shared/learning/stages/train-version.ts';
import { dropOf, exampleOf, lessonOf } from './played.ts';
import type { Policy } from './policy.ts';

/** Attempts that have ended before the first training: a version of fewer is noise. */
const FIRST_TRAINING = 300;
const GROWTH = 2;
/** A network does not know what it does not know: it explores as the tables do. */
const EPSILON = 0.02;
const SEED = 1;

type Acting = (workload: Workload, offers: readonly Offer[], nowMs: number) => readonly number[];

export const networkPolicy = (): Policy =>
  trainedPolicy(async ({ network: { network, targets } }) => ({
    acting: (workload, offers, nowMs) => {
      const raw = network.forward(offers.map(featuresFor(workload, nowMs)));
      const values = offers.map((offer, i) =>
        expectedUtility(workload, partsFromRaw(raw, i * OUTPUTS, targets, workload, offer)),
      );
      return epsilonSoftened(values, workload.priority === 'critical' ? 0 : EPSILON);
    },
    player: null,
  }));

export const bothPolicy = (): Policy =>
  trainedPolicy(async ({ contestant }, lessons) => {
    const { learner } = await playRecord(lessons, contestant, { examples: [], decisions: [] });
    const player = createPlayer(EXPLORATION, contestant, learner);
    return { acting: actingBy(player), player };
  });

const actingBy =
  (player: Player): Acting =>
  (workload, offers, nowMs) =>
    player.distribution(workload, player.value(workload, offers, nowMs));

type PutToWork = (
  trained: TrainedVersion,
  lessons: Parameters<typeof playRecord>[0],
) => Promise<{ readonly acting: Acting; readonly player: Player | null }>;

function trainedPolicy(putToWork: PutToWork): Policy {
  const book = createBook();
  const first = createPlayer(EXPLORATION);
  let player: Player | null = first;
  let acting = actingBy(first);
  let trainAt = FIRST_TRAINING;

  const trainWhenDue = async (nowMs: number): Promise<void> => {
    const ended = book.ended();
    if (ended < trainAt) return;
    trainAt = Math.ceil(GROWTH * ended);
    try {
      const trained = await trainInProcess({ examples: book.examples(nowMs), watermark: rfc3339(nowMs), seed: SEED });
      ({ acting, player } = await putToWork(trained, book.lessons()));
    } catch (error) {
      // Too little has matured yet: the next one has twice as much.
      if (!(error instanceof RejectedError) || error.code !== 'not_enough_data') throw error;
    }
  };
  const hear = (...[lesson, key, offerId, example]: Parameters<typeof book.heard>): void => {
    book.heard(lesson, key, offerId, example);
    player?.hear(lesson);
  };

  return {
    async distribution({ workload, offers, nowMs }) {
      await trainWhenDue(nowMs);
      return acting(workload, offers, nowMs);
    },
    ready: (told) => hear(lessonOf('ready', told), told.key, told.offer.offer_id, null),
    final: (told) => hear(lessonOf('final', told), told.key, told.offer.offer_id, exampleOf(told)),
    drop: (key, atMs) => hear(dropOf(key, atMs), key, '', null),
  };
}
