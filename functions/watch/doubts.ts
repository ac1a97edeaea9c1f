/**
 * What may be billed and nobody follows: attempts that deploy gave up on a silent provider, which may have made the instance all
 * the same, and instances whose termination failed. States of a doubt: open -> (instance found: terminated, still open) ->
 * settled, when the provider shows that nothing lives there and a late creation is no longer to be expected; of a known instance:
 * open -> settled, when its termination is heard. One that stays open for too long is named to a person.
 */
import { DOUBT_LIMIT_MS } from '#shared/defaults.ts';
import { DOUBT_PREFIX, type Doubt, deploymentKey, deploymentRecord, doubt } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { TransientError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { isBilled, type Listing } from './listing.ts';

export interface OpenDoubt extends Doubt {
  readonly entry: StateEntry;
}

type DoubtDeps = { readonly state: State; readonly worldClock: WorldClock; readonly log: Log };

/** Looked at in one run. */
const PAGE = 64;
/** Host milliseconds after which an order that nobody heard of any more is not carried out any more either. */
const LATE_CREATION_MS = 10 * 60_000;

/** Reads the next page of doubts at each call, in turn: a provider that stays silent must not keep the others' waiting. */
export function doubtReader({ state, log }: DoubtDeps): () => Promise<readonly OpenDoubt[]> {
  let after = '';
  return async () => {
    const page = await state.list(DOUBT_PREFIX, { limit: PAGE, after });
    after = page.length < PAGE ? '' : (page.at(-1)?.key ?? '');
    const read = page.map(async (entry): Promise<OpenDoubt | null> => {
      const parsed = doubt.safeParse(entry.value);
      if (parsed.success) return { ...parsed.data, entry };
      const reason = describeIssues(parsed.error.issues);
      log.error({ key: entry.key, reason }, 'a doubt cannot be read; it is dropped');
      await state.remove(entry.key, entry.version);
      return null;
    });
    return (await Promise.all(read)).filter((one) => one !== null);
  };
}

/**
 * What goes wrong with one must not keep the others from being looked at.
 * @param provider null: there is no adapter of it
 * @param listing null: the provider does not say what lives there
 */
export async function settleDoubt(
  deps: DoubtDeps,
  open: OpenDoubt,
  at: { readonly provider: Provider | null; readonly listing: Listing | null; readonly context: CallContext },
): Promise<void> {
  const { state, worldClock, log } = deps;
  const { entry, ...fields } = open;
  const ageMs = (worldClock.now() - Date.parse(open.since)) / worldClock.speed;
  // Its provider's silence is said once, by who asked for the list.
  if (at.provider !== null && at.listing === null && open.instance_id === null && ageMs < DOUBT_LIMIT_MS) return;
  try {
    if (!(await isSettled(deps, open, { ...at, ageMs }))) return;
  } catch (thrown) {
    const error = codedError(thrown);
    if (ageMs < DOUBT_LIMIT_MS) {
      log.warn({ ...fields, code: error.code, error: error.cause ?? error }, 'doubt not settled now; looked at again');
      return;
    }
    log.error(
      { ...fields, code: error.code },
      'nobody ever said whether an instance runs under this label; look there',
    );
  }
  await state.remove(entry.key, entry.version);
}

async function isSettled(
  { state, log }: DoubtDeps,
  { entry: _, ...open }: OpenDoubt,
  { provider, listing, ageMs, context }: Parameters<typeof settleDoubt>[2] & { readonly ageMs: number },
): Promise<boolean> {
  if (provider === null)
    throw new TransientError('provider_unavailable', `no adapter for provider ${JSON.stringify(open.provider)}`);
  if (open.instance_id !== null) {
    await provider.terminate(open.instance_id, context);
    log.info(open, 'instance is terminated at last');
    return true;
  }
  if (listing === null)
    throw new TransientError('provider_unavailable', `${provider.id} does not say what lives there`);
  const found = [...listing.byId.values()].find((one) => one.request_id === open.decision_id && isBilled(one));
  if (found === undefined) return ageMs >= LATE_CREATION_MS;
  const stored = await state.get(deploymentKey(open.decision_id));
  const record = stored === null ? null : deploymentRecord.parse(stored.value);
  // The one that watch follows.
  if (record?.state === 'live' && record.instance_id === found.instance_id) return true;
  log.warn({ ...open, instance_id: found.instance_id }, 'instance that a silent provider had made is terminated');
  await provider.terminate(found.instance_id, context);
  return false;
}
