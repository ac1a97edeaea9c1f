/**
 * The loop as it is within reach of this machine, who publishes jobs, and who calls where services ask for that: the cloud's, as whoever is
 * logged in, where the configuration names it, else that of the stack that runs in the directory. Opened for a suite that needs it.
 */
import { randomUUID } from 'node:crypto';
import { readConfig } from '#shared/config.ts';
import type { Identity } from '#shared/probes/tools/id-token.ts';
import type { LoopReader, ProbeTools } from '#shared/probes/tools.ts';
import { type Access, withAccess } from '../ops/access.ts';
import { championAge, countDeadLetters, hasCanary, offersAge, publishCanary, publishJob } from '../ops/probing.ts';
import { readHolder } from '../stack/lock.ts';

export interface Reach extends Pick<ProbeTools, 'loop' | 'publishJob'> {
  readonly identity: Identity;
  /** Whose loop it was. */
  readonly remarks: readonly string[];
}

/** What needs the loop then says that it is not within reach. */
export const NOTHING: Reach = { loop: null, publishJob: null, identity: null, remarks: [] };

export interface Place {
  /** Of a stack that may run here. */
  readonly directory: string;
  /** Whether the cluster that is looked at is the one beside it: jobs for another are not on its bus. */
  readonly clusterIsHere: boolean;
}

/** @throws RejectedError config_invalid */
export async function withReach<T>({ directory, clusterIsHere }: Place, use: (reach: Reach) => Promise<T>): Promise<T> {
  const { google } = readConfig();
  const running = google === null ? await readHolder(directory) : null;
  // A stack of one command is gone before a job is worked off.
  if (google === null && running?.port == null) return use(NOTHING);
  const whose = google === null ? `the stack that runs in ${directory}` : `project ${google.projectId}`;
  const mayPublish = google !== null || clusterIsHere;
  return withAccess(directory, 'smoke', (access) => use(reachOf(access, whose, mayPublish)));
}

const reachOf = (access: Access, whose: string, mayPublish: boolean): Reach => ({
  loop: loopOver(access),
  identity: access.identity,
  publishJob: mayPublish
    ? async (topic, job, { signal }) => {
        await access.call(publishJob, { topic, job }, signal);
      }
    : null,
  remarks: [`The loop and its bus are those of ${whose}.`],
});

const loopOver = ({ call }: Access): LoopReader => ({
  newCanaryId: randomUUID,
  publishCanary: async (id, { signal }) => {
    await call(publishCanary, { id }, signal);
  },
  hasCanary: (id, { signal }) => call(hasCanary, { id }, signal),
  deadLetters: ({ signal }) => call(countDeadLetters, {}, signal),
  championAgeMs: ({ signal }) => call(championAge, {}, signal),
  offersAgeMs: ({ signal }) => call(offersAge, {}, signal),
});
