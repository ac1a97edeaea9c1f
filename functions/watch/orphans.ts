/**
 * Instances of ours that nobody follows: found by their label, adopted or terminated. States of one: (unknown) -> adopted, when its
 * record names it and only the index of what lives does not; or -> suspected, when a look shows it and the record names another
 * or none -> terminated at a further look in a row that says the same. A record is written before its instance is made, and read
 * here after the list; so what is still being deployed has one that says so.
 */
import { ENDED_TTL_MS, ORPHAN_LOOKS } from '#shared/defaults.ts';
import { type DeploymentRecord, deploymentKey, deploymentRecord, liveKey } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State } from '#shared/ports/state.ts';
import type { CallContext, InstanceStatus, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { atMost } from '#shared/runtime/at-most.ts';
import type { CounterChild, Labelled } from '#shared/telemetry/metrics.ts';
import { isBilled, type Listing } from './listing.ts';
import { inTurn } from './turns.ts';

/** Records read in one round. */
const LOOKED_AT = 64;
const AT_ONCE = 8;

export interface OrphanDeps {
  readonly state: State;
  readonly worldClock: WorldClock;
  readonly log: Log;
  readonly orphans: Labelled<'provider' | 'action', CounterChild>;
}

/** An instance that carries our label. */
type Ours = InstanceStatus & { readonly request_id: string };

/**
 * Whether nobody will ever end it: the record that its label names is of something else, or of an attempt that is delivered no more.
 * @param claimedMs host milliseconds since then, by a record that has been claimed
 */
export function isOrphan(
  record: DeploymentRecord | null,
  instanceId: string,
  claimedMs: (claimedAt: string) => number,
): boolean {
  if (record === null) return true;
  switch (record.state) {
    // Its redelivery finds it by its label; past the last one it is a dead letter, and that may lie for weeks.
    case 'deploying':
      return claimedMs(record.claimed_at) > ENDED_TTL_MS;
    case 'live':
      return record.instance_id !== instanceId;
    case 'gone':
    case 'ended':
    case 'cancelled':
      return true;
  }
}

/** @param followed instances that a live record names */
export function orphanKeeper(
  provider: Provider,
  { state, worldClock, log, orphans }: OrphanDeps,
): (listing: Listing, followed: ReadonlySet<string>, context: CallContext) => Promise<void> {
  let suspected: ReadonlyMap<string, number> = new Map();
  let after = '';

  const claimedMs = (claimedAt: string): number => (worldClock.now() - Date.parse(claimedAt)) / worldClock.speed;
  /** Whoever deployed it died before the index had it, and its delivery does not come again. */
  const adopt = async ({ instance_id, request_id }: Ours): Promise<void> => {
    if (!(await state.create(liveKey(request_id), { decision_id: request_id })).created) return;
    orphans.with({ provider: provider.id, action: 'adopted' }).add();
    log.warn(
      { provider: provider.id, instance_id, decision_id: request_id },
      'instance that nobody followed is adopted',
    );
  };
  const isSuspect = async (one: Ours): Promise<boolean> => {
    const { instance_id: id, request_id: label } = one;
    const entry = await state.get(deploymentKey(label));
    const parsed = entry === null ? null : deploymentRecord.safeParse(entry.value);
    if (parsed === null || parsed.success) {
      const record = parsed?.data ?? null;
      if (record?.state === 'live' && record.instance_id === id) await adopt(one);
      return isOrphan(record, id, claimedMs);
    }
    const reason = describeIssues(parsed.error.issues);
    log.error({ decision_id: label, instance_id: id, reason }, 'deployment record cannot be read; its instance stays');
    return false;
  };
  /** True when it is gone. */
  const end = async ({ instance_id, request_id }: Ours, context: CallContext): Promise<boolean> => {
    const fields = { provider: provider.id, instance_id, decision_id: request_id };
    try {
      await provider.terminate(instance_id, context);
      orphans.with({ provider: provider.id, action: 'terminated' }).add();
      log.warn(fields, 'instance that nobody follows is terminated');
      return true;
    } catch (thrown) {
      const error = codedError(thrown);
      orphans.with({ provider: provider.id, action: 'failed' }).add();
      log.warn(
        { ...fields, code: error.code, error: error.cause ?? error },
        'instance that nobody follows is not terminated now',
      );
      return false;
    }
  };

  return async ({ byId }, followed, context) => {
    const strays = [...byId.values()].filter(isOurs).filter((one) => isBilled(one) && !followed.has(one.instance_id));
    const known = strays.filter((one) => suspected.has(one.instance_id));
    const others = inTurn(
      strays.filter((one) => !suspected.has(one.instance_id)),
      (one) => one.instance_id,
      after,
    );
    const looked = [...known, ...others].slice(0, LOOKED_AT);
    after = looked.findLast((one) => !suspected.has(one.instance_id))?.instance_id ?? after;
    const next = new Map<string, number>();
    await atMost(AT_ONCE, looked, async (one) => {
      if (!(await isSuspect(one))) return;
      const looks = (suspected.get(one.instance_id) ?? 0) + 1;
      if (looks < ORPHAN_LOOKS || !(await end(one, context))) next.set(one.instance_id, looks);
    });
    suspected = next;
  };
}

/** Of strangers nothing is touched. */
const isOurs = (status: InstanceStatus): status is Ours => status.request_id !== null;
