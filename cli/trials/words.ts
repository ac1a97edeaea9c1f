/** Trials for people. */
import { actorWords } from '../acting-words.ts';
import { durationWords } from '../durations.ts';
import type { ShownTrials } from '../ops/trials.ts';
import { table } from '../table.ts';
import type { NextLook } from './next-look.ts';
import type { Outlook } from './outlook.ts';
import type { Begun, PastTrial } from './past.ts';
import type { LookAt, RunningTrial } from './running.ts';

export function trialsText({ running, past, outlook, damaged, world_time: now }: ShownTrials): string {
  const none = past.length === 0 ? 'No trial was ever run.' : 'No trial runs.';
  return [
    ...(running === null ? [`${none} ${LEADS}`] : [table(runningRows(running, now))]),
    ...(outlook === null ? [] : [table(outlookRows(outlook))]),
    ...damaged.map((what) => `DAMAGED: ${what}`),
    ...(past.length === 0 ? [] : [pastTable(past)]),
  ].join('\n\n');
}

const LEADS = 'One begins in stage auto, as soon as the gate says promote of a version or of the learner on its own.';

function runningRows(running: RunningTrial, now: string): string[][] {
  const { trial, turn, pairs, so_far: found } = running;
  const [control, challenger] = trial.arms;
  const washout =
    trial.washout_ms === 0 ? '' : `, the first ${durationWords(trial.washout_ms)} of each for neither arm`;
  const by = running.began_by === null ? '' : ` by ${running.began_by}: ${running.began_because}`;
  return [
    ['trial', `${actorWords(challenger)} against ${actorWords(control)}`],
    ['since', `${running.began_at}${by}`],
    ['blocks', `of ${durationWords(trial.block_ms)} from ${trial.start} on${washout}`],
    ['now', turnWords(turn, running.suspended)],
    ['pairs', pairsWords(pairs)],
    ['uplift', upliftWords(found)],
    ...(found.verdict === 'open'
      ? lookRows(running, now)
      : [['decided', `${found.reason}; it takes effect at the next step of promote`]]),
  ];
}

function turnWords({ arm, block, until }: RunningTrial['turn'], suspended: string | null): string {
  if (suspended !== null)
    return `nobody minds the turns, for ${suspended}; promote gives the trial up at its next step`;
  return `${block < 0 ? 'before the first block' : `block ${block}`}: ${actorWords(arm)}, until ${until}`;
}

const pairsWords = ({ matured, left_out: leftOut, waiting }: RunningTrial['pairs']): string =>
  [
    `${matured} matured`,
    ...(waiting === 0 ? [] : [`${waiting} waiting for runs to end`]),
    ...(leftOut === 0 ? [] : [`${leftOut} left out, nothing to compare in them`]),
  ].join(', ');

function upliftWords({ uplift, low, high, p }: RunningTrial['so_far']): string {
  if (uplift === null) return 'not known before a pair has matured';
  const limits =
    low === null || high === null
      ? 'too few pairs for limits'
      : `one-sided 95 % limits ${low.toFixed(4)} and ${high.toFixed(4)}`;
  return `${uplift.toFixed(4)} of utility so far (${limits}, p ${p?.toPrecision(2)})`;
}

function lookRows(running: RunningTrial, now: string): string[][] {
  const { next_look: next, next_proof: proof, last_look: last, ends_by: endsBy } = running;
  const at = (look: LookAt): string => `at ${look.pairs} pairs, ${earliestWords(look, now)}`;
  const givesUp = next !== null && next.pairs !== proof?.pairs;
  return [
    ...(givesUp ? [['next look', `${at(next)}; there it can only be given up`]] : []),
    ...(proof === null ? [] : [[givesUp ? 'then' : 'next look', `${at(proof)}; there it can be proved better`]]),
    ['ends', `if nothing is decided before, ${at(last)}; whatever comes, by ${endsBy}`],
  ];
}

const earliestWords = ({ earliest }: LookAt, now: string): string =>
  earliest <= now ? 'as soon as the runs of its blocks have ended' : `${earliest} at the earliest`;

function outlookRows({ barred, contenders, next_look: look, decisions_per_day: perDay, trial }: Outlook): string[][] {
  return [
    ...(barred === null ? [] : [['barred', barred]]),
    ...contenders.map((contender) => [contender.name, contenderWords(contender, barred !== null)]),
    ...(contenders.length === 0 ? [['nobody', 'waits for a trial: vm train makes a version']] : []),
    ['next look', `at linear ${nextLookWords(look, perDay)}`],
    [
      'a trial',
      `would have blocks of ${durationWords(trial.block_ms)}: a proof after ${durationWords(trial.first_proof_ms)} at the earliest, the last look after ${durationWords(trial.last_look_ms)}`,
    ],
  ];
}

function contenderWords(
  { verdict, reason, not_before: notBefore }: Outlook['contenders'][number],
  barred: boolean,
): string {
  if (verdict === null) return 'not judged yet';
  if (verdict !== 'promote') return `${verdict}: ${reason}`;
  if (notBefore !== null) return `promote, but it was tried: not again before ${count(notBefore)} attempts have ended`;
  return `promote: ${reason}${barred ? '' : '; its trial begins at the next step of promote'}`;
}

export function nextLookWords({ ended, due_at: dueAt, about, waits }: NextLook, perDay: number): string {
  const when = `when ${count(dueAt)} attempts have ended (${count(ended)} so far)`;
  if (waits !== null) return `${when}; but it waits: ${waits}`;
  if (ended >= dueAt)
    return `with the next step of promote: ${count(ended)} attempts have ended, ${count(dueAt)} were enough`;
  return about === null ? when : `${when}, about ${about} at ${count(Math.round(perDay))} decisions a day`;
}

const count = (value: number): string => value.toLocaleString('en-US');

const pastTable = (past: readonly PastTrial[]): string =>
  table(
    past.map(({ began_at: began, ended_at: ended, trial: { arms }, verdict }) => [
      began,
      ended,
      ...arms,
      verdict ?? UNREADABLE,
    ]),
    ['BEGAN', 'ENDED', 'CONTROL', 'CHALLENGER', 'VERDICT'],
  );

/** In a line, for `vm status` and `vm control show`. */
export const lastTrialWords = ({ trial: { arms }, ended_at: ended, verdict }: PastTrial): string =>
  `${actorWords(arms[1])} against ${actorWords(arms[0])}${ended === null ? '' : `, ended ${ended}`}: ${verdict ?? UNREADABLE}`;

/** In a line, for the remarks of `vm up`. */
export const beganWords = ({ trial: { arms }, began_because: why }: Begun): string =>
  `${actorWords(arms[1])} against ${actorWords(arms[0])}${why === null ? '' : `, for ${why}`}`;

const UNREADABLE = 'the entry of its end cannot be read';
