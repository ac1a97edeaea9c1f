/**
 * The platform: config in, ports out. Its parts (platform-*.ts) are the only importers of adapters. Each port opens on
 * first use, once, so that a function loads only what it uses (score never loads the warehouse or the bus).
 */
import type { Config } from './config.ts';
import type { Bus, DeadLetterCount, DeadLetters } from './ports/bus.ts';
import type { HostClock, WorldClock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { Objects } from './ports/objects.ts';
import type { State } from './ports/state.ts';
import type { EstimateQuery, Warehouse } from './ports/warehouse.ts';
import type { Metrics } from './telemetry/metrics.ts';

export interface Platform {
  readonly config: Config;
  readonly hostClock: HostClock;
  readonly worldClock: WorldClock;
  readonly log: Log;
  readonly metrics: Metrics;
  bus(): Promise<Bus>;
  /** For whoever looks after it; no function does. */
  deadLetters(): Promise<DeadLetters>;
  /** Takes none of them. @throws TransientError upstream_unavailable, bus_unavailable */
  countDeadLetters(): Promise<DeadLetterCount>;
  warehouse(): Promise<Warehouse>;
  /** What a query would read, without running it; null: nothing is billed by what is read. */
  readonly estimate: EstimateQuery | null;
  objects(): Promise<Objects>;
  state(): Promise<State>;
  /**
   * Puts a message on a topic that others work off and that is none of ours: in the cloud any of the project, or `projects/P/topics/T`.
   * @throws RejectedError topic_unknown; TransientError bus_unavailable: also when it is refused
   */
  publishJob(topic: string, data: Uint8Array): Promise<void>;
  /** Undelivered messages of a subscription; null: this platform cannot tell within a request. */
  backlog(subscription: string): Promise<number | null>;
  /** ID tokens for services of ours, by their URL; null: they are called without. */
  readonly identity: ((audience: string) => Promise<string>) | null;
  /** Access tokens for the API of a cluster, which know the account by its e-mail address; null: nobody gives any here. */
  readonly clusterToken: (() => Promise<string>) | null;
  /** Hands this function's work on an event, as the body of a push, to a process of its own, which has the time; null: there is none. */
  readonly startJob: ((event: string) => Promise<void>) | null;
  /** Secret of the sampling draws, and the id under which decisions name it. */
  salt(): Promise<Salt>;
  /** What keeps time is saved; everything that was opened is closed, in reverse order, whatever one of them throws. */
  close(): Promise<void>;
}

export interface Salt {
  readonly id: string;
  readonly secret: string;
}

export interface PlatformOptions {
  readonly config: Config;
  readonly hostClock: HostClock;
  readonly log: Log;
  /** Uniform in [0, 1); jitter of backoff only. */
  readonly random: () => number;
  /** In the cloud, whose tokens read objects: the machine's (default), or those of a person on any machine. */
  readonly identity?: 'metadata server' | 'application default';
}
