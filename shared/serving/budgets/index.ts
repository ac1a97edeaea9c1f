/**
 * What tenants with a daily budget may spend, over all instances. Promise: at no moment do the decisions on record cost more, by what
 * their dearest offers may come to, than is reserved; and nothing is reserved past the limit. Who dies on the way leaves too much
 * reserved, never too little.
 *   reserve   before a decision is durable: its estimate, by compare-and-swap
 *   hold      once it is: the estimate under its id; or release, when it turns out to be decided already
 *   settle    at its end: what it really cost takes the estimate's place, once
 */
import { INTENT_TTL_MS, MS_PER_DAY, MS_PER_HOUR } from '#shared/defaults.ts';
import {
  accountKey,
  accountPrefix,
  type BudgetHold,
  budgetHold,
  holdKey,
  microUsd,
  type Reservation,
} from '#shared/domain/budget.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { OnSettled } from '#shared/domain/settlement.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import { RejectedError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import { type Account, openAccount } from './account.ts';

export interface Budgets {
  /**
   * Null: the tenant has no daily limit.
   * @throws RejectedError budget_exceeded: nothing is reserved; TransientError state_unavailable: perhaps it is
   */
  reserve(tenant: Tenant, usd: number): Promise<Reservation | null>;
  /** Gives back what no decision stands for. @throws TransientError: then it may stay reserved */
  release(reservation: Reservation): Promise<void>;
  /** Create-only: repeating it changes nothing. */
  hold(decisionId: string, reservation: Reservation): Promise<void>;
  /**
   * Credits what a decision's deployment cost less than was reserved for it, or charges what it cost more; where nobody knows the cost,
   * what is reserved stays. Idempotent by the decision's id; nothing happens where nothing is held: the tenant has no budget, or its
   * day is long over. Who is killed in between leaves a credit out, or a charge in twice.
   */
  readonly settle: OnSettled;
}

export interface BudgetsDeps {
  readonly state: State;
  readonly worldClock: WorldClock;
  readonly log: Log;
}

/** Accounts of former days that are kept for whoever looks. */
const KEEP_DAYS = 7;
/** Removed at the beginning of a day, of one tenant. */
const REMOVED_AT_ONCE = 64;

export function createBudgets({ state, worldClock, log }: BudgetsDeps): Budgets {
  const accounts = new Map<string, Account>();

  function accountOf(of: Pick<Reservation, 'tenant_id' | 'day'>): Account {
    const key = accountKey(of);
    const there = accounts.get(key);
    if (there !== undefined) return there;
    for (const [old, account] of accounts) if (account.day < of.day && account.idle()) accounts.delete(old);
    const account = openAccount(state, of);
    accounts.set(key, account);
    return account;
  }
  /** Back, or with a figure below 0 further in. */
  const credit = async (of: Reservation, microUsdBack: number): Promise<void> => {
    await accountOf(of).change((reserved) => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, reserved - microUsdBack)));
  };
  /** Past the end of its day a hold is of no use; and it outlives the intent, from which it could be made anew. */
  const holdTtlMs = (of: Pick<Reservation, 'day'>): number => {
    const dayEndsMs = (Date.parse(of.day) + MS_PER_DAY - worldClock.now()) / worldClock.speed;
    return Math.ceil(Math.max(INTENT_TTL_MS, dayEndsMs)) + MS_PER_HOUR;
  };
  /** The first of a day tidies up after the days before. Failing costs only space. */
  const forget = (tenantId: string, before: string): void => {
    removeOld(state, accountPrefix(tenantId), before).catch((error: unknown) =>
      log.warn({ tenant_id: tenantId, error: String(error) }, 'old budget accounts stay until tomorrow'),
    );
  };

  return {
    async reserve({ tenant_id, daily_usd }, usd) {
      if (daily_usd === null) return null;
      const nowMs = worldClock.now();
      const reservation = { tenant_id, day: rfc3339(nowMs).slice(0, 10), micro_usd: microUsd(usd) };
      const limit = microUsd(daily_usd);
      const { granted, beforeMicroUsd } = await accountOf(reservation).change((reserved) =>
        reserved + reservation.micro_usd > limit ? null : reserved + reservation.micro_usd,
      );
      if (!granted) throw exceeded({ usd, daily_usd, day: reservation.day, leftMicroUsd: limit - beforeMicroUsd });
      if (beforeMicroUsd === 0) forget(tenant_id, rfc3339(nowMs - KEEP_DAYS * MS_PER_DAY).slice(0, 10));
      return reservation;
    },
    release: (reservation) => credit(reservation, reservation.micro_usd),
    async hold(decisionId, reservation) {
      const value: BudgetHold = { ...reservation, settled: false };
      await state.create(holdKey(decisionId), value, { ttlMs: holdTtlMs(reservation) });
    },
    async settle({ decision_id: decisionId, cost_usd: costUsd }) {
      const entry = await state.get(holdKey(decisionId));
      if (entry === null) return;
      const parsed = budgetHold.safeParse(entry.value);
      if (!parsed.success) {
        // Nobody can say what it was: it stays reserved, and holds up nobody.
        log.error({ key: entry.key, reason: describeIssues(parsed.error.issues) }, 'a hold on a budget cannot be read');
        return;
      }
      const held = parsed.data;
      if (held.settled) return;
      const left = costUsd === null ? 0 : held.micro_usd - microUsd(costUsd);
      // A charge before it is noted, a credit after: whoever dies in between errs to the safe side.
      if (left < 0) await credit(held, left);
      const noted = await note(state, entry, held, holdTtlMs(held));
      if (noted && left > 0) await credit(held, left);
    },
  };
}

/** False: another settles it. */
const note = async (state: State, entry: StateEntry, held: BudgetHold, ttlMs: number): Promise<boolean> =>
  (await state.swap(entry.key, entry.version, { ...held, settled: true } satisfies BudgetHold, { ttlMs })) !== null;

async function removeOld(state: State, prefix: string, before: string): Promise<void> {
  const page = await state.list(prefix, { limit: REMOVED_AT_ONCE });
  const old = page.filter(({ key }) => key < prefix + before);
  await Promise.all(old.map(({ key, version }) => state.remove(key, version)));
}

function exceeded(of: {
  readonly usd: number;
  readonly daily_usd: number;
  readonly day: string;
  readonly leftMicroUsd: number;
}): RejectedError {
  const left = Math.max(0, of.leftMicroUsd) / 1e6;
  return new RejectedError(
    'budget_exceeded',
    `expected a deployment of at most ${left} USD, which is left of ${of.daily_usd} USD for ${of.day}; this one may come to ${of.usd}`,
    { details: { left_usd: left, daily_usd: of.daily_usd, needed_usd: of.usd, day: of.day } },
  );
}
