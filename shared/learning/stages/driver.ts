/**
 * The learning router in one process: contenders that learn, the gate, the switchback, the stages, the way back. In: requests with
 * their eligible offers, and news of what became of the choices, in the order of their instants. Out: a distribution for each
 * request. A pure function of that input, its options and the trainings that it awaits: it has no clock and no dice.
 *
 * Who acts, by stage:
 *   apprentice  the rules, always; the learner looks on
 *   online      the learner on its own from the first decision, until a version passes the gate on the record
 *   auto        the rules -> (the learner passes the gate) a switchback of both -> (proved better) the learner -> (a version
 *               passes) a switchback of both -> the version
 * and from whatever acts back to what acted before it, when the rules would clearly have earned more.
 */
import { EXPLORATION_EPSILON, GATE_ALPHA, GATE_FINAL_ALPHA, ROLLBACK_EVERY } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Mode } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import type { Example } from '../example.ts';
import type { Lesson } from '../fast/lesson.ts';
import { shiftedHeads } from '../fast/shifted.ts';
import { epsilonSoftened, exploringForApprentice } from '../policy/chances.ts';
import type { ExplorationLimits } from '../policy/thompson.ts';
import { armOf, planTrial, RETRY_GROWTH, type Trial, trafficOf, trialSeed } from '../switchback/schedule.ts';
import { createBook, type Decided } from './book.ts';
import { createOffice, type Move } from './office.ts';
import { createPlayer, type Player, type Valued } from './player.ts';
import { whyGoBack } from './rollback.ts';
import type { TrainVersion } from './train-version.ts';
import { createTrialLog, type TrialLog } from './trial-log.ts';
import { createTribunal, type Finding, type JudgeLearner } from './tribunal.ts';

export type DriverStage = 'apprentice' | 'online' | 'auto';

export interface DriverOptions {
  readonly stage: DriverStage;
  readonly exploration: ExplorationLimits;
  readonly seed: number;
  /** Null: no versions are trained, the learner on its own is all there is. */
  readonly train: TrainVersion | null;
  /** Plays in the learner's place and under its name: where its worth is known, gate and switchback can be held against that. */
  readonly standIn?: StandIn;
}

export interface StandIn {
  readonly player: Player;
  readonly judge: JudgeLearner;
}

export interface Asked {
  readonly key: string;
  readonly workload: Workload;
  /** Eligible; at least one. */
  readonly offers: readonly Offer[];
  readonly nowMs: number;
}

export interface Ruling {
  /** As the actor values them, or, while the rules act, whoever looks on. */
  readonly candidates: readonly Valued[];
  readonly probabilities: readonly number[];
  readonly mode: Mode;
  /** `rules`, `linear` or a version. */
  readonly actor: string;
}

export interface News {
  /** Of the decision, as it was asked. */
  readonly key: string;
  readonly offerId: string;
  readonly lesson: Lesson;
  /** Of a final lesson; null: it says nothing of the offer. */
  readonly example: Omit<Example, 'propensity'> | null;
}

export interface DriverState {
  readonly stage: DriverStage;
  readonly actor: string;
  readonly trial: Trial | null;
  readonly observations: number;
  readonly refits: number;
  readonly trainings: number;
  readonly verdicts: readonly {
    readonly name: string;
    readonly at_ms: number;
    readonly verdict: string;
    readonly reason: string;
  }[];
  readonly moves: readonly Move[];
}

export interface Driver {
  decide(asked: Asked): Promise<Ruling>;
  hear(news: News): void;
  state(): DriverState;
}

/** Verdicts that are remembered. */
const MAX_VERDICTS = 1_000;
export function createDriver({ stage, exploration, seed, train, standIn }: DriverOptions): Driver {
  const book = createBook();
  const linear = standIn?.player ?? createPlayer(exploration);
  const players = new Map<string, Player>([[LINEAR, linear]]);
  const office = createOffice(stage === 'online' ? [LINEAR] : []);
  const tribunal = createTribunal({
    book,
    exploration,
    seed,
    alpha: stage === 'online' ? GATE_FINAL_ALPHA : GATE_ALPHA,
    train,
    judgeLearner: standIn?.judge,
  });
  let tried: TrialLog | null = null;
  let trialLookMs = Number.POSITIVE_INFINITY;
  let verdicts: DriverState['verdicts'] = [];
  let lookBackAt = ROLLBACK_EVERY;
  /** Ended attempts before which a contender that has lost a trial is not tried again. */
  const retryAt = new Map<string, number>();
  let drifting = '';

  const remember = ({ name, verdict }: Finding, atMs: number): void => {
    const entry = { name, at_ms: atMs, verdict: verdict.verdict, reason: verdict.reasons[0] ?? '' };
    verdicts = [...verdicts, entry].slice(-MAX_VERDICTS);
  };

  /** The first that passed: a version before the learner on its own, which learns on anyway. */
  const propose = (findings: readonly Finding[], nowMs: number): void => {
    for (const finding of findings) remember(finding, nowMs);
    const passed = findings.findLast(
      ({ name, verdict }) => verdict.verdict === 'promote' && book.ended() >= (retryAt.get(name) ?? 0),
    );
    if (passed === undefined) return;
    const { name, player, verdict } = passed;
    if (player !== null) players.set(name, player);
    if (stage === 'online') office.appoint(name, nowMs, verdict.reasons[0] ?? 'promoted');
    else beginTrial(name, nowMs);
    dismiss();
  };

  const beginTrial = (challenger: string, nowMs: number): void => {
    const trial = planTrial({
      control: office.holder(),
      challenger,
      startMs: nowMs,
      traffic: trafficOf(book.decisions(), nowMs),
      seed: trialSeed(seed, nowMs),
    });
    tried = createTrialLog(trial);
    trialLookMs = nowMs + 2 * trial.block_ms;
  };

  const judgeTrial = (running: TrialLog, nowMs: number): void => {
    const { challenger, block_ms: blockMs } = running.trial;
    trialLookMs = nowMs + blockMs;
    const { verdict, reason } = running.verdict(nowMs, seed);
    if (verdict === 'open') return;
    tried = null;
    verdicts = [...verdicts, { name: challenger, at_ms: nowMs, verdict, reason }].slice(-MAX_VERDICTS);
    if (verdict === 'better') office.appoint(challenger, nowMs, reason);
    else retryAt.set(challenger, RETRY_GROWTH[verdict] * book.ended());
    dismiss();
  };

  /** Versions that neither act, nor could come back, nor are on trial are let go. */
  const dismiss = (): void => {
    const needed = new Set([LINEAR, ...office.stack(), ...(tried?.trial.arms ?? [])]);
    for (const name of players.keys()) if (!needed.has(name)) players.delete(name);
  };

  /** What acts by itself is held against the rules now and then. */
  const lookBack = (nowMs: number): void => {
    lookBackAt = book.ended() + ROLLBACK_EVERY;
    const holder = office.holder();
    if (holder === RULES) return;
    const own = book.actedBy(holder, office.sinceMs());
    const why = whyGoBack(own, book.actedBy(RULES, Number.NEGATIVE_INFINITY), nowMs, seed);
    if (why === null) return;
    retryAt.set(holder, RETRY_GROWTH.worse * book.ended());
    office.back(nowMs, why);
    dismiss();
  };

  /** A provider that drifts, or comes back, makes the record worth another look. */
  const watchDrift = (nowMs: number): void => {
    const now = shiftedHeads(linear.learner.knowledge().drifts, nowMs).join('\n');
    if (now !== drifting) tribunal.hasten(book.ended());
    drifting = now;
  };

  const attend = async (nowMs: number): Promise<void> => {
    if (stage === 'apprentice') return;
    if (tried !== null) {
      if (nowMs >= trialLookMs) judgeTrial(tried, nowMs);
      return;
    }
    if (book.ended() >= lookBackAt) {
      lookBack(nowMs);
      watchDrift(nowMs);
    }
    if (!tribunal.due(book.ended())) return;
    propose(await tribunal.look(nowMs, players.get(office.holder())?.contestant ?? null), nowMs);
  };

  const distribution = (
    actor: string,
    shown: Player,
    { workload, offers }: Asked,
    candidates: readonly Valued[],
  ): number[] => {
    const own = shown.distribution(workload, candidates);
    if (actor !== RULES) return own;
    const scores = offers.map((offer) => classicScore(workload.weights, offer));
    if (workload.priority === 'critical') return epsilonSoftened(scores, 0);
    return tried === null
      ? exploringForApprentice(scores, own, EXPLORATION_EPSILON)
      : epsilonSoftened(scores, EXPLORATION_EPSILON);
  };

  return {
    async decide(asked) {
      const { workload, offers, nowMs } = asked;
      await attend(nowMs);
      const actor = tried === null ? office.holder() : armOf(tried.trial, nowMs).arm;
      const shown = players.get(actor === RULES ? (tried?.trial.challenger ?? LINEAR) : actor) ?? linear;
      const candidates = shown.value(workload, offers, nowMs);
      const probabilities = distribution(actor, shown, asked, candidates);
      book.decided(decidedOf(asked, actor, candidates, probabilities));
      tried?.decided(asked.key, { decidedAtMs: nowMs, stratum: workload.workload_type });
      const mode = tried !== null ? 'switchback' : actor === RULES ? 'apprentice' : 'online';
      return { candidates, probabilities, mode, actor };
    },
    hear({ key, offerId, lesson, example }) {
      for (const player of players.values()) player.hear(lesson);
      book.heard(lesson, key, offerId, example);
      if (lesson.kind !== 'ready') tried?.ended(key, example?.utility ?? null);
    },
    state: () => ({
      stage,
      actor: office.holder(),
      trial: tried?.trial ?? null,
      observations: linear.learner.observations(),
      refits: linear.refits(),
      trainings: tribunal.trainings(),
      verdicts,
      moves: office.moves(),
    }),
  };
}

const decidedOf = (
  { key, workload, nowMs }: Asked,
  actor: string,
  candidates: readonly Valued[],
  probabilities: readonly number[],
): Decided => ({
  key,
  atMs: nowMs,
  workload,
  candidates: candidates.map(({ offer, features }, i) => ({
    offerId: offer.offer_id,
    offer: { usd_per_gpu_hour: offer.usd_per_gpu_hour, latency_ms: offer.latency_ms },
    features,
    ruleScore: classicScore(workload.weights, offer),
    probability: probabilities[i] as number,
  })),
  expected: candidates.map(({ expectedUtility }) => expectedUtility),
  actor,
});
