/** The features of a candidate in plain words: what a model looked at, back from logarithms and flags. */
import type { Features } from '#shared/domain/features.ts';
import { FEATURE_SET } from './features.ts';

/** Null: of another build's definition; the numbers stand in the row, their meaning does not. */
export function featureWords(features: Features): readonly string[] | null {
  if (features.set !== FEATURE_SET.set || features.hash !== FEATURE_SET.hash) return null;
  const at = new Map(FEATURE_SET.numeric.map((name, i) => [name, features.numeric[i] ?? Number.NaN]));
  const number = (name: string): number => at.get(name) ?? Number.NaN;
  const is = (name: string): boolean => number(name) === 1;
  const exp = (name: string): number => Math.exp(number(name));
  const word = (name: string): string => features.categorical[FEATURE_SET.categorical.indexOf(name)] ?? '';
  const latencySource = is('latency_missing')
    ? 'not said, assumed'
    : is('latency_measured')
      ? 'measured'
      : 'as promised';
  const hour = ((Math.atan2(number('hour_sin'), number('hour_cos')) * 12) / Math.PI + 24) % 24;
  return [
    `${word('gpu_type')} of ${word('provider')} in ${word('region')}${is('region_exact') ? ', where it was asked for' : ''}; ${word('workload_type')}`,
    `price ${figure(exp('log_price'))} USD/GPU-hour, ${percent(exp('log_price_to_reference'))} of the usual${is('price_limit_missing') ? '' : `, ${percent(exp('log_price_to_limit'))} of the limit`}`,
    `latency ${figure(exp('log_latency'))} ms (${latencySource}), ${percent(exp('log_latency_to_limit'))} of ${is('latency_limit_missing') ? 'what is usually wanted' : 'the limit'}`,
    `reputation ${figure(number('reputation') * 100)}${is('reputation_missing') ? ' (not said, assumed)' : ''}`,
    `${percent(number('capacity_share'))} of the capacity free${is('capacity_missing') ? ' (not said, assumed)' : ''}, ${figure(exp('log_capacity_to_work'))} times the work`,
    `${figure(exp('log_run_hours'))} hours on ${figure(exp('log_gpu_count'))} GPU, ${figure(exp('log_gpu_hours'))} GPU-hours; the offer has ${figure(exp('log_offer_gpu_count'))}`,
    `${clock(hour)} of the day in UTC${is('critical') ? '; critical' : ''}`,
  ];
}

/** Three digits, and no more zeros than they need. */
const figure = (value: number): string => (value >= 1e6 ? 'more than a million' : String(Number(value.toPrecision(3))));

const percent = (share: number): string => `${figure(share * 100)} %`;

function clock(hours: number): string {
  const minutes = Math.round(hours * 60) % (24 * 60);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
