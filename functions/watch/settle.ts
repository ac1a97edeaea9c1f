/**
 * What follows from looks at deployments, in the order that a kill may interrupt anywhere: what was reckoned is made durable, the
 * events are published while the billing of what is over is ended, then the record says so, and what is over is forgotten. What
 * a run has not finished the next one does again, with the same words.
 */
import { ENDED_TTL_MS } from '#shared/defaults.ts';
import { doubtKey, type OpenDeployment } from '#shared/domain/deployment.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { settlementOf } from '#shared/domain/settlement.ts';
import type { StateEntry } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { atMost } from '#shared/runtime/at-most.ts';
import { type Observation, published } from './decide.ts';
import type { WatchDeps } from './deps.ts';
import type { Live } from './live.ts';

export interface Followed {
  readonly live: Live;
  readonly observation: Observation;
}

export interface SettleTools extends Pick<WatchDeps, 'state' | 'bus' | 'log' | 'worldClock' | 'settled'> {
  /** Told of each deployment once, when this process has ended it. */
  readonly onEnded: (outcome: Outcome) => void;
}

export interface Settled {
  readonly ready: number;
  /** By their keys in the index of live deployments. */
  readonly ended: readonly string[];
}

/** Calls at one provider at a time: its adapter sets the pace. */
const TERMINATIONS_AT_ONCE = 8;

export async function settle(
  tools: SettleTools,
  provider: Provider,
  followed: readonly Followed[],
  context: CallContext,
): Promise<Settled> {
  const { bus, log } = tools;
  const noted = (await Promise.all(followed.map((one) => note(tools, one)))).filter((one) => one !== null);
  const over = noted.filter(({ record }) => record.ending !== null);
  const outcomes = noted.flatMap((one) => one.outcomes);
  const publish = async (): Promise<void> => {
    const events = outcomes.map((outcome) => encodeEvent(routingOutcome, outcome));
    if (events.length > 0) await bus.publish(routingOutcome.topic, events);
  };
  const endBilling = async (): Promise<void> => {
    await atMost(TERMINATIONS_AT_ONCE, over, (one) => terminate(tools, provider, one, context));
  };
  // Side by side: an instance must not be billed on because the bus is away, nor an outcome wait for its provider.
  await atMost(2, [publish, endBilling], (work) => work());
  for (const { decision_id, attempt, provider: by, status, final } of outcomes)
    log.info({ decision_id, attempt, provider: by, status, final }, 'outcome');
  const kept = (await Promise.all(noted.map(async (one) => ((await keep(tools, one)) ? one : null)))).filter(
    (one) => one !== null,
  );
  return {
    ready: kept.filter((one) => one.outcomes.some(({ final }) => !final)).length,
    ended: kept.filter(({ record }) => record.ending !== null).map(({ index }) => index.key),
  };
}

interface Noted {
  readonly index: StateEntry;
  readonly entry: StateEntry;
  /** As it is stored, or will be with its outcomes published. */
  readonly record: OpenDeployment;
  readonly outcomes: readonly Outcome[];
}

/** Null: somebody else has written meanwhile; the next run looks again. */
async function note({ state }: SettleTools, { live, observation }: Followed): Promise<Noted | null> {
  const { index, entry } = live;
  const { record, noteFirst, outcomes } = observation;
  const waits = outcomes.length > 0 && !noteFirst;
  if (record === live.record || waits) return { index, entry, record, outcomes };
  const written = await state.swap(entry.key, entry.version, record);
  return written === null ? null : { index, entry: written, record, outcomes };
}

/** Ends all billing, or leaves it on record to be ended. Never throws for the provider's sake. */
async function terminate(
  { state, log, worldClock }: SettleTools,
  provider: Provider,
  { record }: Noted,
  context: CallContext,
): Promise<void> {
  const { instance_id: instanceId, attempt, request } = record;
  if (instanceId === null) return;
  try {
    await provider.terminate(instanceId, context);
  } catch (thrown) {
    const error = codedError(thrown);
    const { decision_id } = request;
    const fields = { decision_id, attempt, provider: provider.id, instance_id: instanceId };
    log.warn({ ...fields, code: error.code, error: error.cause ?? error }, 'not terminated now; it is tried again');
    const since = rfc3339(worldClock.now());
    await state.create(doubtKey(decision_id, attempt), { ...fields, since });
  }
}

/** False: somebody else was faster, or it must come again. */
async function keep(tools: SettleTools, noted: Noted): Promise<boolean> {
  const { state, settled, log } = tools;
  const { index, entry, record, outcomes } = noted;
  const next = published(record, outcomes);
  if (next.state !== 'ended') {
    return outcomes.length === 0 || (await state.swap(entry.key, entry.version, next)) !== null;
  }
  const final = outcomes.at(-1);
  if (final === undefined) throw new Error('what is over has a final outcome');
  try {
    await settled?.(settlementOf(final));
  } catch (thrown) {
    const { code, message } = codedError(thrown);
    log.warn(
      { decision_id: final.decision_id, code, error: message },
      'not settled with the budgets; it is tried again',
    );
    return false;
  }
  const written = await state.swap(entry.key, entry.version, next, { ttlMs: ENDED_TTL_MS });
  // Lost to another run: the index stays, and the next run ends it with the same events.
  if (written === null) return false;
  await state.remove(index.key, index.version);
  tools.onEnded(final);
  return true;
}
