/** Who acts and by whose word, in plain words: for `vm status`, `vm control` and the live line. */
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { type Control, openIncidents, type Stage } from '#shared/domain/control.ts';
import { durationWords } from './durations.ts';
import type { Serving } from './ops/serving.ts';

export const STAGE_WORDS: Readonly<Record<Stage, string>> = {
  apprentice: 'the rules act, models are only shown',
  auto: 'who has been proved acts, and trials run',
  online: 'the champion acts, without one the fast learner',
};

export const actorWords = (actor: string): string =>
  actor === RULES ? 'the rules' : actor === LINEAR ? 'the fast learner (linear)' : `version ${actor}`;

/** Of what score serves. */
export function actsWords({ actor, mode, version, trial }: Serving): string {
  const acts = actorWords(actor);
  if (trial !== null) return `${acts}, in block ${trial.block} of the trial`;
  return mode === 'apprentice' && version !== null ? `${acts}; shown beside: ${actorWords(version)}` : acts;
}

/** What a person can read of a control at an instant of world time, a row each. */
export function controlRows(control: Control, atMs: number): string[][] {
  const { stage, share, share_by: by, kill, trial } = control;
  const open = openIncidents(control, atMs);
  return [
    ['stage', `${stage}: ${STAGE_WORDS[stage]}`],
    [
      'share',
      share === 1
        ? 'all decisions'
        : `${Number((share * 100).toFixed(2))} % of the ${by === 'tenant' ? 'tenants' : 'decisions'}, the rules decide the others`,
    ],
    ['kill switch', kill === null ? 'off' : `PULLED by ${kill.by} at ${kill.at}: ${kill.reason}`],
    ['trial', trial === null ? 'none' : trialWords(trial)],
    ...(open.length === 0 ? [['incidents', 'none open']] : []),
    ...open.map(({ id, until, by, reason }) => [
      'incident',
      `${id} until ${until}, nothing is explored: ${reason} (${by})`,
    ]),
  ];
}

const trialWords = ({ arms: [holder, challenger], start, block_ms: blockMs }: NonNullable<Control['trial']>): string =>
  `${actorWords(challenger)} against ${actorWords(holder)}, in blocks of ${durationWords(blockMs)} from ${start} on: vm trials`;
