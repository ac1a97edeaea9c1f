/** What a person is told of. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, differing, unlike } from '../check.ts';
import {
  type Block,
  filesIn,
  localsIn,
  moduleCall,
  namedIn,
  type Parsed,
  ROOT,
  ref,
  resource,
  resourcesIn,
  textsIn,
} from '../parsed.ts';

const FOLDER = 'modules/alerts';

/** Alert -> what its conditions must name: the metric, what it is about, and the threshold. */
const ALERTS: Readonly<Record<string, readonly string[]>> = {
  dead_letters: ['subscription/num_undelivered_messages', 'var.dead_letter_subscriptions', 'var.dead_letters'],
  oldest_message: ['subscription/oldest_unacked_message_age', 'var.push_subscriptions', 'var.oldest_message_seconds'],
  no_probe_results: [
    'local.probe_results',
    'var.probe_silence_seconds',
    'Nothing is heard of the topic',
    'condition_threshold',
    'google_logging_metric.probe_runs.name',
    '["metric.label.suite"]',
  ],
  latency: [
    'run.googleapis.com/request_latencies',
    'REDUCE_PERCENTILE_95',
    'var.services[each.key].service',
    'each.value',
  ],
  errors: [
    'run.googleapis.com/request_count',
    '5xx',
    'denominator_filter',
    'denominator_aggregations',
    'local.service_names',
    'var.error_part',
  ],
  model_away: [
    'logging.googleapis.com/user/',
    'google_logging_metric.model_away.name',
    'var.model_away_seconds',
    'cloud_run_revision',
    'k8s_container',
  ],
  training_failed: ['run.googleapis.com/job/completed_execution_count', 'failed', 'var.training_job'],
};

const conditionsOf = (block: Block): string => JSON.stringify([block['conditions'], block['dynamic']]);

/** Variables of thresholds.tf: when it is too much. */
const thresholdsIn = (parsed: Parsed): readonly string[] =>
  Object.keys(parsed.get(`${FOLDER}/thresholds.tf`)?.variable ?? {});

function everyAlert(parsed: Parsed): readonly string[] {
  const policies = resourcesIn(parsed, FOLDER).filter(({ type }) => type === 'google_monitoring_alert_policy');
  return [
    ...differing(
      'alerts',
      policies.map(({ name }) => name),
      Object.keys(ALERTS),
    ),
    ...policies.flatMap(({ name, block }) => [
      ...unlike(name, block, {
        notification_channels: ref('var.notification_channels'),
        user_labels: ref('var.labels'),
      }),
      ...(/docs\/operations\/RUNBOOK\.md\.$/.test(
        String((block['documentation'] as Block[] | undefined)?.[0]?.['content']),
      )
        ? []
        : [`${name}: says not where to look`]),
      ...(ALERTS[name] ?? [])
        .filter((part) => !conditionsOf(block).includes(part))
        .map((part) => `${name}: nothing of ${part}`),
      ...conditionsWithout(block, name),
    ]),
  ];
}

/** What the API of Monitoring refuses a condition without. */
const COMPLETE = {
  condition_threshold: ['filter', 'comparison', 'threshold_value', 'duration', 'aggregations'],
  condition_absent: ['filter', 'duration', 'aggregations'],
} as const;

function conditionsWithout(block: Block, name: string): readonly string[] {
  const direct = (block['conditions'] ?? []) as readonly Block[];
  const made = ((block['dynamic'] as Block | undefined)?.['conditions'] ?? []) as readonly {
    content: readonly Block[];
  }[];
  return [...direct, ...made.flatMap(({ content }) => content)].flatMap((condition) => {
    const kind = 'condition_absent' in condition ? 'condition_absent' : 'condition_threshold';
    const [found = {}] = (condition[kind] ?? []) as readonly Block[];
    const [aligned = {}] = (found['aggregations'] ?? []) as readonly Block[];
    const there = [...Object.keys(found), ...Object.keys(aligned)];
    return [...COMPLETE[kind], 'alignment_period', 'per_series_aligner']
      .filter((part) => !there.includes(part))
      .map((part) => `${name}: ${condition['display_name']}: no ${part}`);
  });
}

/** The filter of the metric against the code that writes the line. */
function logLine(parsed: Parsed): readonly string[] {
  const { filter, metric_descriptor } = resource(parsed, FOLDER, 'google_logging_metric.model_away');
  const source = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
  const [, fault = 'none'] = /fallback_reason=~"([^"]+)"/.exec(String(filter)) ?? [];
  return [
    ...unlike(
      'model_away',
      { metric_descriptor },
      { metric_descriptor: [{ metric_kind: 'DELTA', value_type: 'INT64' }] },
    ),
    ...(String(filter).startsWith('jsonPayload.function="route" AND jsonPayload.message="decision"')
      ? []
      : ['model_away: whose line?']),
    ...(/fallback_reason,[^}]*\},\s*'decision'\)/.test(source('functions/route/doors/route.ts'))
      ? []
      : ['route logs no decision']),
    ...(source('functions/score/who-acts.ts').includes(fault) ? [] : [`score never says ${fault}`]),
  ];
}

/** Of the dead man's switch: what counts for a result, and the line of a run. */
function probesHeard(parsed: Parsed): readonly string[] {
  const { filter, label_extractors, metric_descriptor } = resource(parsed, FOLDER, 'google_logging_metric.probe_runs');
  const handler = readFileSync(join(ROOT, 'functions/probe/handler.ts'), 'utf8');
  return [
    ...(String(localsIn(parsed, FOLDER)['probe_results']).includes('metric.labels.response_class = \\"success\\"')
      ? []
      : ['local.probe_results: what is refused is no result']),
    ...unlike(
      'probe_runs',
      { filter, label_extractors, metric_descriptor },
      {
        filter: 'resource.type="cloud_run_revision" AND jsonPayload.message="probed"',
        label_extractors: { suite: 'EXTRACT(jsonPayload.suite)' },
        metric_descriptor: [
          { metric_kind: 'DELTA', value_type: 'INT64', labels: [{ key: 'suite', value_type: 'STRING' }] },
        ],
      },
    ),
    ...(/log\.info\(\{ suite, [^}]*\}, 'probed'\)/.test(handler) ? [] : ['probe logs no run by its suite']),
  ];
}

export const ALERTING: readonly Check[] = [
  { says: 'every alert looks at what it should, tells somebody, and says where to look', breaches: everyAlert },
  {
    says: "the dead man's switch hears what was taken, of each suite, by a line that probe really logs",
    breaches: probesHeard,
  },
  { says: 'the alert on the model stands on a line that route really logs', breaches: logLine },
  {
    says: 'every threshold can be set by the environment, by its name',
    breaches: (parsed) => {
      const call = moduleCall(parsed, 'aurora', 'alerts');
      const named = textsIn(namedIn(parsed, 'aurora', 'variable').get('thresholds') ?? {}).flatMap((text) => [
        ...text.matchAll(/"([a-z_0-9]+)"/g),
      ]);
      return [
        ...thresholdsIn(parsed).flatMap((name) =>
          unlike('module.alerts', call, { [name]: ref(`lookup(var.thresholds, "${name}", null)`) }),
        ),
        ...differing(
          'var.thresholds',
          named.map(([, name = '']) => name),
          thresholdsIn(parsed),
        ),
        ...filesIn(parsed, FOLDER)
          .flatMap((file) => Object.entries(file.variable ?? {}))
          .filter(([name]) => thresholdsIn(parsed).includes(name))
          .flatMap(([name, [block]]) => unlike(name, block, { nullable: false })),
      ];
    },
  },
  {
    says: 'the limits: 200 ms for score, a second for whom somebody waits for',
    breaches: (parsed) => {
      const defaultOf = (name: string): unknown => namedIn(parsed, FOLDER, 'variable').get(name)?.['default'];
      return [
        ...unlike('latency_p95_ms', defaultOf('latency_p95_ms'), 1_000),
        ...unlike('score_latency_p95_ms', defaultOf('score_latency_p95_ms'), 200),
        ...unlike('latency', resource(parsed, FOLDER, 'google_monitoring_alert_policy.latency'), {
          for_each: ref('local.latency_limits'),
        }),
      ];
    },
  },
];
