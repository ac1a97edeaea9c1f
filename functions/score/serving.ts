import type { Control, Stage } from '#shared/domain/control.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';
import type { ServedMode } from '#shared/serving/acting.ts';
import type { Company } from './company.ts';
import { whoActs } from './who-acts.ts';

/** What is served at an instant, as /ready, the gauges and `vm status` say it. */
export interface Serving {
  readonly mode: ServedMode;
  /** `rules`, `linear` or a version; where a share decides, who has that share. */
  readonly actor: string;
  /** Whose figures the answers carry, whether it acts or not; null: the rules alone. */
  readonly version: string | null;
  /** Why somebody else acts than should; null: nobody is missing. */
  readonly fault: string | null;
  readonly stage: Stage;
  readonly share: number;
  /** False while an incident is open. */
  readonly explores: boolean;
  /** Of the block that runs; null: no trial does. */
  readonly trial: { readonly challenger: string; readonly arm: string; readonly block: number } | null;
  readonly kill: Control['kill'];
}

export function servingAt(
  control: Control,
  company: Company,
  { atMs, staleLimitMs }: { readonly atMs: number; readonly staleLimitMs: number },
): Serving {
  const { stage, share, kill, trial } = control;
  const asked = { atMs, staleLimitMs, decisionId: '', tenantId: '', priority: 'normal' } as const;
  const { acting, model, fault } = whoActs({ ...control, share: 1 }, company, asked);
  const running = kill === null && stage === 'auto' && trial !== null && Date.parse(trial.start) <= atMs;
  return {
    mode: acting.mode,
    actor: acting.actor,
    version: model?.name ?? null,
    fault,
    stage,
    share,
    explores: acting.explore,
    trial: running ? { challenger: trial.challenger, ...blockOf(trial, atMs) } : null,
    kill,
  };
}

function blockOf(trial: NonNullable<Control['trial']>, atMs: number): { arm: string; block: number } {
  const { arm, block } = armOf(trial, atMs);
  return { arm, block };
}
