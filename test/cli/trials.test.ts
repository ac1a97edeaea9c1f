import { describe, expect, it, test } from 'vitest';
import { type Outlook, outlookOf } from '#cli/trials/outlook.ts';
import { type Begun, trialsIn } from '#cli/trials/past.ts';
import { type RunningTrial, runningTrial } from '#cli/trials/running.ts';
import { trialsText } from '#cli/trials/words.ts';
import { NO_NOTES } from '#functions/promote/notes.ts';
import type { Situation } from '#functions/promote/stages/situation.ts';
import { defaultControl, type Trial } from '#shared/domain/control.ts';
import type { Change, ChangeEntry } from '#shared/domain/control-change.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { trialRecord } from '#shared/learning/switchback/pairs.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';
import type { LearnerVerdict } from '#shared/registry/learner-verdicts.ts';
import { changed } from '#shared/serving/changed.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-03-01T00:00:00.000Z');
const at = (hours: number): string => rfc3339(START + hours * HOUR);

const trialFrom = (hours: number, challenger = 'linear'): Trial => ({
  challenger,
  start: at(hours),
  block_ms: HOUR,
  washout_ms: HOUR / 5,
  seed: 11,
  arms: ['rules', challenger],
});
const [FIRST, SECOND] = [trialFrom(0), trialFrom(100, 'v1')];

/** The log of these changes, an hour each, as `changeControl` keeps it. */
function logOf(...changes: readonly (readonly [Change, string])[]): ChangeEntry[] {
  let control = defaultControl('auto');
  return changes.map(([change, reason], i) => {
    const note = { sequence: i + 1, at: at(i), by: 'promote', reason, change };
    control = changed(control, note) ?? control;
    return { ...note, control };
  });
}
const begin = (trial: Trial): readonly [Change, string] => [{ kind: 'trial', trial }, `${trial.challenger} passed`];
const end = (reason: string): readonly [Change, string] => [{ kind: 'trial', trial: null }, reason];
const share = (value: number): readonly [Change, string] => [{ kind: 'share', share: value }, 'careful'];

interface LogCase {
  readonly name: string;
  readonly entries: readonly ChangeEntry[];
  readonly now?: Trial;
  readonly running?: Partial<Begun> | null;
  /** Newest first: [challenger, began, ended, verdict]. */
  readonly past: readonly (readonly [string, string, string | null, string | null])[];
}

const LOGS: readonly LogCase[] = [
  { name: 'nothing was ever said', entries: [], past: [] },
  { name: 'other changes alone', entries: logOf(share(0.5), share(1)), past: [] },
  {
    name: 'one that runs',
    entries: logOf(share(0.5), begin(FIRST), share(1)),
    now: FIRST,
    running: { trial: FIRST, began_at: at(1), began_by: 'promote', began_because: 'linear passed' },
    past: [],
  },
  {
    name: 'two that are over, newest first',
    entries: logOf(begin(FIRST), share(0.5), end('worse'), begin(SECOND), end('proved better')),
    past: [
      ['v1', at(3), at(4), 'proved better'],
      ['linear', at(0), at(2), 'worse'],
    ],
  },
  {
    name: 'the entry of the end is damaged, another trial follows',
    entries: logOf(begin(FIRST), end('worse'), begin(SECOND)).filter((_, i) => i !== 1),
    now: SECOND,
    running: { trial: SECOND, began_at: at(2) },
    past: [['linear', at(0), null, null]],
  },
  {
    name: 'begun before the entries that are read',
    entries: logOf(begin(SECOND), share(0.5), end('unproved')).slice(1),
    past: [['v1', SECOND.start, at(2), 'unproved']],
  },
  {
    name: 'the entry of the end is damaged, another change follows',
    entries: logOf(begin(FIRST), end('worse'), share(0.5)).filter((_, i) => i !== 1),
    past: [['linear', at(0), null, null]],
  },
  {
    name: 'the entry of the end is damaged, nothing follows',
    entries: logOf(begin(FIRST), end('worse')).slice(0, 1),
    past: [['linear', at(0), null, null]],
  },
  {
    name: 'the entry of the beginning is damaged',
    entries: logOf(share(0.5), begin(FIRST)).slice(0, 1),
    now: FIRST,
    running: { trial: FIRST, began_at: FIRST.start, began_by: null, began_because: null },
    past: [],
  },
];

test.each(LOGS)('the control log tells of trials: $name', ({ entries, now = null, running = null, past }) => {
  const found = trialsIn(entries, now);
  if (running === null) expect(found.running).toBeNull();
  else expect(found.running).toMatchObject(running);
  expect(
    found.past.map(({ trial, began_at, ended_at, verdict }) => [trial.challenger, began_at, ended_at, verdict]),
  ).toEqual(past);
});

const BEGUN: Begun = { trial: FIRST, began_at: at(-1), began_by: 'promote', began_because: 'it passed' };

/** A decision a minute until `hours`, each over at once unless made after `openFrom`; the challenger better by `uplift`. */
function recordUntil(hours: number, { uplift = 0.1, openFrom = hours } = {}) {
  const record = trialRecord(FIRST);
  for (let minute = 0; minute < 60 * hours; minute++) {
    const decidedAtMs = START + minute * 60_000;
    const ended = minute < 60 * openFrom;
    const reward = armOf(FIRST, decidedAtMs).arm === 'linear' ? uplift : 0;
    const decided = { decidedAtMs, stratum: 'rendering' };
    record.decided(decided);
    if (ended) record.ended(decided, reward);
  }
  return record;
}

const standing = (hours: number, { control = defaultControl('auto'), ...record } = {}, of = {}): RunningTrial =>
  runningTrial(BEGUN, { ...control, trial: FIRST }, recordUntil(hours, { ...record, ...of }), START + hours * HOUR);

describe('a trial that runs', () => {
  it('has nothing to say before its first block', () => {
    expect(standing(-0.5)).toMatchObject({
      turn: { arm: 'rules', block: -1, until: FIRST.start },
      suspended: null,
      pairs: { matured: 0, left_out: 0, waiting: 0 },
      so_far: { verdict: 'open', uplift: null },
      next_look: { pairs: 4, earliest: at(8) },
      next_proof: { pairs: 10, earliest: at(20) },
      last_look: { pairs: 80, earliest: at(160) },
      ends_by: at(640),
    });
  });

  it('counts the pairs that have matured, and those that wait for their runs', () => {
    const trial = standing(11.5, {}, { openFrom: 8 });
    expect(trial).toMatchObject({
      turn: { arm: armOf(FIRST, START + 11.5 * HOUR).arm, block: 11, until: at(12) },
      pairs: { matured: 4, left_out: 0, waiting: 1 },
      so_far: { verdict: 'open', pairs: 4 },
      next_look: { pairs: 6, earliest: at(12) },
    });
    expect(trial.so_far.uplift).toBeCloseTo(0.1, 9);
  });

  it('is decided as soon as the record says so, whenever promote looks', () => {
    expect(standing(20)).toMatchObject({ so_far: { verdict: 'better', pairs: 10 } });
    expect(standing(8, {}, { uplift: -0.1 })).toMatchObject({ so_far: { verdict: 'worse', pairs: 4 } });
  });

  it.each([
    ['auto', null, null],
    ['online', null, 'the stage is online'],
    ['auto', { by: 'ann', reason: 'r', at: at(0) }, 'the kill switch is pulled'],
  ] as const)('in stage %s with kill %j is suspended: %s', (stage, kill, suspended) => {
    expect(standing(2, { control: { ...defaultControl(stage), kill } })).toMatchObject({ suspended });
  });
});

const verdictOf = (
  verdict: LearnerVerdict['verdict'],
  ended = 1_000,
): LearnerVerdict & { readonly ready: boolean } => ({
  ready: true,
  verdict,
  reasons: [`${verdict}, and why`],
  checks: [],
  metrics: {},
  decided_at: at(0),
  compared_with: null,
  sequence: 1,
  ended,
});

const SITUATION: Situation = {
  nowMs: START,
  control: defaultControl('auto'),
  champion: null,
  apprentice: null,
  learner: null,
  ended: 400,
  watermark: at(0),
  dismissed: null,
  notes: NO_NOTES,
};
const champion = (version: string): Situation['champion'] => ({
  sequence: 1,
  alias: 'champion',
  version,
  previous_version: null,
  at: at(0),
  by: 'promote',
  reason: 'proved better',
  verdict: 'promote',
  forced: false,
});
/** A hundred decisions a day, runs of two hours. */
const THIN = { medianRunMs: 2 * HOUR, decisionsPerHour: 100 / 24 };
const days = (count: number): number => count * 24 * HOUR;

const OUTLOOKS: readonly {
  readonly name: string;
  readonly situation: Partial<Situation>;
  readonly outlook: Partial<Outlook>;
}[] = [
  {
    name: 'a young record at a hundred decisions a day: dates and not promises',
    situation: {},
    outlook: {
      barred: null,
      contenders: [{ name: 'linear', verdict: null, reason: null, not_before: null }],
      next_look: { ended: 400, due_at: 1_000, about: at(6 * 24), waits: null },
      // Forty decisions fill a block.
      trial: { block_ms: 9.6 * HOUR, first_proof_ms: days(8), last_look_ms: days(64) },
    },
  },
  {
    name: 'judged: the next look comes when the record has grown',
    situation: { learner: verdictOf('not-enough-evidence'), ended: 1_215 },
    outlook: {
      contenders: [
        { name: 'linear', verdict: 'not-enough-evidence', reason: 'not-enough-evidence, and why', not_before: null },
      ],
      next_look: { ended: 1_215, due_at: 1_415, about: at(48), waits: null },
    },
  },
  {
    name: 'it lost a trial: not again before the record has grown',
    situation: {
      learner: verdictOf('promote'),
      ended: 1_200,
      notes: { ...NO_NOTES, retry_at: { linear: 2_000 } },
    },
    outlook: { contenders: [{ name: 'linear', verdict: 'promote', reason: 'promote, and why', not_before: 2_000 }] },
  },
  {
    name: 'a version before the learner on its own; who acts is not tried against itself',
    situation: {
      champion: champion('v1'),
      apprentice: { name: 'v2', verdict: verdictOf('promote'), ready: true },
      learner: verdictOf('promote'),
    },
    outlook: {
      contenders: [{ name: 'v2', verdict: 'promote', reason: 'promote, and why', not_before: null }],
      next_look: { ended: 400, due_at: 1_415, about: null, waits: 'v1 acts, and not the rules' },
    },
  },
  {
    name: 'the champion is its own apprentice: nobody waits',
    situation: { champion: champion('v1'), apprentice: { name: 'v1', verdict: verdictOf('promote'), ready: true } },
    outlook: { contenders: [] },
  },
  {
    name: 'another stage',
    situation: { control: defaultControl('online') },
    outlook: {
      barred: 'the stage is online: vm control stage auto',
      next_look: { ended: 400, due_at: 1_000, about: null, waits: 'in stage online it needs no proof' },
    },
  },
  {
    name: 'the kill switch',
    situation: { control: { ...defaultControl('auto'), kill: { by: 'ann', reason: 'r', at: at(0) } } },
    outlook: { barred: 'the kill switch is pulled: vm control resume' },
  },
];

test.each(OUTLOOKS)('what leads to a trial: $name', ({ situation, outlook }) => {
  expect(outlookOf({ ...SITUATION, ...situation }, THIN)).toMatchObject(outlook);
});

test('who is asked nothing promises no date', () => {
  const { next_look: look, trial } = outlookOf(SITUATION, { medianRunMs: 0, decisionsPerHour: 0 });
  expect(look.about).toBeNull();
  expect(trial.block_ms).toBe(24 * HOUR);
});

describe('trials for people', () => {
  const text = (shown: Partial<Parameters<typeof trialsText>[0]>): string =>
    trialsText({ running: null, past: [], outlook: null, damaged: [], world_time: at(11.5), ...shown });

  it('when none was ever run, says what leads to one, and about when', () => {
    expect(
      text({ outlook: outlookOf(SITUATION, THIN) }),
    ).toBe(`No trial was ever run. One begins in stage auto, as soon as the gate says promote of a version or of the learner on its own.

linear     not judged yet
next look  at linear when 1,000 attempts have ended (400 so far), about 2026-03-07T00:00:00.000Z at 100 decisions a day
a trial    would have blocks of 9.6 h: a proof after 8 d at the earliest, the last look after 64 d`);
    expect(text({ outlook: outlookOf({ ...SITUATION, ended: 1_200 }, THIN) })).toContain(
      '\nnext look  at linear with the next step of promote: 1,200 attempts have ended, 1,000 were enough\n',
    );
    const promoted = { ...SITUATION, learner: verdictOf('promote') };
    expect(text({ outlook: outlookOf(promoted, THIN) })).toMatch(
      /\nlinear +promote: promote, and why; its trial begins at the next step of promote\n/,
    );
    expect(text({ outlook: outlookOf({ ...promoted, control: defaultControl('online') }, THIN) })).toMatch(
      /\nbarred +the stage is online: vm control stage auto\nlinear +promote: promote, and why\n.*; but it waits: in stage online/,
    );
    const lost = { ...promoted, notes: { ...NO_NOTES, retry_at: { linear: 2_000 } } };
    expect(text({ outlook: outlookOf(lost, THIN) })).toMatch(
      /promote, but it was tried: not again before 2,000 attempts have ended/,
    );
  });

  it('says how the one that runs stands', () => {
    expect(text({ running: standing(11.5, {}, { openFrom: 8 }) })).toMatch(
      /^trial +the fast learner \(linear\) against the rules\nsince +2026-02-28T23:00:00.000Z by promote: it passed\nblocks +of 1 h from 2026-03-01T00:00:00.000Z on, the first 12 min of each for neither arm\nnow +block 11: .*, until 2026-03-01T12:00:00.000Z\npairs +4 matured, 1 waiting for runs to end\nuplift +0.1000 of utility so far \(too few pairs for limits, p 0.063\)\nnext look +at 6 pairs, 2026-03-01T12:00:00.000Z at the earliest; there it can only be given up\nthen +at 10 pairs, .*; there it can be proved better\nends +if nothing is decided before, at 80 pairs, 2026-03-07T16:00:00.000Z at the earliest; whatever comes, by 2026-03-27T16:00:00.000Z$/,
    );
    expect(text({ running: standing(13, {}, { openFrom: 8 }), world_time: at(13) })).toMatch(
      /\nnext look +at 6 pairs, as soon as the runs of its blocks have ended; /,
    );
    expect(text({ running: standing(20), world_time: at(20) })).toMatch(
      /\nuplift +0.1000 .*limits 0.1000 and 0.1000, p 0.0\d+\)\ndecided +proved better: .*; it takes effect at the next step of promote$/,
    );
    const online = standing(2, { control: defaultControl('online') });
    expect(text({ running: online })).toMatch(/\nnow +nobody minds the turns, for the stage is online; promote gives/);
  });

  it('lists those before it, and what cannot be read', () => {
    const { past } = trialsIn(logOf(begin(FIRST), end('worse'), begin(SECOND)), null);
    expect(text({ past, damaged: ['artefact_corrupt: control/policy.json'] })).toMatch(
      /^No trial runs\. One begins .*\n\nDAMAGED: artefact_corrupt: .*\n\nBEGAN +ENDED +CONTROL +CHALLENGER +VERDICT\n\S+Z +- +rules +v1 +the entry of its end cannot be read\n\S+Z +\S+Z +rules +linear +worse$/,
    );
  });
});
