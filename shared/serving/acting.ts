/**
 * Who decides this request, in which mode, and whether something may be tried. Pure: every instance that holds the same control
 * and the same aliases says the same of the same decision at the same instant.
 */
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { type Control, openIncidents } from '#shared/domain/control.ts';
import type { Mode } from '#shared/domain/decision.ts';
import { shareDraw, tenantShareDraw } from '#shared/domain/ids.ts';
import type { Workload } from '#shared/domain/request.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';

/** What the aliases stand for, by the names of actors. */
export interface Cast {
  readonly champion: string | null;
  /** Whose figures can be shown beside the rules'; null: nobody's. */
  readonly shown: string | null;
}

export interface Asked {
  /** World epoch milliseconds. */
  readonly atMs: number;
  readonly decisionId: string;
  readonly tenantId: string;
  readonly priority: Workload['priority'];
}

export interface Acting {
  /** `rules`, `linear` or a model version. */
  readonly actor: string;
  readonly mode: ServedMode;
  /** The actor's name where actors are compared: in a trial, or when a share decides. Else null. */
  readonly arm: string | null;
  /** False: the best is taken. */
  readonly explore: boolean;
}

/** Of what is decided here, and not imported. */
export type ServedMode = Exclude<Mode, 'recorded'>;

export function actingAt(control: Control, cast: Cast, asked: Asked): Acting {
  const explore = asked.priority !== 'critical' && openIncidents(control, asked.atMs).length === 0;
  return { ...whoActs(control, cast, asked), explore };
}

type Who = Omit<Acting, 'explore'>;

function whoActs(control: Control, { champion, shown }: Cast, asked: Asked): Who {
  const { kill, stage, trial } = control;
  const rules: Who = { actor: RULES, mode: shown === null ? 'rules' : 'apprentice', arm: null };
  if (kill !== null) return { ...rules, mode: 'rules' };
  switch (stage) {
    case 'apprentice':
      return rules;
    case 'online':
      return shared(champion ?? LINEAR, control, asked);
    case 'auto':
      if (trial !== null && Date.parse(trial.start) <= asked.atMs) {
        const { arm } = armOf(trial, asked.atMs);
        return { actor: arm, mode: 'switchback', arm };
      }
      return champion === null ? rules : shared(champion, control, asked);
    default:
      return stage satisfies never;
  }
}

/** The actor for its share of the decisions, the rules for the rest. */
function shared(actor: string, { share, share_by: by }: Control, { decisionId, tenantId }: Asked): Who {
  if (share >= 1) return { actor, mode: 'online', arm: null };
  const draw = by === 'tenant' ? tenantShareDraw(tenantId) : shareDraw(decisionId);
  return draw < share ? { actor, mode: 'online', arm: actor } : { actor: RULES, mode: 'rules', arm: RULES };
}

/** What becomes of it when the actor cannot act. */
export const rulesInstead = (acting: Acting, shown: string | null): Acting => ({
  actor: RULES,
  mode: shown === null ? 'rules' : 'apprentice',
  arm: acting.arm === null ? null : RULES,
  explore: acting.explore,
});
