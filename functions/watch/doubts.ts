/**
 * Attempts that deploy gave up on a silent provider: it may have made the instance all the same. Its decision has gone on
 * elsewhere, so what turns up under the label is terminated. States of a doubt: open -> (instance found: terminated, still open)
 * -> settled, when the provider answers that nothing lives there and a late creation is no longer to be expected.
 */
import { DOUBT_LIMIT_MS } from '#shared/defaults.ts';
import { DOUBT_PREFIX, type Doubt, deploymentKey, deploymentRecord, doubt } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { RejectedError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';

export interface DoubtDeps {
  readonly state: State;
  readonly worldClock: WorldClock;
  readonly log: Log;
  readonly providers: ReadonlyMap<string, Provider>;
}

/** Asked about in one run. */
const PAGE = 64;
/** Host milliseconds after which an order that nobody heard of any more is not carried out any more either. */
const LATE_CREATION_MS = 10 * 60_000;

/** Looks at the next page of doubts at each call, in turn: a provider that stays silent must not keep the others' waiting. */
export function doubtKeeper(deps: DoubtDeps): (context: CallContext) => Promise<void> {
  let after = '';
  return async (context) => {
    const page = await deps.state.list(DOUBT_PREFIX, { limit: PAGE, after });
    after = page.length < PAGE ? '' : (page.at(-1)?.key ?? '');
    await Promise.all(page.map((entry) => settleOne(deps, entry, context)));
  };
}

/** What goes wrong with one must not keep the others from being looked at. */
async function settleOne(deps: DoubtDeps, entry: StateEntry, context: CallContext): Promise<void> {
  const { state, worldClock, log } = deps;
  const parsed = doubt.safeParse(entry.value);
  if (!parsed.success) {
    log.error({ key: entry.key, reason: describeIssues(parsed.error.issues) }, 'a doubt cannot be read; it is dropped');
    await state.remove(entry.key, entry.version);
    return;
  }
  const open = parsed.data;
  const ageMs = (worldClock.now() - Date.parse(open.since)) / worldClock.speed;
  try {
    if (!(await isSettled(deps, open, { ageMs, context }))) return;
  } catch (thrown) {
    const error = codedError(thrown);
    if (ageMs < DOUBT_LIMIT_MS) {
      log.warn({ ...open, code: error.code, error: error.cause ?? error }, 'doubt not settled now; looked at again');
      return;
    }
    log.error({ ...open, code: error.code }, 'nobody ever said whether an instance runs under this label; look there');
  }
  await state.remove(entry.key, entry.version);
}

async function isSettled(
  { state, log, providers }: DoubtDeps,
  open: Doubt,
  { ageMs, context }: { readonly ageMs: number; readonly context: CallContext },
): Promise<boolean> {
  const provider = providers.get(open.provider);
  if (provider === undefined)
    throw new RejectedError('provider_unknown', `no adapter for provider ${JSON.stringify(open.provider)}`);
  const instanceId = await provider.find(open.decision_id, context);
  if (instanceId === null) return ageMs >= LATE_CREATION_MS;
  const entry = await state.get(deploymentKey(open.decision_id));
  // The one that watch follows.
  const record = entry === null ? null : deploymentRecord.parse(entry.value);
  if (record !== null && record.state !== 'cancelled' && record.instance_id === instanceId) return true;
  log.warn({ ...open, instance_id: instanceId }, 'instance that a silent provider had made is terminated');
  await provider.terminate(instanceId, context);
  return false;
}
