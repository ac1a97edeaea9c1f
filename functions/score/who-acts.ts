/** Who decides a request, and whose figures its answer carries. Pure. */
import { POLL_INTERVAL_MS, POSTERIOR_STALE_LIMIT_MS, POSTERIOR_STALE_POLLS } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Control } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type Acting, type Asked, actingAt, rulesInstead } from '#shared/serving/acting.ts';
import type { Company, ServedModel } from './company.ts';

export interface WhoActs {
  readonly acting: Acting;
  /** The actor, or who is shown beside the rules; null: the rules alone. */
  readonly model: ServedModel | null;
  /** Why the rules act in the place of who should; null: nobody is missing. */
  readonly fault: string | null;
}

/** World milliseconds past which a posterior is too old to act on. */
export const posteriorStaleLimitMs = (speed: number): number =>
  Math.max(POSTERIOR_STALE_LIMIT_MS, POSTERIOR_STALE_POLLS * POLL_INTERVAL_MS * speed);

export function whoActs(
  control: Control,
  company: Company,
  { staleLimitMs, ...asked }: Asked & { readonly staleLimitMs: number },
): WhoActs {
  const shown = control.kill === null ? shownBeside(control, company) : null;
  const acting = actingAt(control, { champion: company.champion, shown: shown?.name ?? null }, asked);
  if (acting.actor === RULES) return { acting, model: shown, fault: null };
  const model = company.model(acting.actor);
  const fault = whyNot(acting.actor, model, company, asked.atMs - staleLimitMs);
  return fault === null
    ? { acting, model, fault }
    : { acting: rulesInstead(acting, shown?.name ?? null), model: shown, fault };
}

/** Of a trial its challenger, so that the record of one arm tells of the other; else whoever is nearest to acting. */
function shownBeside({ stage, trial }: Control, { champion, apprentice, model }: Company): ServedModel | null {
  const first = stage === 'auto' ? (trial?.challenger ?? null) : null;
  for (const name of [first, champion, apprentice, LINEAR]) {
    const found = name === null ? null : model(name);
    if (found !== null) return found;
  }
  return null;
}

/** @param oldestMs what was written before is too old */
function whyNot(actor: string, model: ServedModel | null, company: Company, oldestMs: number): string | null {
  const posterior = model?.posterior ?? null;
  if (posterior === null) return `${actor} cannot act: ${company.whyNot(actor)}`;
  if (posterior.writtenAtMs >= oldestMs) return null;
  return `${actor} cannot act: its posterior is from ${rfc3339(posterior.writtenAtMs)}, the limit is ${rfc3339(oldestMs)}`;
}
