/** The platform of one machine: everything in one directory, for the processes that share it. */
import { join } from 'node:path';
import { loadWorldOrigin, saveWorldOrigin } from './adapters/clock/world-file.ts';
import type { Config } from './config.ts';
import type { TableName } from './domain/tables.ts';
import type { Platform, PlatformOptions } from './platform.ts';
import type { NotCopied } from './platform-backup.ts';
import { layoutMarker, refuseMissingStores } from './platform-layout.ts';
import { openPorts, saltIn } from './platform-ports.ts';
import type { Bus, BusAdmin, SubscriptionConfig } from './ports/bus.ts';
import type { HostClock, WorldClock } from './ports/clock.ts';
import type { Warehouse } from './ports/warehouse.ts';
import { closeInTurn } from './runtime/closing.ts';
import { makeDirectory } from './runtime/make-directory.ts';
import { createWorldClock } from './runtime/world-clock.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { ackDeadlineMs, BACKOFF, deadLetterTopicOf, SUBSCRIPTIONS, TOPIC_LIMITS, TOPICS } from './topology.ts';

/** Where each function listens, for the bus that pushes to it. */
export type PushUrls = Readonly<Record<string, string>>;

/** A topic with its one subscription that others than our functions work off, for `publishJob`. */
export interface LocalQueue {
  readonly topic: string;
  readonly subscription: string;
  /** Whose URL, of those that `start` is told, takes the pushes. */
  readonly worker: string;
}

/** The embedded bus: also delivers, and may be administered. */
export interface LocalBus extends Bus, BusAdmin {
  /** Begins to deliver, to the functions that have a URL; the others' messages wait. */
  start(urls: PushUrls): Promise<void>;
  /** No further push; those under way go on. What comes in waits for the next start. */
  pause(): Promise<void>;
}

/** The embedded warehouse: its file can be copied and trimmed. */
export interface LocalWarehouse extends Warehouse {
  removeBefore(table: TableName, instant: string): Promise<number>;
  backup(file: string): Promise<void>;
}

export interface LocalPlatform extends Platform {
  bus(): Promise<LocalBus>;
  warehouse(): Promise<LocalWarehouse>;
  /**
   * Copies all state into an empty directory, from which a platform can start. Work may go on meanwhile. Answers the damaged
   * objects, which the copy does not have.
   */
  backup(directory: string): Promise<readonly NotCopied[]>;
}

export interface LocalPlatformOptions extends PlatformOptions {
  /** This process moves world time and saves it; others of the same directory only read where it stands. */
  readonly keepsWorldTime: boolean;
  /** Bus and state in this thread: a process that lives for one command is sooner done than a thread has started. Default: in their own. */
  readonly inProcess?: boolean;
  /** Beside those of the loop, which stand in topology.ts. */
  readonly queues?: readonly LocalQueue[];
  readonly chaos?: { readonly seed: number; readonly duplicate: number; readonly reorder: number };
}

const WORLD_SAVE_EVERY_MS = 1_000;

/** @throws RejectedError store_corrupt when a store that was there is missing, or does not say where world time stood */
export async function createEmbeddedPlatform(options: LocalPlatformOptions): Promise<LocalPlatform> {
  const { config, hostClock, log, random, queues = [] } = options;
  const directory = config.directory;
  await makeDirectory(directory);
  await refuseMissingStores(directory);
  const markIfWhole = layoutMarker(directory, log);
  const worldClock = await openWorldClock(config, hostClock);
  const ports = openPorts(markIfWhole);
  const { lazily } = ports;

  const state = lazily(async () => {
    const { createSqliteState } = await import('./adapters/state/sqlite.ts');
    const file = join(directory, 'state.sqlite');
    return createSqliteState({ file, hostClock, ...(options.inProcess === true ? {} : { thread: { log } }) });
  });
  const objects = lazily(async () => {
    const { createFilesystemObjects } = await import('./adapters/objects/filesystem.ts');
    return createFilesystemObjects({ directory: join(directory, 'objects') });
  });
  const warehouse = lazily(async () => {
    const { createDuckdbWarehouse } = await import('./adapters/warehouse/duckdb.ts');
    return createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb'), log });
  });
  const bus = lazily(async () => {
    const { createEmbeddedBus } = await import('./adapters/bus/embedded/index.ts');
    const embedded = await createEmbeddedBus({
      file: join(directory, 'bus.sqlite'),
      topics: [...TOPICS, ...queues.map(({ topic }) => topic)],
      topicLimits: TOPIC_LIMITS,
      subscriptions: subscriptionConfigs({}, queues),
      hostClock,
      random,
      log,
      inProcess: options.inProcess ?? false,
      ...(options.chaos === undefined ? {} : { chaos: options.chaos }),
    });
    return { ...embedded, start: (urls: PushUrls) => embedded.start(subscriptionConfigs(urls, queues)) };
  });
  const salt = saltIn(state);

  const stopSaving = options.keepsWorldTime ? keepWorldTime(options, worldClock, markIfWhole) : async () => undefined;
  return {
    config,
    hostClock,
    worldClock,
    log,
    metrics: createMetrics(),
    bus,
    deadLetters: bus,
    countDeadLetters: async () => ({
      count: await (await bus()).countDeadLetters(),
      lookedAt: 'the bus of this machine',
      ageMs: 0,
      fullest: null,
    }),
    warehouse,
    estimate: null,
    objects,
    state,
    async publishJob(topic, data) {
      await (await bus()).publish(topic, [{ data, attributes: {} }]);
    },
    backlog: async (name) =>
      (await (await bus()).stats()).find(({ subscription }) => subscription === name)?.backlog ?? null,
    identity: null,
    clusterToken: null,
    startJob: null,
    salt,
    async backup(target) {
      const { backUp } = await import('./platform-backup.ts');
      return backUp({ from: directory, to: target, objects: await objects(), warehouse: await warehouse() });
    },
    close: () => closeInTurn([stopSaving, ports.close]),
  };
}

const worldFile = (config: Config): string => join(config.directory, 'world-clock.json');

async function openWorldClock(config: Config, hostClock: HostClock): Promise<WorldClock> {
  const now = hostClock.now();
  const origin = await loadWorldOrigin(worldFile(config), now, WORLD_SAVE_EVERY_MS);
  return createWorldClock({ hostClock, speed: config.speed, originHostMs: now, originWorldMs: origin ?? now });
}

/** Saves world time each second; the answer saves once more and stops. */
function keepWorldTime(
  { config, hostClock, log }: LocalPlatformOptions,
  worldClock: WorldClock,
  saved: () => Promise<void>,
): () => Promise<void> {
  let stopped = false;
  let cancel: () => void = () => undefined;
  let saving: Promise<void> = Promise.resolve();
  const save = (): Promise<void> =>
    saveWorldOrigin(worldFile(config), {
      world_ms: worldClock.now(),
      host_ms: hostClock.now(),
      speed: worldClock.speed,
    });
  const tick = (): void => {
    saving = save()
      .then(saved)
      .catch((error: unknown) =>
        log.warn({ error: String(error) }, 'world time could not be saved; a restart may repeat the last seconds'),
      )
      .finally(() => {
        if (!stopped) cancel = hostClock.after(WORLD_SAVE_EVERY_MS, tick);
      });
  };
  tick();
  return async () => {
    stopped = true;
    cancel();
    await saving;
    await save();
    await saved();
  };
}

/**
 * Who works jobs off may be asleep for as long as he likes, so nothing is ever given up (attempts count only where there is a topic for dead
 * letters): it waits until its retention ends. He is asked again every two seconds at most, for he is to get it soon after he is awake.
 */
const QUEUE_LIMITS = {
  ackDeadlineMs: 60_000,
  minBackoffMs: BACKOFF.embedded.minMs,
  maxBackoffMs: 2_000,
  maxAttempts: 1,
  deadLetterTopic: null,
  ordered: false,
  maxInFlight: 16,
  perishable: true,
} as const satisfies Partial<SubscriptionConfig>;

function subscriptionConfigs(urls: PushUrls, queues: readonly LocalQueue[]): readonly SubscriptionConfig[] {
  const jobs = queues.map(({ topic, subscription, worker }) => ({
    ...QUEUE_LIMITS,
    name: subscription,
    topic,
    pushUrl: urls[worker] ?? null,
  }));
  const ours = SUBSCRIPTIONS.map((spec) => ({
    name: spec.name,
    topic: spec.topic,
    pushUrl: urls[spec.function] ?? null,
    ackDeadlineMs: ackDeadlineMs(spec),
    minBackoffMs: BACKOFF.embedded.minMs,
    maxBackoffMs: BACKOFF.embedded.maxMs,
    maxAttempts: spec.maxAttempts,
    deadLetterTopic: deadLetterTopicOf(spec.topic),
    ordered: spec.ordered,
    maxInFlight: spec.maxInFlight,
  }));
  return [...ours, ...jobs];
}
