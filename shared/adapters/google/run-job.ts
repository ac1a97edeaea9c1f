/**
 * Starts a Cloud Run job with variables of its own for this execution:
 * https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run. Resolves when Cloud Run has taken it over; from
 * then on it starts the task, and starts it again when it fails, as the job's definition says.
 */
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { within } from '../client/waits.ts';

export interface RunJobOptions {
  /** projects/P/locations/L/jobs/J */
  readonly job: string;
  /** Of the API. */
  readonly origin: string;
  /** An access token. */
  readonly token: () => Promise<string>;
  readonly hostClock: HostClock;
}

/** @throws TransientError upstream_unavailable: whether it was started is then unknown */
export type RunJob = (variables: Readonly<Record<string, string>>) => Promise<void>;

const DEADLINE_MS = 30_000;

export function createRunJob({ job, origin, token, hostClock }: RunJobOptions): RunJob {
  return async (variables) => {
    const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
    const authorization = `Bearer ${await token()}`;
    const status = await within(hostClock, DEADLINE_MS, async (signal) => {
      const response = await fetch(`${origin}/v2/${job}:run`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ overrides: { containerOverrides: [{ env }] } }),
        signal,
        redirect: 'error',
      });
      await response.body?.cancel();
      return response.status;
    }).catch((error: unknown) => {
      throw unavailable(job, error instanceof Error ? error.message : String(error));
    });
    if (status !== 200) throw unavailable(job, `HTTP ${status}${REMEDIES[status] ?? ''}`);
  };
}

const REMEDIES: Readonly<Record<number, string>> = {
  403: '; the service account needs roles/run.jobsExecutorWithOverrides on the job',
  404: '; there is no such job, terraform makes it',
};

const unavailable = (job: string, why: string): TransientError =>
  new TransientError('upstream_unavailable', `start of ${job}: ${why}`);
