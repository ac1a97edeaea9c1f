/** An explanation for people. */
import { RULES } from '#shared/domain/actor.ts';
import { APPRENTICE_SHARE } from '#shared/learning/policy/chances.ts';
import type { WhyNot } from '#shared/learning/policy/why-not.ts';
import { actorWords } from '../acting-words.ts';
import { table } from '../table.ts';
import type { ExplainedCandidate, ExplainedOutcome, Explanation } from './explanation.ts';

export function explanationText(explanation: Explanation): string {
  const { decision, candidates, outcomes } = explanation;
  const chosen = candidates.find((candidate) => candidate.chosen);
  return [
    table(headRows(explanation)),
    candidates.length === 0 ? refusedWords(decision) : candidatesTable(candidates),
    ...(candidates.length < 2 || explanation.actor === 'recorded' ? [] : [`Why not:\n${whyNotLines(explanation)}`]),
    ...(chosen?.features == null ? [] : [`What it looked like:\n${bullets(chosen.features)}`]),
    ...(outcomes.length === 0 ? ['Nothing has become of it yet.'] : [`What became of it:\n${outcomesTable(outcomes)}`]),
  ].join('\n\n');
}

type Head = Explanation['decision'];

function headRows({ decision, actor, replays }: Explanation): string[][] {
  const { request: asked, decision_id, request_id, tenant_id, decided_at } = decision;
  const { price, latency, reputation, availability } = asked.weights;
  const limits = [
    asked.max_price === null ? [] : `at most ${asked.max_price} USD/GPU-hour`,
    asked.max_latency_ms === null ? [] : `at most ${asked.max_latency_ms} ms`,
    asked.min_reputation === null ? [] : `reputation at least ${asked.min_reputation}`,
    asked.priority === 'critical' ? 'critical' : [],
  ].flat();
  return [
    ['decision', `${decision_id}, ${decided_at}, request ${request_id} of ${tenant_id}`],
    [
      'asked',
      `${asked.workload_type}: ${asked.gpu_hours} GPU-hours on ${asked.gpu_count} ${asked.gpu_type} in ${asked.region}${limits.length === 0 ? '' : `; ${limits.join(', ')}`}`,
    ],
    ['weights', `price ${price}, latency ${latency}, reputation ${reputation}, availability ${availability}`],
    [
      'acted',
      `${actor === 'recorded' ? 'another router; this was imported' : actorWords(actor)}${whyWords(decision, actor)}`,
    ],
    ...(decision.model_version === null || decision.model_version === actor
      ? []
      : [['shown beside', actorWords(decision.model_version)]]),
    ['drawn', drawnWords(decision)],
    ['replay', replayWords(replays)],
    [
      'looked at',
      [
        `offers ${decision.offers_generation ?? 'of the record'}${age(decision.offers_age_s)}`,
        ...(decision.statistics_generation === null ? [] : [`statistics ${decision.statistics_generation}`]),
        ...(decision.model_age_s === null ? [] : [`a model${age(decision.model_age_s)}`]),
      ].join(', '),
    ],
  ];
}

/** Of world time. */
const age = (seconds: number | null): string => (seconds === null ? '' : ` (${Math.round(seconds)} s old)`);

/** By whose word, and in whose place. */
function whyWords({ mode, arm, overridden_by, fallback_reason }: Head, actor: string): string {
  if (actor === 'recorded') return '';
  const whose = (): string => {
    if (fallback_reason !== null) return `, in the place of another: ${fallback_reason}`;
    if (overridden_by === 'kill_switch') return ', for the kill switch was pulled';
    if (mode === 'switchback') return ', whose turn it was in a trial';
    if (arm !== null)
      return arm === RULES ? ', for it was outside the share of the learner' : ', in whose share it was';
    return mode === 'online' ? ', who is online' : ', for nobody else may act';
  };
  return `${whose()} (mode ${mode}${arm === null ? '' : `, arm ${arm}`})`;
}

function drawnWords({ policy, final_offer_id: offer, propensity, overridden_by: by, request }: Head): string {
  if (offer === null) return 'nothing: no offer was eligible';
  const probability =
    propensity === null ? 'with a probability that is not known' : `with probability ${figure(propensity)}`;
  switch (policy.kind) {
    case 'thompson':
      return `${offer} ${probability}: by the chance that it is the best, within ${policy.budget} of utility and ${percent(policy.share)} of what is to be gained; ${percent(policy.floor)} spread evenly`;
    case 'epsilon_softened':
      return `${offer} ${probability}: the best but for ${percent(policy.epsilon)} spread evenly`;
    case 'for_apprentice':
      return `${offer} ${probability}: the best by the rules but for ${percent(policy.epsilon)}, of which ${percent(APPRENTICE_SHARE)} as the apprentice would choose, the rest spread evenly`;
    case 'greedy': {
      const why =
        by === 'incident' ? ', in an incident' : request.priority === 'critical' ? ', for it was critical' : '';
      return `${offer} ${probability}: the best was taken${why}`;
    }
    case 'recorded':
      return `${offer}, ${probability}`;
    default:
      return policy satisfies never;
  }
}

const replayWords = (replays: boolean | null): string =>
  replays === null
    ? 'not known how it was drawn'
    : replays
      ? 'the row gives the logged probabilities again, bit for bit'
      : 'NOT EQUAL: the row does not give the logged probabilities';

const refusedWords = ({ excluded_total: total, excluded }: Head): string =>
  `None of ${total} offers was eligible; the nearest:\n${bullets(excluded.slice(0, 5).map((one) => `${one.offer_id}: ${one.reason}, ${one.needed}`))}`;

const candidatesTable = (candidates: readonly ExplainedCandidate[]): string =>
  table(
    candidates.map((one) => [
      one.rank,
      `${one.offer_id}${one.chosen ? ' <-' : one.dropped ? ' (gone)' : ''}`,
      figure(one.probability),
      one.expected_utility === null ? null : signed(one.expected_utility),
      one.utility_variance === null ? null : `±${figure(Math.sqrt(one.utility_variance))}`,
      figure(one.rule_score),
      one.predicted === null ? null : percent(one.predicted.ready),
      one.predicted === null ? null : percent(one.predicted.completed),
      against(one.usd_per_gpu_hour, one.predicted?.usd_per_gpu_hour),
      against(one.latency_ms, one.predicted?.latency_ms),
      one.predicted === null ? null : `${figure(one.predicted.ready_ms / 1_000)} s`,
    ]),
    [
      '#',
      'OFFER',
      'PROBABILITY',
      'UTILITY',
      'SPREAD',
      'RULES',
      'READY',
      'COMPLETED',
      'USD/GPU-HOUR',
      'LATENCY MS',
      'READY IN',
    ],
    2,
  );

/** Promised, and expected where a model says so. */
const against = (promised: number | null, expected: number | undefined): string =>
  `${promised === null ? '-' : figure(promised)}${expected === undefined ? '' : ` -> ${figure(expected)}`}`;

/** A line for each that was not the best by what acted. */
function whyNotLines({ candidates, actor }: Explanation): string {
  const first = candidates.find(({ dropped }) => !dropped);
  return candidates
    .map((one) => {
      if (one === first) return `  ${one.offer_id}: it was first${one.chosen ? '' : '; another was tried'}`;
      if (one.dropped) return `  ${one.offer_id}: it was gone, or did not fit any more, when it was decided`;
      return `  ${one.offer_id}: ${one.why_not === null ? 'no single change would have made it first' : changeWords(one.why_not, actor)}`;
    })
    .join('\n');
}

function changeWords({ of, from, to }: WhyNot, actor: string): string {
  // The rules take promises at their word; a model has its own figures.
  const expected = actor === RULES ? '' : 'an expected ';
  const would = 'it would have been first';
  switch (of) {
    case 'price':
      return `at ${expected}${below(to)} USD/GPU-hour instead of ${figure(from)} ${would}`;
    case 'latency':
      return `at ${expected}${below(to)} ms instead of ${figure(from)} ${would}`;
    case 'ready_time':
      return `ready in ${expected}${below(to / 1_000)} s instead of ${figure(from / 1_000)} ${would}`;
    case 'ready':
      return `getting ready in ${above(to * 100)} % of the cases instead of ${figure(from * 100)} ${would}`;
    case 'completed':
      return `completing ${above(to * 100)} % of such runs instead of ${figure(from * 100)} ${would}`;
    case 'reputation':
      return `with a reputation of ${above(to * 100)} instead of ${figure(from * 100)} ${would}`;
    case 'availability':
      return `with ${above(to * 100)} % of its capacity free instead of ${figure(from * 100)} ${would}`;
    default:
      return of satisfies never;
  }
}

const outcomesTable = (outcomes: readonly ExplainedOutcome[]): string =>
  table(
    outcomes.map((one) => [
      one.attempt,
      one.offer_id,
      `${one.status}${one.blame === null ? '' : ` (${one.blame})`}`,
      one.observed_at,
      one.ready_ms === null ? null : `${figure(one.ready_ms / 1_000)} s`,
      one.latency_ms === null ? null : figure(one.latency_ms),
      one.effective_usd_per_gpu_hour === null ? null : figure(one.effective_usd_per_gpu_hour),
      one.cost_usd === null ? null : figure(one.cost_usd),
      one.utility === null ? null : signed(one.utility),
    ]),
    ['ATTEMPT', 'OFFER', 'STATUS', 'AT', 'READY IN', 'LATENCY MS', 'USD/GPU-HOUR', 'COST USD', 'UTILITY'],
  );

const bullets = (lines: readonly string[]): string => lines.map((line) => `  - ${line}`).join('\n');

/** Three digits. */
const figure = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (share: number): string => `${figure(share * 100)} %`;
const signed = (value: number): string => value.toFixed(3);

/** Three digits on the side on which it is enough. */
const below = (value: number): string => rounded(value, Math.floor);
const above = (value: number): string => rounded(value, Math.ceil);
function rounded(value: number, to: (scaled: number) => number): string {
  if (value === 0) return '0';
  const scale = 10 ** (2 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number((to(value * scale) / scale).toPrecision(3)));
}
