import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { RunReport } from '#shared/probes/run.ts';
import type { Counts, Current } from '../ops/status.ts';
import type { TrafficCounters } from './traffic.ts';

export interface LiveView {
  readonly current: Current;
  /** Null until the record was counted for the first time. */
  readonly counts: (Counts & { readonly age_s: number }) | null;
  readonly traffic: Readonly<TrafficCounters> | null;
  /** Deployments that watch follows. */
  readonly live: number;
  readonly perSecond: number;
  /** The last run of the probes; null: none yet. */
  readonly probes: RunReport | null;
}

/** Counts older than this say so. */
const FRESH_S = 10;

/** One line: what came in, what lives, what was learned. */
export function liveLine({ current, counts, traffic, live, perSecond, probes }: LiveView): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const { latest_model: latest } = current;
  const age = counts === null || counts.age_s < FRESH_S ? '' : ` (counted ${counts.age_s.toFixed(0)} s ago)`;
  const rejected = counts?.rejected ?? 0;
  return [
    current.world_time.slice(0, 16).replace('T', ' '),
    `decisions ${counts === null ? '...' : number(counts.decisions.distinct)}${traffic === null ? '' : ` (${perSecond.toFixed(0)}/s)`}`,
    `live ${number(live)}`,
    `outcomes ${counts === null ? '...' : number(counts.outcomes.distinct)}${age}`,
    ...(counts === null || counts.fallbacks === 0 ? [] : [`fallbacks ${number(counts.fallbacks)}`]),
    ...(traffic === null || traffic.noCapacity + traffic.failed === 0
      ? []
      : [`no capacity ${number(traffic.noCapacity)}`, `unanswered ${number(traffic.failed)}`]),
    `backlog ${number(current.backlog)}`,
    ...(rejected + current.dead_letters === 0
      ? []
      : [`rejected ${number(rejected)}, dead ${number(current.dead_letters)}`]),
    latest === null ? 'model: none yet' : `model ${latest.version.slice(0, 8)} ${latest.verdict ?? 'being judged'}`,
    `stage ${current.control.control.stage}`,
    acting(current),
    ...(probes === null ? [] : [probed(probes)]),
  ].join(' · ');
}

/** Who decides now: what is served, not what was promoted. */
function acting({ champion, serving, control: { control } }: Current): string {
  if (control.kill !== null) return 'KILL SWITCH PULLED, rules act';
  if (serving === null) return 'rules act';
  const { actor, mode, trial, fault, share, explores } = serving;
  const who =
    actor === RULES ? 'rules act' : `${mode === 'online' && actor !== LINEAR ? 'champion ' : ''}${short(actor)} acts`;
  const says = trial === null ? who : `trial of ${short(trial.challenger)}: ${who}`;
  const named = champion?.version ?? null;
  const remarks = [
    ...(named !== null && named !== actor && fault !== null ? [`champion ${short(named)} cannot act`] : []),
    ...(fault !== null && (named === null || named === actor) ? ['not as it should be: vm status'] : []),
    ...(mode === 'online' && share < 1
      ? [`${Number((share * 100).toFixed(2))} % of the ${control.share_by === 'tenant' ? 'tenants' : 'decisions'}`]
      : []),
    ...(explores ? [] : ['incident, nothing is explored']),
  ];
  return remarks.length === 0 ? says : `${says} (${remarks.join('; ')})`;
}

/** How many pass, and the first of those that do not. */
function probed({ results }: RunReport): string {
  const bad = results.filter(({ status }) => status === 'fail' || status === 'error').map(({ check_id }) => check_id);
  const passed = results.filter(({ status }) => status === 'pass').length;
  const more = bad.length > SHOWN_PROBES ? ` and ${bad.length - SHOWN_PROBES} more` : '';
  const said = bad.length === 0 ? '' : `, not ${bad.slice(0, SHOWN_PROBES).join(', ')}${more}`;
  return `probes ${passed}/${results.length} pass${said}`;
}
const SHOWN_PROBES = 3;

const short = (version: string): string => version.slice(0, 8);

const statusesOf = ({ results }: RunReport): Record<string, string> =>
  Object.fromEntries(results.map(({ check_id, status }) => [check_id, status]));

/** The same for machines, in the fields of `vm status --json`. */
export function liveJson({ current, counts, traffic, live, probes }: LiveView): string {
  const { world_time, ...rest } = current;
  const { decisions, outcomes, fallbacks, rejected, age_s } = counts ?? {
    decisions: null,
    outcomes: null,
    fallbacks: null,
    rejected: null,
    age_s: null,
  };
  return JSON.stringify({
    type: 'status',
    world_time,
    decisions,
    outcomes,
    fallbacks,
    rejected,
    ...rest,
    counts_age_s: age_s,
    live,
    traffic,
    probes: probes === null ? null : { verdict: probes.verdict, results: statusesOf(probes) },
  });
}
