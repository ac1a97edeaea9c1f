/** The deployments that live, read anew in each run: route and deploy write their records too. */
import { deploymentKey, deploymentRecord, LIVE_PREFIX, type OpenDeployment } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';

export interface Live {
  /** In the index of live deployments. */
  readonly index: StateEntry;
  readonly entry: StateEntry;
  readonly record: OpenDeployment;
}

export interface LiveRead {
  readonly live: readonly Live[];
  /** False: they are not all; the next run goes on from there. */
  readonly complete: boolean;
}

/** Read together. */
const PAGE = 256;
/** Of one run: about 60 MB of records. */
const READ_LIMIT = 20_000;

type LiveDeps = { readonly state: State; readonly hostClock: Pick<HostClock, 'now'>; readonly log: Log };

/** Goes on where the last run ran out of time: else many deployments would starve the last ones. */
export function liveReader({ state, hostClock, log }: LiveDeps): (deadline: number) => Promise<LiveRead> {
  let after = '';
  /** As read last: few change from run to run, and to check one against its schema takes 50 µs. */
  let known: ReadonlyMap<string, Live> = new Map();
  return async (deadline) => {
    const fromStart = after === '';
    const live: Live[] = [];
    do {
      const index = await state.list(LIVE_PREFIX, { limit: PAGE, after });
      const records = await Promise.all(
        index.map((entry) => readOne(state, log, { index: entry, known: known.get(entry.key) })),
      );
      live.push(...records.filter((one) => one !== null));
      after = index.length < PAGE ? '' : (index.at(-1)?.key ?? '');
    } while (after !== '' && live.length < READ_LIMIT && hostClock.now() < deadline);
    known = new Map(live.map((one) => [one.index.key, one]));
    return { live, complete: fromStart && after === '' };
  };
}

/** What is wrong with one must not keep the others from being followed. */
async function readOne(
  state: State,
  log: Log,
  { index, known }: { readonly index: StateEntry; readonly known: Live | undefined },
): Promise<Live | null> {
  const decisionId = index.key.slice(LIVE_PREFIX.length);
  const entry = await state.get(deploymentKey(decisionId));
  if (entry !== null && entry.version === known?.entry.version) return { index, entry, record: known.record };
  const parsed = entry === null ? null : deploymentRecord.safeParse(entry.value);
  if (parsed !== null && !parsed.success) {
    const reason = describeIssues(parsed.error.issues);
    log.error({ decision_id: decisionId, reason }, 'deployment record cannot be read; it is not followed');
    return null;
  }
  const record = parsed?.data ?? null;
  if (entry === null || record === null || record.state !== 'live') {
    // Ended by an earlier run that was killed before it cleared the index.
    await state.remove(index.key, index.version);
    return null;
  }
  return { index, entry, record };
}
