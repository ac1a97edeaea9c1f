import { type AuroraError, TransientError } from '#shared/errors.ts';
import type { ProviderCall, ProviderClient } from '../client.ts';
import type { CallContext } from '../provider.ts';
import { cancel, job, livingJobs, livingRuns, newestJobs, nodes, PAGE_SIZE, runsOf } from './calls.ts';
import { lives } from './status.ts';
import type { Job, Node, Run } from './wire.ts';

/** What our key has at Render. */
export interface RenderBook {
  /** Free ones; of more than 5,000 those that are listed first. */
  nodes(context: CallContext): Promise<readonly Node[]>;
  /** Oldest first. @throws TransientError provider_answer_invalid: more than can be read */
  living(context: CallContext): Promise<readonly Job[]>;
  /**
   * Those of a title: the ones that live, oldest first, and the newest that is over, if nobody cancelled it: what was made unheard may
   * have run to its end since.
   */
  titled(title: string, context: CallContext): Promise<{ readonly living: readonly Job[]; readonly over: Job | null }>;
  /** Job -> its newest run, of living ones. */
  runs(context: CallContext): Promise<ReadonlyMap<string, Run>>;
  /** Null: it has none yet. */
  runOf(jobId: string, context: CallContext): Promise<Run | null>;
  /** One that is over already is as good. */
  cancel(jobId: string, reason: string, context: CallContext): Promise<void>;
}

/** Of 50. */
const MAX_PAGES = 100;

interface Page<T> {
  readonly data: readonly T[];
  readonly total?: number | null | undefined;
  readonly limit?: number | null | undefined;
}

export function renderBook(client: ProviderClient): RenderBook {
  /** Whole: no page is left. */
  async function pages<T>(
    call: (page: number) => ProviderCall<Page<T>>,
    context: CallContext,
  ): Promise<{ readonly found: readonly T[]; readonly whole: boolean }> {
    const found: T[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { data, total, limit } = await client.ask(call(page), context);
      if (page === 1 && data.length === 0 && (total ?? 0) > 0)
        throw new TransientError(
          'provider_answer_invalid',
          `render ${call(page).operation}: data: expected the first of ${total}, got none`,
        );
      found.push(...data);
      const whole = total == null ? data.length < (limit ?? PAGE_SIZE) : found.length >= total;
      if (whole || data.length === 0) return { found, whole: true };
    }
    return { found, whole: false };
  }

  async function all<T>(call: (page: number) => ProviderCall<Page<T>>, context: CallContext): Promise<readonly T[]> {
    const { found, whole } = await pages(call, context);
    if (whole) return found;
    throw new TransientError(
      'provider_answer_invalid',
      `render ${call(1).operation}: expected at most ${MAX_PAGES} pages, and there are more`,
    );
  }

  /** What has just been made is seen whatever its status is called, and then all that is called living, however old. Oldest first. */
  async function known(context: CallContext): Promise<readonly Job[]> {
    const { data: newest } = await client.ask(newestJobs, context);
    const found = new Map([...newest, ...(await all(livingJobs, context))].map((one) => [one.uuid, one]));
    return [...found.values()].sort(byAge);
  }

  return {
    nodes: async (context) => (await pages(nodes, context)).found,
    living: async (context) => (await known(context)).filter(lives),
    async titled(title, context) {
      const found = (await known(context)).filter((one) => one.title === title);
      const over = found.filter((one) => !lives(one) && !CANCELLED.includes(one.status));
      return { living: found.filter(lives), over: over.at(-1) ?? null };
    },
    async runs(context) {
      const byJob = new Map<string, Run>();
      for (const run of await all(livingRuns, context)) {
        const jobId = run.job_uuid ?? run.job_snapshot?.uuid ?? '';
        if (!byJob.has(jobId)) byJob.set(jobId, run);
      }
      return byJob;
    },
    runOf: async (jobId, context) => (await client.ask(runsOf(jobId), context)).data[0] ?? null,
    async cancel(jobId, reason, context) {
      try {
        await client.askOrNull(cancel(jobId, reason), context);
      } catch (error) {
        if (!LOOKED_AFTER.includes((error as AuroraError).code)) throw error;
        // Refused because it is over, or done without a word.
        const found = await client.askOrNull(job(jobId), context);
        if (found !== null && lives(found)) throw error;
      }
    },
  };
}

const CANCELLED: readonly string[] = ['CANCELLED', 'CANCELLING'];
const LOOKED_AFTER: readonly AuroraError['code'][] = ['provider_refused', 'provider_answer_invalid'];

const byAge = (a: Job, b: Job): number =>
  (a.created_at ?? 0) - (b.created_at ?? 0) || (a.uuid < b.uuid ? -1 : a.uuid > b.uuid ? 1 : 0);
