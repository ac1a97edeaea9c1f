/** The open learners, here and now: what the thread runs, and a test that wants none. */
import { baselinesOf, noRecord } from './baselines.ts';
import { entryOfRow } from './entry.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { Study } from './protocol.ts';
import { decodeStatistics } from './statistics.ts';

export function createStudy({ stopwatchMs }: { readonly stopwatchMs: () => number }): Study {
  const ledgers = new Map<string, Ledger>();
  const ledger = (name: string): Ledger => {
    const open = ledgers.get(name);
    if (open === undefined) throw new Error(`learner ${name} is not open`);
    return open;
  };
  return {
    async open({ name, statistics, model }) {
      ledgers.delete(name);
      const baselines = model === null ? noRecord : baselinesOf(model);
      const known = statistics === null ? null : decodeStatistics(name, statistics);
      const opened = createLedger(name, known, { baselines, stopwatchMs });
      ledgers.set(name, opened);
      return opened.standing();
    },
    take: async (name, entries) => ledger(name).take(entries),
    async readRecord(name, step) {
      if (step === 'end') return ledger(name).endReading();
      if (step !== 'begin') return ledger(name).read(step.flatMap((row) => entryOfRow(row) ?? []));
      ledger(name).beginReading();
      return {};
    },
    snapshot: async (name, nowMs, fresh) => ledger(name).snapshot(nowMs, fresh),
    posterior: async (name) => ledger(name).posterior(),
    async close(name) {
      ledgers.delete(name);
    },
    async stop() {
      ledgers.clear();
    },
  };
}
