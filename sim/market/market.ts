/**
 * The world outside: a market of GPU offers whose promises and truth differ. In: a spec, a seed and instants of the world
 * clock. Out: offers as advertised, instances that live and die, and what a choice is truly worth. Pure but for the store:
 * the same seed and the same calls give the same world, and a deployment's dice depend on (seed, label, offer) only, so
 * that policies can be compared on copies of one world (common random numbers).
 */
import { createHash } from 'node:crypto';
import { MS_PER_HOUR } from '#shared/defaults.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { createBook } from './book.ts';
import { expectationOf, type TrueExpectation } from './expectation.ts';
import { type BookedStatus, diceOf, endOf, fateOf, type Instance, statusAt, tenantFault } from './instance.ts';
import { combine, type Listing, listingsOf, NO_BURDEN } from './listings.ts';
import { pick } from './random.ts';
import { busyShare, hourOfDay, type Moment, ratesAt, shocksAt } from './rates.ts';
import { createRegister } from './register.ts';
import type { ScenarioEvent } from './scenario.ts';
import type { MarketSpec } from './spec.ts';
import { type MarketStore, memoryStore } from './store.ts';

/** Instances remembered for late questions; past it the oldest ended ones go. About 80 MB. */
const KEPT_INSTANCES = 100_000;

interface DeployOrder {
  readonly offerId: string;
  /** Names the deployment and its dice. */
  readonly label: string;
  readonly gpu_count: number;
  readonly gpu_hours: number;
  readonly workload_type: string;
  readonly nowMs: number;
  /** Kept with the instance, unread. */
  readonly note?: string;
}

/** A line of the audit. */
interface AuditLine {
  readonly label: string;
  readonly instance_id: string;
  readonly provider: string;
  readonly offer_id: string;
  readonly created_at: string;
  readonly ended_at: string | null;
  readonly billed_usd: number;
}

export interface Market {
  /** Canonical, in alphabetical order. */
  readonly providers: readonly string[];
  readonly spec: MarketSpec;
  readonly seed: number;
  /** Epoch milliseconds to which the hours of the scenario are relative. */
  readonly startMs: number;
  /** Every offer as advertised, or those of one GPU type and region (those that serve the whole globe included). */
  offers(nowMs: number, only?: { readonly gpu_type: string; readonly region: string }): Offer[];
  /** Always a new instance: idempotency by label is the provider's, and an audit must see its failure. @throws RejectedError offer_gone */
  deploy(order: DeployOrder): { readonly instance_id: string };
  /** The instances of a label, oldest first. */
  find(label: string): readonly Instance[];
  /** Who runs an instance; null: no such instance. */
  provider(instanceId: string): string | null;
  /** Null: no such instance. */
  status(instanceId: string, nowMs: number): BookedStatus | null;
  /** Those of a provider that have not ended, oldest first. */
  living(nowMs: number, provider: string): readonly BookedStatus[];
  /** True when it was still alive. */
  terminate(instanceId: string, nowMs: number): boolean;
  /** Given back by its customer, ended or not; true when it had not been. */
  release(instanceId: string, nowMs: number): boolean;
  /** Replaces what its provider remembers of it. */
  note(instanceId: string, note: string): void;
  /** As it is remembered, its whole fate; null: no such instance. */
  instance(instanceId: string): Instance | null;
  /** As they are remembered, oldest first. */
  ofProvider(provider: string): readonly Instance[];
  /** Every instance that is remembered, oldest first. */
  instances(nowMs: number): readonly AuditLine[];
  /** What a choice is truly worth at that load and hour, before it is made. @throws RejectedError offer_gone: never sold here */
  trueExpectation(workload: Workload, offerId: string, nowMs: number): TrueExpectation;
  /** The offer of the highest true expected utility, of those given or of all that the workload's limits admit; null: none. */
  oracle(
    workload: Workload,
    nowMs: number,
    among?: readonly string[],
  ): { readonly offer_id: string; readonly expectation: TrueExpectation } | null;
  close(): void;
}

export interface MarketOptions {
  readonly spec: MarketSpec;
  readonly seed: number;
  /** 0: promises hold. 1: the full truth of the spec. */
  readonly deviation: number;
  /** Start of the world, epoch milliseconds; a store remembers its first one. */
  readonly startMs?: number;
  /** Instead of the spec's own scenario. */
  readonly scenario?: readonly ScenarioEvent[];
  readonly store?: MarketStore;
  /** How many instances are remembered; default 100,000. Live ones always are. */
  readonly keepInstances?: number;
}

/** 2026-01-01T00:00:00Z. */
const DEFAULT_START_MS = 1_767_225_600_000;

/** @throws RejectedError config_invalid: a deviation outside 0..1 */
export function createMarket(options: MarketOptions): Market {
  const { spec, seed, deviation } = options;
  if (!(deviation >= 0 && deviation <= 1))
    throw new RejectedError('config_invalid', `deviation: expected a number from 0 to 1, got ${deviation}`);
  const store = options.store ?? memoryStore();
  const startMs = store.startMs(options.startMs ?? DEFAULT_START_MS);
  const listings = listingsOf(spec, seed, options.scenario ?? spec.scenario);
  const byOffer = new Map(listings.map((listing) => [listing.offer_id, listing]));
  const byCell = new Map<string, readonly Listing[]>();
  const book = createBook();
  const register = createRegister(store, book, options.keepInstances ?? KEPT_INSTANCES);

  const cell = (gpuType: string, region: string): readonly Listing[] => {
    const key = `${gpuType}\n${region}`;
    const known = byCell.get(key);
    if (known !== undefined) return known;
    const found = listings.filter(
      (listing) =>
        listing.gpu_type === gpuType &&
        (region === 'global' || listing.region === region || listing.region === 'global'),
    );
    // Words of strangers are not kept: only cells that sell something.
    if (found.length > 0) byCell.set(key, found);
    return found;
  };

  const hoursAt = (nowMs: number): number => (nowMs - startMs) / MS_PER_HOUR;

  const capacity = (listing: Listing, nowMs: number): { total: number; free: number; load: number } => {
    const total = listing.capacity_gpu_hours * listing.weather(hoursAt(nowMs)).capacity;
    const free = Math.max(0, total * (1 - busyShare(listing, nowMs)) - book.held(listing.offer_id, nowMs));
    return { total, free, load: 1 - free / total };
  };

  const momentOf = (nowMs: number, load: number): Moment => ({
    hours: hoursAt(nowMs),
    hour_of_day: hourOfDay(nowMs),
    load,
    deviation,
  });

  /** Why an order cannot be taken, or null. */
  const refusal = (
    listing: Listing,
    free: number,
    gpuHours: number,
    gpuCount: number,
    nowMs: number,
  ): string | null => {
    if (listing.weather(hoursAt(nowMs)).inactive) return 'inactive';
    if (gpuCount > listing.gpu_count) return `at most ${listing.gpu_count} GPUs, asked for ${gpuCount}`;
    if (gpuHours > free) return `${free.toFixed(1)} GPU-hours free, asked for ${gpuHours}`;
    return null;
  };

  const offerOf = (listing: Listing, nowMs: number, observedAt: string): Offer => {
    const weather = listing.weather(hoursAt(nowMs));
    const { total, free } = capacity(listing, nowMs);
    const hidden = (figure: (typeof listing.hides)[number]): boolean => listing.hides.includes(figure);
    return {
      provider: listing.provider,
      offer_id: listing.offer_id,
      gpu_type: listing.gpu_type,
      gpu_count: listing.gpu_count,
      gpu_count_min: null,
      region: listing.region,
      active: !weather.inactive,
      usd_per_gpu_hour: listing.usd_per_gpu_hour * weather.price,
      latency_ms: hidden('latency') ? null : listing.latency_ms * weather.latency,
      latency_source: 'advertised',
      reputation: hidden('reputation') ? null : listing.reputation * weather.reputation,
      reputation_source: 'advertised',
      capacity_gpu_hours: hidden('capacity') ? null : free,
      capacity_total_gpu_hours: hidden('capacity') ? null : total,
      observed_at: observedAt,
    };
  };

  const listingOf = (offerId: string): Listing => {
    const listing = byOffer.get(offerId);
    if (listing === undefined) throw new RejectedError('offer_gone', `offer ${offerId}: not sold here`);
    return listing;
  };

  const offers: Market['offers'] = (nowMs, only) => {
    const observedAt = rfc3339(nowMs);
    const chosen = only === undefined ? listings : cell(only.gpu_type, only.region);
    return chosen.map((listing) => offerOf(listing, nowMs, observedAt));
  };

  const trueExpectation: Market['trueExpectation'] = (workload, offerId, nowMs) => {
    const listing = listingOf(offerId);
    const { free, load } = capacity(listing, nowMs);
    const moment = momentOf(nowMs, load);
    const refused = refusal(listing, free, workload.gpu_hours, workload.gpu_count, nowMs) !== null;
    return expectationOf(
      workload,
      listing.burdens.map((burden) => {
        const rates = ratesAt(listing, moment, burden);
        return { share: burden.share, rates: refused ? { ...rates, gone: 1 } : rates };
      }),
    );
  };

  return {
    providers: [...new Set(listings.map((listing) => listing.provider))].sort(),
    spec,
    seed,
    startMs,
    offers,
    deploy({ offerId, label, gpu_count, gpu_hours, workload_type, nowMs, note = '' }) {
      const listing = listingOf(offerId);
      const { free, load } = capacity(listing, nowMs);
      const refused = refusal(listing, free, gpu_hours, gpu_count, nowMs);
      if (refused !== null) throw new RejectedError('offer_gone', `offer ${offerId}: ${refused}`);
      const dice = diceOf(seed, label, offerId);
      const moment = momentOf(nowMs, load);
      const kinds = listing.truth.modes.map((mode) => [mode, mode.share] as const);
      const node = kinds.length === 0 ? NO_BURDEN : pick(kinds, dice.mode);
      const rates = ratesAt(listing, moment, combine(node, shocksAt(listing, moment.hours)));
      if (dice.gone < rates.gone)
        throw new RejectedError('offer_gone', `offer ${offerId}: taken by another customer since it was listed`);
      // Rounded down: an instance is never younger than the instant that sees it.
      const createdMs = Math.floor(nowMs);
      const twins = register.labelled(label).filter((other) => other.offer_id === offerId).length;
      const instance: Instance = {
        instance_id: instanceId(seed, offerId, label, twins),
        label,
        provider: listing.provider,
        offer_id: offerId,
        workload_type,
        gpu_count,
        gpu_hours,
        created_ms: createdMs,
        fate: fateOf(
          {
            created_ms: createdMs,
            run_hours: gpu_hours / gpu_count,
            tenant_fault: tenantFault(seed, label, spec.tenant_fault_share),
            network_blame_share: spec.network_blame_share,
          },
          rates,
          dice,
        ),
        cancelled_ms: null,
        released_ms: null,
        note,
      };
      register.add(instance, nowMs);
      return { instance_id: instance.instance_id };
    },
    find: register.labelled,
    provider: (id) => register.get(id)?.provider ?? null,
    status(id, nowMs) {
      const instance = register.get(id);
      return instance === undefined ? null : statusAt(instance, nowMs);
    },
    living: (nowMs, provider) =>
      register
        .all()
        .filter((instance) => instance.provider === provider && nowMs < endOf(instance))
        .map((instance) => statusAt(instance, nowMs)),
    terminate(id, nowMs) {
      const instance = register.get(id);
      if (instance === undefined || endOf(instance) <= nowMs) return false;
      const at = Math.max(instance.created_ms, nowMs);
      register.replace({ ...instance, cancelled_ms: at, released_ms: at });
      return true;
    },
    release(id, nowMs) {
      const instance = register.get(id);
      if (instance === undefined || instance.released_ms !== null) return false;
      const at = Math.max(instance.created_ms, nowMs);
      const cancelled = endOf(instance) > nowMs ? at : instance.cancelled_ms;
      register.replace({ ...instance, cancelled_ms: cancelled, released_ms: at });
      return true;
    },
    note(id, note) {
      const instance = register.get(id);
      if (instance !== undefined) register.replace({ ...instance, note });
    },
    instance: (id) => register.get(id) ?? null,
    ofProvider: (provider) => register.all().filter((instance) => instance.provider === provider),
    instances: (nowMs) =>
      register.all().map((instance) => {
        const status = statusAt(instance, nowMs);
        return {
          label: instance.label,
          instance_id: instance.instance_id,
          provider: instance.provider,
          offer_id: instance.offer_id,
          created_at: status.created_at,
          ended_at: status.ended_at,
          billed_usd: status.cost_usd,
        };
      }),
    trueExpectation,
    oracle(workload, nowMs, among) {
      const ids = among ?? admitted(workload, offers(nowMs, workload));
      let best: { offer_id: string; expectation: TrueExpectation } | null = null;
      for (const id of ids) {
        const expectation = trueExpectation(workload, id, nowMs);
        if (best === null || expectation.expected_utility > best.expectation.expected_utility)
          best = { offer_id: id, expectation };
      }
      return best;
    },
    close: () => store.close(),
  };
}

/** The workload's own limits on advertised figures; a figure that is not published excludes nothing. */
const admitted = (workload: Workload, offers: readonly Offer[]): readonly string[] =>
  offers
    .filter(
      (offer) =>
        offer.active &&
        offer.gpu_count >= workload.gpu_count &&
        offer.usd_per_gpu_hour <= (workload.max_price ?? Number.POSITIVE_INFINITY) &&
        (offer.latency_ms ?? 0) <= (workload.max_latency_ms ?? Number.POSITIVE_INFINITY) &&
        (offer.reputation ?? 100) >= (workload.min_reputation ?? 0) &&
        (offer.capacity_gpu_hours ?? Number.POSITIVE_INFINITY) >= workload.gpu_hours,
    )
    .map((offer) => offer.offer_id);

const instanceId = (seed: number, offerId: string, label: string, nth: number): string =>
  `i-${createHash('sha256')
    .update(JSON.stringify([seed, offerId, label, nth]))
    .digest('hex')
    .slice(0, 20)}`;
