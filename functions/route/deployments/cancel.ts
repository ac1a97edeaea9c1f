/**
 * A tenant gives its deployment up. Durable first: from then on deploy and watch end it, whatever becomes of this process; then its
 * provider is told at once, once, which only saves time.
 */
import { BUS_RETENTION_MS } from '#shared/defaults.ts';
import { type DeploymentRecord, deploymentKey, type OpenDeployment } from '#shared/domain/deployment.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import type { State } from '#shared/ports/state.ts';
import type { CallContext } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import type { Tools } from '../tools.ts';
import type { Found } from './find.ts';
import { read } from './find.ts';

/** Each lost one is a step of deploy or watch, of which a deployment takes few. */
const TRIES = 8;
/** Of telling the provider, host milliseconds: somebody waits. */
const TERMINATE_MS = 2_000;

/** The record as it is from now on: cancelled, open with `cancel_requested_at`, or ended already. @throws TransientError state_unavailable */
export async function requestEnd(state: State, first: Found, nowMs: number): Promise<DeploymentRecord> {
  let found: Found | null = first;
  for (let attempt = 0; attempt < TRIES && found !== null; attempt++) {
    const { record, entry, id } = found;
    if (record !== null && (isOver(record) || isGivenUp(record))) return record;
    const at = rfc3339(nowMs);
    const next: DeploymentRecord =
      record !== null && 'request' in record
        ? { ...record, cancel_requested_at: at }
        : { state: 'cancelled', cancelled_at: at };
    const written =
      entry === null
        ? // As long as its request may be on the way to deploy.
          (await state.create(deploymentKey(id), next, { ttlMs: BUS_RETENTION_MS })).created
        : (await state.swap(entry.key, entry.version, next)) !== null;
    if (written) return next;
    found = await read(state, id);
  }
  throw new TransientError('state_unavailable', `deployment ${first.id} was changed by others all the while`);
}

/** Nothing is left to be given up. */
export const isOver = (record: DeploymentRecord): boolean =>
  record.state === 'ended' || record.state === 'cancelled' || record.ending !== null;

const isGivenUp = (record: DeploymentRecord): boolean =>
  'cancel_requested_at' in record && record.cancel_requested_at !== null;

/** Never throws: what does not come to an end here watch ends. */
export async function terminateNow(
  { providers, hostClock, log }: Tools,
  { instance_id: instanceId, request }: OpenDeployment,
  context: CallContext,
): Promise<void> {
  if (instanceId === null) return;
  const { decision_id, option } = request;
  try {
    const provider = (await providers()).find(({ id }) => id === option.provider);
    const deadline = Math.min(context.deadline, hostClock.now() + TERMINATE_MS);
    await provider?.terminate(instanceId, { ...context, deadline });
  } catch (thrown) {
    const error = codedError(thrown);
    log.warn(
      { decision_id, instance_id: instanceId, code: error.code, error },
      'not terminated at once; watch does it',
    );
  }
}
