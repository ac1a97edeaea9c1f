import type { Status } from '../ops/status.ts';
import type { TrafficCounters } from './traffic.ts';

export interface LiveView {
  readonly status: Status;
  readonly traffic: Readonly<TrafficCounters> | null;
  readonly liveDeployments: number;
  readonly perSecond: number;
}

/** One line: what came in, what lives, what was learned. */
export function liveLine({ status, traffic, liveDeployments, perSecond }: LiveView): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const model =
    status.latest_model === null
      ? 'model: none yet'
      : `model ${status.latest_model.version.slice(0, 8)} ${status.latest_model.verdict ?? 'being judged'}`;
  return [
    status.world_time.slice(0, 16).replace('T', ' '),
    `decisions ${number(status.decisions.distinct)} (${perSecond.toFixed(0)}/s)`,
    `live ${number(liveDeployments)}`,
    `outcomes ${number(status.outcomes.distinct)}`,
    ...(traffic === null || traffic.noCapacity + traffic.failed === 0
      ? []
      : [`no capacity ${number(traffic.noCapacity)}`, `unanswered ${number(traffic.failed)}`]),
    `backlog ${number(status.backlog)}`,
    ...(status.rejected + status.dead_letters === 0
      ? []
      : [`rejected ${number(status.rejected)}, dead ${number(status.dead_letters)}`]),
    model,
    status.champion === null ? 'rules act' : `champion ${status.champion.version.slice(0, 8)} acts`,
  ].join(' · ');
}
