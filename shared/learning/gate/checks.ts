/** Every check of an evaluation, in the order in which they are told. */
import { MIN_EXPLORED_ROWS, MIN_HOLDOUT_ROWS, SCORING_LIMIT_MS } from '#shared/defaults.ts';
import type { Evaluation } from '../evaluate/index.ts';
import { type Check, digits, finiteOrNull } from './check.ts';
import {
  calibrated,
  championComparable,
  classes,
  completionOverBase,
  completionOverChampion,
  completionOverLinear,
  nearEnough,
  notWorse,
} from './head-checks.ts';
import { sampleSize, segment, steady, supported, uplift } from './policy-checks.ts';

/** @param scoringMs p99 of valuing eight candidates, milliseconds; null: not measured */
export function checksOf(evaluation: Evaluation, scoringMs: number | null): readonly Check[] {
  const { start, completion, champion, policy } = evaluation;
  return [
    finite(evaluation),
    holdoutRows(evaluation),
    schema(evaluation),
    classes('completion', completion),
    classes('start', start),
    exploration(evaluation),
    ...(policy === null ? [] : [sampleSize(policy), supported(policy)]),
    ...(evaluation.drift === null ? [] : [steady(evaluation.drift)]),
    ...(policy === null ? [] : [uplift('rules', 'the rules', policy)]),
    ...(policy === null || champion === null ? [] : [uplift('champion', `champion ${champion}`, policy)]),
    completionOverBase(completion),
    ...(completion === null || completion.linear === null ? [] : [completionOverLinear(completion)]),
    notWorse('start', 'base', 'the base rates', start),
    ...(champion === null
      ? []
      : [completionOverChampion(completion, champion), notWorse('start', 'champion', `champion ${champion}`, start)]),
    ...championComparable(evaluation),
    ...calibrated('completion', completion),
    ...calibrated('start', start),
    ...nearEnough('price', evaluation.price),
    ...nearEnough('latency', evaluation.latency),
    ...nearEnough('ready', evaluation.ready),
    ...(policy?.segments ?? []).map(segment),
    ...(scoringMs === null ? [] : [scoring(scoringMs)]),
  ];
}

const finite = ({ finite: passed }: Evaluation): Check => ({
  kind: 'soundness',
  name: 'finite',
  passed,
  value: null,
  limit: null,
  note: passed ? 'finite: every output is a number' : 'finite: an output is not a finite number',
});

const holdoutRows = ({ rows }: Evaluation): Check => ({
  kind: 'data',
  name: 'holdout_rows',
  passed: rows >= MIN_HOLDOUT_ROWS,
  value: rows,
  limit: MIN_HOLDOUT_ROWS,
  note: `holdout: ${rows} rows, at least ${MIN_HOLDOUT_ROWS} are needed`,
});

const schema = ({ rows, refused_rows: refused }: Evaluation): Check => ({
  kind: 'data',
  name: 'schema',
  passed: refused === 0,
  value: refused,
  limit: 0,
  note: `schema: ${refused} of ${rows + refused} holdout rows carry features that are not the model's, or not finite; 0 are allowed`,
});

const exploration = ({ rows, explored_rows: explored }: Evaluation): Check => ({
  kind: 'data',
  name: 'exploration',
  passed: explored >= MIN_EXPLORED_ROWS,
  value: explored,
  limit: MIN_EXPLORED_ROWS,
  note: `exploration: ${explored} of ${rows} holdout rows were drawn with a known chance below 1, at least ${MIN_EXPLORED_ROWS} are needed`,
});

const scoring = (ms: number): Check => ({
  kind: 'fitness',
  name: 'scoring_ms',
  passed: ms <= SCORING_LIMIT_MS,
  value: finiteOrNull(ms),
  limit: SCORING_LIMIT_MS,
  note: `scoring: eight candidates take ${digits(ms)} ms at the 99th percentile, at most ${SCORING_LIMIT_MS} ms is allowed`,
});
