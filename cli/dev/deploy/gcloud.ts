/** The Google Cloud CLI: one call, one process, no shell, a deadline. What it prints may hold a token, so no error quotes stdout. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { RejectedError, TransientError } from '#shared/errors.ts';

/**
 * @returns stdout
 * @throws RejectedError gcloud_unavailable: it is not there, or nobody is logged in
 * @throws TransientError gcloud_failed, deadline_exceeded: what it was to do may have been done
 */
export type Gcloud = (...words: readonly string[]) => Promise<string>;

/** From the polite signal to the other. */
const GRACE_MS = 2_000;
const LOGGED_OUT = /do not currently have an active account|gcloud auth login|Reauthentication (required|failed)/i;

/** @param environment instead of this process's own */
export function createGcloud(deadlineMs: number, environment?: NodeJS.ProcessEnv): Gcloud {
  return async (...words) => {
    // A group of its own: gcloud is a script that starts another program, and both have to end.
    const child = spawn('gcloud', [...words, '--quiet'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(environment === undefined ? {} : { env: environment }),
    });
    const end = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch (error) {
        // All of it has ended meanwhile.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    };
    let late = false;
    const timers = [
      setTimeout(() => {
        late = true;
        end('SIGTERM');
      }, deadlineMs),
      setTimeout(() => end('SIGKILL'), deadlineMs + GRACE_MS),
    ];
    try {
      const ended = new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      const [out, said, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
      if (late)
        throw new TransientError(
          'deadline_exceeded',
          `gcloud ${words.join(' ')}: not done after ${deadlineMs / 1000} s`,
        );
      return outcomeOf(words, { out, said, code });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      throw new RejectedError('gcloud_unavailable', 'there is no gcloud on the PATH', { cause: error });
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  };
}

/** @returns stdout @throws as a call does */
export function outcomeOf(
  words: readonly string[],
  { code, out, said }: { readonly code: number | null; readonly out: string; readonly said: string },
): string {
  if (code === 0) return out;
  const lines = said.trim().split('\n');
  const why = lines
    .slice(
      Math.max(
        0,
        lines.findIndex((line) => line.startsWith('ERROR')),
      ),
    )
    .slice(0, 5)
    .join(' ');
  if (LOGGED_OUT.test(said)) throw new RejectedError('gcloud_unavailable', `gcloud: ${why}`);
  throw new TransientError('gcloud_failed', `gcloud ${words.join(' ')}: exit code ${code}: ${why}`);
}
