/** A revision under its share of the traffic: asked again and again, and in the end held against the one before it. */
import { RejectedError } from '#shared/errors.ts';
import { type Asking, ask, USER_AGENT } from './ask.ts';
import type { Where } from './cloud-run.ts';
import type { Gcloud } from './gcloud.ts';
import { judge, type Seen, seenIn } from './judge.ts';

const ROUND_MS = 30_000;
const AGAIN = { tries: 3, pauseMs: 3_000 } as const;
/** Newest first; of a busy service they are a sample. */
const LOG_ENTRIES = 2_000;

interface Watched {
  /** On Cloud Run. */
  readonly service: string;
  readonly revision: string;
  readonly against: string;
}

interface Deps {
  readonly gcloud: Gcloud;
  now(): number;
  sleep(ms: number): Promise<void>;
  note(text: string): void;
}

/** @throws RejectedError canary_failed, smoke_failed, and what gcloud throws */
export async function watch(
  { gcloud, now, sleep, note }: Deps,
  { project, watchMs }: Pick<Where, 'project'> & { readonly watchMs: number },
  asking: Omit<Asking, 'tries' | 'pauseMs'>,
  { service, revision, against }: Watched,
): Promise<void> {
  const since = new Date(now()).toISOString();
  for (let left = watchMs; left > 0; left -= ROUND_MS) {
    await sleep(Math.min(ROUND_MS, left));
    await ask({ ...asking, ...AGAIN });
  }
  const seen = async (name: string): Promise<Seen> =>
    seenIn(
      await gcloud(
        ...['logging', 'read', filterOf({ service, revision: name, since }), '--project', project],
        ...[`--limit=${LOG_ENTRIES}`, '--format=json(httpRequest.status,httpRequest.latency)'],
      ),
    );
  const { verdict, words } = judge(await seen(revision), await seen(against));
  if (verdict === 'worse') throw new RejectedError('canary_failed', `${revision}: ${words}`);
  note(
    `${revision}: ${verdict === 'quiet' ? 'too few requests to compare, it answered the probes' : 'no worse'}: ${words}`,
  );
}

/** Requests of others than us. */
const filterOf = ({
  service,
  revision,
  since,
}: {
  readonly service: string;
  readonly revision: string;
  readonly since: string;
}): string =>
  [
    'log_id("run.googleapis.com/requests")',
    'resource.type="cloud_run_revision"',
    `resource.labels.service_name="${service}"`,
    `resource.labels.revision_name="${revision}"`,
    `timestamp>="${since}"`,
    `NOT httpRequest.userAgent="${USER_AGENT}"`,
  ].join(' AND ');
