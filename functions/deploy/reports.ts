/**
 * What deploy says of each provider: `deployer/<provider>` in state, for whoever decides where to send the next. Beside the work,
 * never in its way: a change is written at once, the rest at most every two seconds, one write at a time; what fails is logged and
 * overtaken by the next.
 */

import { rfc3339 } from '#shared/domain/primitives.ts';
import { type DeployerReport, deployerKey, deployerReport } from '#shared/domain/provider-report.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State } from '#shared/ports/state.ts';
import type { Breaker } from '#shared/runtime/breaker.ts';

export interface Reporter {
  /** A process that begins asks anew: what refused the last one may have been mended meanwhile. */
  begin(): Promise<void>;
  /** A request was taken that had waited so long, host milliseconds. */
  took(waitedMs: number): void;
  /** The provider does not want us, and will not of itself; null: it has done what it was asked. */
  refuses(refusing: DeployerReport['refusing']): void;
  /** The breaker may have changed. */
  changed(): void;
  /** Resolves when nothing is being written any more. */
  stop(): Promise<void>;
}

export type ReportDeps = { readonly state: State; readonly hostClock: HostClock; readonly log: Log };

/** Host milliseconds: readers look as often. */
const EVERY_MS = 2_000;

export function createReporter(breaker: Breaker, { state, hostClock, log }: ReportDeps): Reporter {
  const provider = breaker.name;
  const key = deployerKey(provider);
  let waitedMs = 0;
  let refusing: DeployerReport['refusing'] = null;
  let news = false;
  /** What was urgent in the last report, and when it was written. */
  let last = { urgent: '', atMs: Number.NEGATIVE_INFINITY };
  let version: string | null = null;
  let writing: Promise<void> | null = null;
  let cancelLater: (() => void) | null = null;
  let stopped = false;

  const urgent = (): string => JSON.stringify([breaker.state().name, refusing]);

  const write = async (): Promise<void> => {
    last = { urgent: urgent(), atMs: hostClock.now() };
    const report: DeployerReport = {
      provider,
      at: rfc3339(last.atMs),
      waited_ms: waitedMs,
      breaker: breaker.state().name,
      refusing,
    };
    try {
      version = await put(report);
    } catch (error) {
      version = null;
      log.warn({ provider, error }, 'report of the deployer is not written now');
    }
  };
  /** Whoever writes last is right: a provider has one deployer at a time. Null: somebody wrote in between. */
  const put = async (report: DeployerReport): Promise<string | null> => {
    const swapped = version === null ? null : await state.swap(key, version, report);
    if (swapped !== null) return swapped.version;
    const { created, entry } = await state.create(key, report);
    return created ? entry.version : ((await state.swap(key, entry.version, report))?.version ?? null);
  };
  const schedule = (): void => {
    if (stopped || !news || writing !== null) return;
    cancelLater?.();
    cancelLater = null;
    const waitMs = urgent() === last.urgent ? last.atMs + EVERY_MS - hostClock.now() : 0;
    if (waitMs > 0) {
      cancelLater = hostClock.after(waitMs, schedule);
      return;
    }
    news = false;
    writing = write().finally(() => {
      writing = null;
      schedule();
    });
  };
  const note = (isNews: boolean): void => {
    news ||= isNews;
    schedule();
  };

  return {
    async begin() {
      try {
        const before = deployerReport.safeParse((await state.get(key))?.value);
        if (before.success) note(before.data.refusing !== null);
      } catch (error) {
        log.warn({ provider, error }, 'report of the last deployer cannot be read now; it stays');
      }
    },
    took(ms) {
      waitedMs = ms;
      note(true);
    },
    refuses(why) {
      refusing = why;
      note(urgent() !== last.urgent);
    },
    changed: () => note(true),
    async stop() {
      stopped = true;
      cancelLater?.();
      await writing;
    },
  };
}
