import { parseArgs } from 'node:util';
import { RejectedError } from '#shared/errors.ts';
import type { Wanted } from './release.ts';
import { ORDER } from './services.ts';

export const USAGE = `Brings an image to the services on Cloud Run and to the training job: each gets a new revision without traffic, which is
asked by its own URL; then, one service after the other, a share of the traffic, a look at how it does, and all of it. When
something fails, everything goes back to what served before. A run that was stopped is gone on with by the same command.

Usage: npm run deploy -- --image IMAGE --project PROJECT --region REGION [options]

  --image IMAGE             REGISTRY/IMAGE@sha256:DIGEST, or with a tag, whose digest is then looked up
  --project PROJECT         the project's id
  --region REGION           such as europe-west1
  --caller EMAIL            service account as which the revisions are asked where the service lets it in (default, and elsewhere: the
                            first of its AURORA_CALLERS); whoever deploys needs roles/iam.serviceAccountTokenCreator on each
  --percent N               share of the traffic before the whole of it (default 10)
  --watch-seconds N         how long it has that share (default 180)
  --deadline-seconds N      longest time of one call of gcloud (default 600)
  --older                   the image is an older one: the order is the other way round
  --back                    takes back what a stopped release moved, and does nothing else; needs no --image
  --dry-run                 reads, says what would be done, changes nothing
  --json                    one JSON value on stdout, for machines
  --help                    this

Order: ${ORDER.join(', ')}, then the training job.

Exit codes: 0 done; 1 failed, what served before serves; 2 refused, nothing was changed; 3 something is left to do, and it says
what; 64 wrong usage.

Examples:
  npm run deploy -- --image europe-west1-docker.pkg.dev/my-project/aurora/functions:build-1 --project my-project \\
    --region europe-west1 --dry-run
  npm run deploy -- --project my-project --region europe-west1 --back
`;

export interface Options {
  readonly wanted: Wanted;
  readonly deadlineMs: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const OPTIONS = {
  image: { type: 'string', default: '' },
  project: { type: 'string', default: '' },
  region: { type: 'string', default: '' },
  caller: { type: 'string', default: '' },
  percent: { type: 'string', default: '10' },
  'watch-seconds': { type: 'string', default: '180' },
  'deadline-seconds': { type: 'string', default: '600' },
  older: { type: 'boolean', default: false },
  back: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const FORMS = {
  image: /^[a-z0-9][\w./-]*(:[\w.-]+|@sha256:[0-9a-f]{64})$/,
  project: /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  region: /^[a-z]+-[a-z]+\d+$/,
  caller: /^[^@\s,]+@[^@\s,]+$/,
} as const;

/** @throws RejectedError usage */
export function readOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  const { image, project, region, caller, older, back, json } = values;
  const wanted: Wanted = {
    image: back ? image : matching('image', image, 'an image with its digest or a tag'),
    project: matching('project', project, 'a project id, such as my-project'),
    region: matching('region', region, 'a region, such as europe-west1'),
    caller: caller === '' ? null : matching('caller', caller, 'the e-mail address of a service account'),
    percent: whole('percent', values.percent, 1, 99),
    watchMs: whole('watch-seconds', values['watch-seconds'], 0, 3_600) * 1000,
    order: older ? ORDER.toReversed() : ORDER,
    back,
  };
  const deadlineMs = whole('deadline-seconds', values['deadline-seconds'], 1, 3_600) * 1000;
  return { wanted, deadlineMs, dryRun: values['dry-run'], json };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (error) {
    throw new RejectedError('usage', (error as Error).message, { cause: error });
  }
}

function matching(option: keyof typeof FORMS, value: string, expected: string): string {
  if (FORMS[option].test(value)) return value;
  throw new RejectedError('usage', `--${option}: expected ${expected}, got ${JSON.stringify(value)}`);
}

function whole(option: string, value: string, low: number, high: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= low && number <= high) return number;
  throw new RejectedError(
    'usage',
    `--${option}: expected a whole number from ${low} to ${high}, got ${JSON.stringify(value)}`,
  );
}
