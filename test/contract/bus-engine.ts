import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PushResult } from '#shared/adapters/bus/embedded/decide.ts';
import { createEngine, type EmbeddedBus, type EngineConfig } from '#shared/adapters/bus/embedded/engine.ts';
import { openStore, type Store } from '#shared/adapters/bus/embedded/store.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { fakeLog, type LogLine } from './bus-log.ts';
import type { PushEnvelope } from './bus-recorder.ts';

/** A push that the engine made. It is open until it is answered, or the engine gives it up. */
export interface EnginePush {
  readonly subscription: string;
  readonly text: string;
  readonly messageId: string;
  readonly attempt: number | undefined;
  readonly orderingKey: string | undefined;
  readonly envelope: PushEnvelope;
  /** Since the harness was made, milliseconds of the fake clock. */
  readonly atMs: number;
  open: boolean;
  answer(result: number | string): void;
}

export interface EngineHarness {
  readonly bus: EmbeddedBus;
  readonly clock: FakeClock;
  readonly file: string;
  /** All pushes so far, over restarts too. */
  readonly pushes: EnginePush[];
  readonly log: LogLine[];
  open(): EnginePush[];
  /** Status, error text, or null to leave the push open. Asked at each push; null unless told. */
  respond(script: (push: EnginePush) => number | string | null): void;
  /** Lets commits happen and answers arrive, at the same moment of time. */
  settle(): Promise<void>;
  /** In steps of 50 ms, so that an answer is committed at the time it was given: use multiples. */
  advance(ms: number): Promise<void>;
  /** The process dies: nothing that is not committed happens, no answer arrives. */
  crash(): void;
  /** A new process on the same file, delivering unless told otherwise. */
  restart(change?: Partial<EngineConfig> & { readonly maxBytes?: number; readonly idle?: boolean }): Promise<void>;
  dispose(): Promise<void>;
}

/** One process: it ends with its timers, its pushes and its hold on the file. */
interface Life {
  readonly store: Store;
  readonly bus: EmbeddedBus;
  readonly timers: Set<() => void>;
  alive: boolean;
}

const STEP_MS = 50;
/** Turns of the loop from a publish to the commit of its answer: commit, push, answer, commit. */
const TURNS = 6;

/** The engine in process: fake clock, fake pushes, a real file. The jitter draw is 0, so delays are exact. */
export async function engineHarness(
  config: EngineConfig & { readonly maxBytes?: number; readonly random?: () => number },
): Promise<EngineHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'aurora-bus-'));
  const file = join(directory, 'bus.sqlite');
  const clock = fakeClock();
  const startMs = clock.now();
  const pushes: EnginePush[] = [];
  const log: LogLine[] = [];
  let script: (push: EnginePush) => number | string | null = () => null;
  let life: Life | null = null;

  function launch(options: EngineConfig & { readonly maxBytes?: number }): { store: Store; bus: EmbeddedBus } {
    const timers = new Set<() => void>();
    const me = { alive: true, timers };
    const { maxBytes, ...rest } = options;
    const store = openStore({ file, ...(maxBytes === undefined ? {} : { maxBytes }) });
    // Here a process dies, never the machine: waiting for the disk would only cost time.
    store.db.exec('PRAGMA synchronous = OFF');
    const bus = createEngine(rest, {
      store,
      clock: {
        now: clock.now,
        after(delayMs, run) {
          if (!me.alive) return () => undefined;
          const cancel = (): void => {
            timers.delete(cancel);
            cancelTimer();
          };
          const cancelTimer = clock.after(delayMs, () => {
            timers.delete(cancel);
            run();
          });
          timers.add(cancel);
          return cancel;
        },
      },
      random: config.random ?? (() => 0),
      log: fakeLog(log),
      push(url, body, end) {
        if (!me.alive) return () => undefined;
        const envelope = JSON.parse(body) as PushEnvelope;
        const push: EnginePush = {
          subscription: url.split('/').at(-1) ?? '',
          text: Buffer.from(envelope.message.data ?? '', 'base64').toString(),
          messageId: envelope.message.messageId,
          attempt: envelope.deliveryAttempt,
          orderingKey: envelope.message.orderingKey,
          envelope,
          atMs: clock.now() - startMs,
          open: true,
          answer(result) {
            if (!push.open || !me.alive) return;
            push.open = false;
            const ended: PushResult = typeof result === 'number' ? { status: result } : { error: result };
            end(ended);
          },
        };
        pushes.push(push);
        const result = script(push);
        if (result !== null) queueMicrotask(() => push.answer(result));
        return () => {
          push.open = false;
        };
      },
    });
    life = Object.assign(me, { store, bus });
    return { store, bus };
  }

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  };
  let bus: EmbeddedBus;
  try {
    ({ bus } = launch(config));
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  }
  return {
    get bus() {
      return bus;
    },
    clock,
    file,
    pushes,
    log,
    open: () => pushes.filter((push) => push.open),
    respond(next) {
      script = next;
    },
    settle,
    async advance(ms) {
      await settle();
      for (let left = ms; left > 0; left -= STEP_MS) {
        await clock.advance(Math.min(STEP_MS, left));
        await settle();
      }
    },
    crash() {
      if (life === null) return;
      life.alive = false;
      for (const cancel of [...life.timers]) cancel();
      if (life.store.db.isOpen) life.store.close();
      life = null;
      for (const push of pushes) push.open = false;
    },
    async restart(change = {}) {
      const { idle = false, ...rest } = change;
      ({ bus } = launch({ ...config, ...rest }));
      if (!idle) await bus.start();
      await settle();
    },
    async dispose() {
      for (const push of pushes) push.answer(204);
      if (life !== null) await bus.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
