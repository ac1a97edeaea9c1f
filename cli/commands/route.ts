/** `vm route`: one request, as a tenant would make it. */
import { RejectedError } from '#shared/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withDoor } from '../door/door.ts';
import { table } from '../table.ts';
import { numberOption, textOption } from './options.ts';

/** The part of the answer that is shown; --json gives all of it. */
interface RouteAnswer {
  readonly status: string;
  readonly provider: string | null;
  readonly offer_id: string | null;
  readonly price_usd_per_hour: number | null;
  readonly estimated_latency_ms: number | null;
  readonly deployment_id: string | null;
  readonly mode: string;
  readonly model_version: string | null;
  readonly propensity: number | null;
  readonly reason: string | null;
  readonly fallback_reason: string | null;
  readonly excluded: readonly { readonly offer_id: string; readonly reason: string; readonly needed: string }[];
}

/** Honest refusals: an answer, not a failure of the door. */
const ANSWERS = [200, 503];

export const routeCommand: Command = {
  name: 'route',
  summary: 'ask for GPUs as a tenant: decides, and deploys',
  usage: '--gpu TYPE [options]',
  options: {
    gpu: { type: 'string' },
    region: { type: 'string', default: 'global' },
    hours: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    workload: { type: 'string', default: 'general' },
    'max-price': { type: 'string' },
    'max-latency': { type: 'string' },
    'min-reputation': { type: 'string' },
    image: { type: 'string' },
    'container-port': { type: 'string' },
    'request-id': { type: 'string' },
    tenant: { type: 'string' },
    critical: { type: 'boolean', default: false },
    url: { type: 'string' },
  },
  help: {
    gpu: 'GPU type, as anyone writes it: a100, "RTX 4090", 4090',
    region: 'e.g. us-west (default global: anywhere)',
    hours: 'GPU-hours in all; the run takes hours / count (default 1)',
    count: 'GPUs in one instance (default 1)',
    workload: 'e.g. llm_inference, rendering (default general)',
    'max-price': 'USD per GPU-hour; dearer is refused',
    'max-latency': 'milliseconds',
    'min-reputation': '0 to 100',
    image: 'container image (default: a small one that shows the GPU)',
    'container-port': 'at which the image answers over HTTP (default 8080)',
    'request-id': 'asking twice under one id deploys once (default: a new one)',
    tenant: 'where tenants are not told by their keys (default default)',
    critical: 'nothing is tried out on this one',
    url: 'the door to ask (default AURORA_URL, else the stack that runs here)',
  },
  takes: {
    gpu: 'TYPE',
    hours: 'N',
    count: 'N',
    workload: 'TYPE',
    'max-price': 'USD',
    'max-latency': 'MS',
    'min-reputation': 'N',
    image: 'REFERENCE',
    'container-port': 'N',
    'request-id': 'ID',
    tenant: 'ID',
  },
  notes: ['With real providers this costs money. The key of a tenant comes from AURORA_API_KEY.'],
  examples: [
    'vm route --gpu a100 --region us-west --hours 2',
    'vm route --gpu 4090 --hours 8 --count 2 --max-price 0.45 --json',
    'AURORA_API_KEY=... vm route --gpu h100 --url https://route.example',
  ],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, values }) => {
    const body = requestOf(values);
    const answer = await withDoor({ directory, url: textOption(values, 'url') }, (door) =>
      door.call<RouteAnswer>({ method: 'POST', path: '/route', body, accepted: ANSWERS, only: isAnswer }),
    );
    print(json ? JSON.stringify(answer) : words(answer));
    return answer.status === 'provisioning' ? EXIT.ok : EXIT.partial;
  },
};

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Whether a 503 is a refusal with its reasons; others are failures. */
const isAnswer = (value: unknown): boolean =>
  (value as { status?: unknown } | null)?.status !== 'failed' &&
  typeof (value as { decision_id?: unknown } | null)?.decision_id === 'string';

/** @throws RejectedError usage; what the words mean is the door's to say */
function requestOf(values: Values): Record<string, unknown> {
  const { gpu } = values;
  if (typeof gpu !== 'string')
    throw new RejectedError('usage', 'which GPU? e.g. --gpu a100 (vm offers shows what is sold)');
  const optional = (option: string, key: string, max: number): Record<string, number> =>
    values[option] === undefined ? {} : { [key]: numberOption(values, option, { min: 0, max }) };
  const words = { image: 'image', 'request-id': 'request_id', tenant: 'tenant_id' };
  return {
    gpu_type: gpu,
    region: values['region'],
    workload_type: values['workload'],
    gpu_hours: numberOption(values, 'hours', { min: 0, max: 1e6 }),
    gpu_count: numberOption(values, 'count', { min: 1, max: 1_024, whole: true }),
    ...optional('max-price', 'max_price', 1e6),
    ...optional('max-latency', 'max_latency_ms', 1e7),
    ...optional('min-reputation', 'min_reputation', 100),
    ...optional('container-port', 'port', 65_535),
    ...Object.fromEntries(
      Object.entries(words).flatMap(([option, key]) => (values[option] === undefined ? [] : [[key, values[option]]])),
    ),
    priority: values['critical'] === true ? 'critical' : 'normal',
  };
}

function words(answer: RouteAnswer): string {
  if (answer.status !== 'provisioning')
    return [
      `nothing fits: ${answer.reason ?? 'no reason was given'}`,
      ...answer.excluded.map(({ offer_id, reason, needed }) => `  ${offer_id}: ${reason} (${needed})`),
    ].join('\n');
  return table([
    ['deployment', answer.deployment_id],
    ['status', answer.status],
    ['offer', answer.offer_id],
    ['price', answer.price_usd_per_hour === null ? 'not known' : `${answer.price_usd_per_hour.toFixed(4)} USD an hour`],
    [
      'latency',
      answer.estimated_latency_ms === null ? 'not known' : `about ${Math.round(answer.estimated_latency_ms)} ms`,
    ],
    [
      'decided by',
      answer.mode === 'rules'
        ? `the rules${answer.fallback_reason === null ? '' : ` (${answer.fallback_reason})`}`
        : `${answer.mode}, ${answer.model_version ?? 'no model'}`,
    ],
    ['probability', answer.propensity === null ? 'forced' : answer.propensity.toFixed(4)],
  ]);
}
