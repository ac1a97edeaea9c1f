/** Cloud Run through gcloud: what a service is now, and the commands that change it. The JSON is that of Knative's Service. */
import { z } from 'zod';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Gcloud } from './gcloud.ts';
import { CANDIDATE, type ServiceState, type Step } from './plan.ts';
import { serviceName, TRAINING_JOB } from './services.ts';

const container = z.object({
  image: z.string(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
});
const containers = z.array(container).min(1);
const service = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ template: z.object({ spec: z.object({ containers }) }) }),
  status: z.object({
    url: z.string().default(''),
    latestCreatedRevisionName: z.string().default(''),
    latestReadyRevisionName: z.string().default(''),
    traffic: z
      .array(
        z.object({
          revisionName: z.string().default(''),
          percent: z.number().default(0),
          latestRevision: z.boolean().default(false),
          tag: z.string().optional(),
          url: z.string().default(''),
        }),
      )
      .default([]),
  }),
});
const job = z.object({
  spec: z.object({
    template: z.object({ spec: z.object({ template: z.object({ spec: z.object({ containers }) }) }) }),
  }),
});

export interface Where {
  readonly project: string;
  readonly region: string;
}
const at = ({ project, region }: Where): readonly string[] => ['--project', project, '--region', region];

export async function describeService(gcloud: Gcloud, where: Where, name: string): Promise<ServiceState> {
  const out = await described(gcloud('run', 'services', 'describe', serviceName(name), ...at(where), '--format=json'));
  const { metadata, spec, status } = parsed(service, out, serviceName(name));
  const env = new Map(spec.template.spec.containers[0]?.env.map(({ name: key, value = '' }) => [key, value]));
  const split: Record<string, number> = {};
  for (const { revisionName, percent } of status.traffic)
    if (percent > 0) split[revisionName] = (split[revisionName] ?? 0) + percent;
  return {
    name: metadata.name,
    image: spec.template.spec.containers[0]?.image ?? '',
    latest: status.latestCreatedRevisionName,
    latestReady: status.latestReadyRevisionName,
    split,
    explicit: !status.traffic.some(({ latestRevision, percent }) => latestRevision && percent > 0),
    tags: Object.fromEntries(
      status.traffic.flatMap(({ tag, revisionName, url }) =>
        tag === undefined ? [] : [[tag, { revision: revisionName, url }]],
      ),
    ),
    url: status.url,
    audience: env.get('AURORA_AUDIENCE') ?? null,
    callers: (env.get('AURORA_CALLERS') ?? '').split(',').filter((email) => email !== ''),
  };
}

export async function describeJob(gcloud: Gcloud, where: Where): Promise<string> {
  const out = await described(gcloud('run', 'jobs', 'describe', TRAINING_JOB, ...at(where), '--format=json'));
  return parsed(job, out, TRAINING_JOB).spec.template.spec.template.spec.containers[0]?.image ?? '';
}

/** The image by its digest: a tag could be another image by the time the last service gets it. */
export async function resolveImage(gcloud: Gcloud, image: string): Promise<string> {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return image;
  const out = await described(
    gcloud('artifacts', 'docker', 'images', 'describe', image, '--format=value(image_summary.fully_qualified_digest)'),
  );
  const found = out.trim();
  if (/@sha256:[0-9a-f]{64}$/.test(found)) return found;
  throw new RejectedError(
    'deployment_refused',
    `${image}: expected its digest from gcloud, got ${JSON.stringify(found)}`,
  );
}

/** The words of gcloud that take the step; null: it is none of gcloud's. */
export function commandOf(step: Step, where: Where, image: string): readonly string[] | null {
  if (step.kind === 'ask' || step.kind === 'watch') return null;
  if (step.kind === 'job') return ['run', 'jobs', 'update', TRAINING_JOB, `--image=${image}`, ...at(where)];
  const name = serviceName(step.service);
  if (step.kind === 'create')
    return ['run', 'services', 'update', name, `--image=${image}`, '--no-traffic', `--tag=${CANDIDATE}`, ...at(where)];
  const list = (entries: readonly (readonly [string, string | number])[]): string =>
    entries.map(([key, value]) => `${key}=${value}`).join(',');
  const tags = Object.entries(step.tag);
  return [
    ...['run', 'services', 'update-traffic', name, `--to-revisions=${list(Object.entries(step.split))}`],
    ...(tags.length === 0 ? [] : [`--update-tags=${list(tags)}`]),
    ...(step.untag.length === 0 ? [] : [`--remove-tags=${step.untag.join(',')}`]),
    ...at(where),
  ];
}

/** What is not there is made by terraform, not here. */
async function described(asking: Promise<string>): Promise<string> {
  try {
    return await asking;
  } catch (error) {
    const missing =
      error instanceof TransientError && /NOT_FOUND|not found|Cannot find|could not be found/i.test(error.message);
    if (!missing) throw error;
    throw new RejectedError('deployment_refused', error.message, { cause: error });
  }
}

function parsed<S extends z.ZodType>(schema: S, text: string, name: string): z.output<S> {
  const result = json.pipe(schema).safeParse(text);
  if (result.success) return result.data;
  const [{ path, message } = { path: [], message: '' }] = result.error.issues;
  throw new RejectedError('deployment_refused', `${name}: ${[...path, message].join(': ')}, in what gcloud says of it`);
}

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue('expected JSON');
    return z.NEVER;
  }
});
