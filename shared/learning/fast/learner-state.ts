/**
 * The learner as a plain value, for a store: undecayed statistics by time bucket, the rows still open, drifts, runs under way.
 * What can be worked out from it (the posterior) is not in it: a restored learner is as of its next refit.
 */
import { z } from 'zod';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { RejectedError } from '#shared/errors.ts';
import { eachHead, HEADS, type HeadName } from '../heads.ts';
import { LOCAL_CLASSES, type Row, SHARED_CLASSES, SPARSE_LIMIT } from './effects.ts';
import type { LearnerKnowledge } from './fast-learner.ts';
import { floatText, symmetricFloatText, symmetricText, textOf } from './float-text.ts';
import type { HeadKnowledge, Observed } from './head.ts';
import type { NormalEquations, ProviderBlocks } from './normal-equations.ts';
import { createProviderDrifts } from './provider-drifts.ts';
import { driftsState, finite, instant, perHead, variancesState, wordsState } from './state-schema.ts';
import type { BucketedEquations } from './time-buckets.ts';
import { createWords } from './words.ts';

const columns = z.array(z.int().min(0)).max(SPARSE_LIMIT).readonly();
const values = z.array(finite).max(SPARSE_LIMIT).readonly();
/** Shared columns and values, local ones; values of 1 at the end are left out. */
const rowState = z.tuple([z.string(), columns, values, columns, values]);
/** Row, y, exposure, offset, instant. */
const observedState = z.tuple([rowState, finite, z.number().positive(), finite, instant]);

const blocksState = z
  .strictObject({
    shared: z.int().min(0),
    local: z.int().min(0),
    ll: symmetricFloatText,
    sl: floatText,
    ss: symmetricFloatText,
    zl: floatText,
    zs: floatText,
    squares: finite,
    rows: z.number().min(0),
  })
  .refine(
    ({ shared: s, local: l, ...of }) =>
      of.ll.length === l * l &&
      of.sl.length === s * l &&
      of.ss.length === s * s &&
      of.zl.length === l &&
      of.zs.length === s,
    'expected blocks of the sizes named',
  );

type BlocksState = z.input<typeof blocksState>;

const headState = z.strictObject({
  watermark_ms: instant,
  buckets: z.array(
    z.strictObject({ level: z.int().min(0), index: z.int(), providers: z.record(z.string(), blocksState) }),
  ),
  open: z.array(observedState),
  variances: variancesState,
});

const learnerState = z.strictObject({
  format: z.literal('aurora-learner/1'),
  classes: z.strictObject({ shared: z.array(z.string()).readonly(), local: z.array(z.string()).readonly() }),
  words: wordsState,
  heads: perHead(headState),
  drifts: z.record(z.string(), driftsState),
  running: z.array(
    z.strictObject({
      key: z.string(),
      row: rowState,
      since_ms: instant,
      run_hours: z.number().min(0),
      offset: finite,
      rate: z.number().min(0).nullable(),
    }),
  ),
  /** Of those written before it was kept: prompt. */
  news_lag_hours: z.number().min(0).default(0),
  observations: z.int().min(0),
  now_ms: instant,
});

/** As it is stored: JSON, numbers in base64. */
export type LearnerState = z.input<typeof learnerState>;

export function learnerStateOf({
  words,
  heads,
  drifts,
  running,
  newsLagHours,
  observations,
  nowMs,
}: LearnerKnowledge): LearnerState {
  return {
    format: 'aurora-learner/1',
    classes: { shared: SHARED_CLASSES, local: LOCAL_CLASSES },
    words: words.state(),
    heads: eachHead((name) => headStateOf(heads[name])),
    drifts: Object.fromEntries([...drifts].map(([provider, drift]) => [provider, drift.state()])),
    running: [...running].map(([key, { row, sinceMs, runHours, offset, rate }]) => ({
      key,
      row: rowStateOf(row),
      since_ms: sinceMs,
      run_hours: runHours,
      offset,
      rate,
    })),
    news_lag_hours: newsLagHours,
    observations,
    now_ms: nowMs,
  };
}

/**
 * What `learnerStateOf` made, after any way through a store.
 * @throws RejectedError artefact_corrupt (not such a value), artefact_incompatible (its rows are made of other effects)
 */
export function parseLearnerState(value: unknown): LearnerKnowledge {
  const parsed = learnerState.safeParse(value);
  if (!parsed.success)
    throw new RejectedError('artefact_corrupt', `learner's statistics: ${describeIssues(parsed.error.issues)}`);
  const {
    classes,
    words,
    heads,
    drifts,
    running,
    news_lag_hours: newsLagHours,
    observations,
    now_ms: nowMs,
  } = parsed.data;
  if (String(classes.shared) !== String(SHARED_CLASSES) || String(classes.local) !== String(LOCAL_CLASSES))
    throw new RejectedError(
      'artefact_incompatible',
      `learner's statistics: expected the effects ${[...SHARED_CLASSES, ...LOCAL_CLASSES]}, got ${[...classes.shared, ...classes.local]}`,
    );
  const known = createWords(words);
  for (const name of HEADS) assertColumns(heads[name], words);
  return {
    words: known,
    heads: eachHead((name) => knowledgeOf(heads[name])),
    drifts: new Map(Object.entries(drifts).map(([provider, state]) => [provider, createProviderDrifts(state)])),
    running: new Map(
      running.map(({ key, row, since_ms: sinceMs, run_hours: runHours, offset, rate }) => [
        key,
        { row: rowFrom(row), sinceMs, runHours, offset, rate },
      ]),
    ),
    newsLagHours,
    observations,
    nowMs,
  };
}

type ParsedHead = z.output<typeof headState>;

/** A column without a word would be read past the end of a matrix. */
function assertColumns({ open }: ParsedHead, words: z.output<typeof wordsState>): void {
  for (const [[provider, shared, , local]] of open) {
    const [most, own] = [words.shared.length, words.local[provider]?.length ?? 0];
    if (shared.some((column) => column >= most) || local.some((column) => column >= own))
      throw new RejectedError(
        'artefact_corrupt',
        `learner's statistics: a row of ${provider} has columns without words`,
      );
  }
}

const blocksStateOf = ({ shared, local, ll, sl, ss, zl, zs, squares, rows }: ProviderBlocks): BlocksState => ({
  shared,
  local,
  ll: symmetricText(ll, local),
  sl: textOf(sl),
  ss: symmetricText(ss, shared),
  zl: textOf(zl),
  zs: textOf(zs),
  squares,
  rows,
});

function headStateOf({ closed, open, variances }: HeadKnowledge): LearnerState['heads'][HeadName] {
  return {
    watermark_ms: closed.watermarkMs,
    buckets: [...closed.buckets.values()].map(({ level, index, equations }) => ({
      level,
      index,
      providers: Object.fromEntries([...equations].map(([provider, blocks]) => [provider, blocksStateOf(blocks)])),
    })),
    open: open.map(({ row, y, exposure, offset, atMs }) => [rowStateOf(row), y, exposure, offset, atMs]),
    variances,
  };
}

const knowledgeOf = ({ watermark_ms: watermarkMs, buckets, open, variances }: ParsedHead): HeadKnowledge => ({
  closed: bucketsFrom(watermarkMs, buckets),
  open: open.map(([row, y, exposure, offset, atMs]): Observed => ({ row: rowFrom(row), y, exposure, offset, atMs })),
  variances,
});

const bucketsFrom = (watermarkMs: number, buckets: ParsedHead['buckets']): BucketedEquations => ({
  watermarkMs,
  buckets: new Map(
    buckets.map(({ level, index, providers }) => {
      const equations: NormalEquations = new Map(Object.entries(providers));
      return [`${level}:${index}`, { level, index, equations }];
    }),
  ),
});

const rowStateOf = ({ provider, shared, local }: Row): z.input<typeof rowState> => [
  provider,
  shared.indices,
  shortened(shared.values),
  local.indices,
  shortened(local.values),
];

const shortened = (all: readonly number[]): number[] => all.slice(0, 1 + all.findLastIndex((value) => value !== 1));

const rowFrom = ([provider, shared, sharedValues, local, localValues]: z.output<typeof rowState>): Row => ({
  provider,
  shared: { indices: shared, values: shared.map((_, i) => sharedValues[i] ?? 1) },
  local: { indices: local, values: local.map((_, i) => localValues[i] ?? 1) },
});
