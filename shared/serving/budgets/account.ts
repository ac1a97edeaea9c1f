/**
 * One tenant's day: a sum in state that several processes change by compare-and-swap. What is asked for while a swap is under way shares
 * the next one.
 */
import { BUDGET_SWAP_TRIES } from '#shared/defaults.ts';
import { accountKey, type BudgetAccount, budgetAccount } from '#shared/domain/budget.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { TransientError } from '#shared/errors.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';

/** What an ask makes of the sum; null: refused, and the sum stays. */
export type Ask = (reservedMicroUsd: number) => number | null;

export interface Account {
  readonly day: string;
  /** Nothing is asked for or under way. */
  idle(): boolean;
  /**
   * Resolves when it is durable: the sum as it was before, and whether it was granted. Refused only by what is in state then, not by
   * what was read earlier.
   * @throws TransientError state_unavailable; then it may have been granted all the same
   */
  change(ask: Ask): Promise<Granted>;
}

export interface Granted {
  readonly granted: boolean;
  readonly beforeMicroUsd: number;
}

interface Waiting {
  readonly ask: Ask;
  readonly resolve: (granted: Granted) => void;
  readonly reject: (error: unknown) => void;
}

/** Of one swap; the rest shares the one after. */
const BATCH = 256;

export function openAccount(state: State, of: Pick<BudgetAccount, 'tenant_id' | 'day'>): Account {
  const key = accountKey(of);
  const queue: Waiting[] = [];
  let running = false;
  /** As it was written here last; null: it has to be read. */
  let known: StateEntry | null = null;

  const read = (entry: StateEntry | null): number => {
    if (entry === null) return 0;
    const parsed = budgetAccount.safeParse(entry.value);
    if (parsed.success) return parsed.data.reserved_micro_usd;
    throw new TransientError('state_unavailable', `${key} cannot be read: ${describeIssues(parsed.error.issues)}`);
  };
  const write = async (entry: StateEntry | null, reserved: number): Promise<StateEntry | null> => {
    const value: BudgetAccount = { ...of, reserved_micro_usd: reserved };
    if (entry !== null) return state.swap(key, entry.version, value);
    const { created, entry: made } = await state.create(key, value);
    return created ? made : null;
  };

  async function commit(batch: readonly Waiting[]): Promise<readonly Granted[]> {
    for (let attempt = 0; attempt < BUDGET_SWAP_TRIES; attempt++) {
      const entry = known ?? (await state.get(key));
      const fresh = known === null;
      known = null;
      const { answers, reserved, changed } = applied(batch, read(entry));
      // Another process may have given something back since.
      if (!fresh && answers.some(({ granted }) => !granted)) continue;
      if (!changed) {
        known = entry;
        return answers;
      }
      known = await write(entry, reserved);
      if (known !== null) return answers;
    }
    throw new TransientError('state_unavailable', `${key}: others changed it ${BUDGET_SWAP_TRIES} times meanwhile`);
  }

  async function run(): Promise<void> {
    running = true;
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH);
      try {
        const answers = await commit(batch);
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Granted);
      } catch (error) {
        known = null;
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return {
    day: of.day,
    idle: () => !running,
    change: (ask) =>
      new Promise((resolve, reject) => {
        queue.push({ ask, resolve, reject });
        if (!running) void run();
      }),
  };
}

/** One after the other; what is refused leaves room for smaller ones. Pure. */
function applied(batch: readonly Waiting[], before: number) {
  let reserved = before;
  const answers = batch.map(({ ask }): Granted => {
    const beforeMicroUsd = reserved;
    const next = ask(reserved);
    reserved = next ?? reserved;
    return { granted: next !== null, beforeMicroUsd };
  });
  return { answers, reserved, changed: reserved !== before };
}
