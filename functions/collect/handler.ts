import { providerOffer } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { PROVIDERS_OBJECT, providersSnapshot } from '#shared/domain/provider-report.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { isPreconditionFailed } from '#shared/registry/object-json.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { closeTogether } from '#shared/runtime/closing.ts';
import { httpFunction, json, parseJson, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { type LastWritten, lastWritten } from '#shared/serving/last-written.ts';
import { OFFERS_OBJECT, offersStaleLimitMs, parseOffersSnapshot } from '#shared/serving/offers.ts';
import { providerGauges } from '#shared/serving/provider-gauges.ts';
import { mergeOffers, type Polled } from './decide.ts';
import { reportsOf } from './report.ts';

export interface CollectDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  /** Closed at the drain. */
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly objects: Objects;
}

/** Some APIs take ten seconds for a list, and the clock asks once a minute. */
const RUN_MS = 25_000;

export function createCollect(deps: CollectDeps): FunctionApp {
  const show = providerGauges(deps.metrics);
  return httpFunction({
    name: 'collect',
    deps,
    deadlineMs: RUN_MS,
    routes: [
      {
        method: 'POST',
        path: '/run',
        handle: async (request) => json(200, await collect(deps, show, request.deadline, request.signal)),
      },
    ],
    stop: () => closeTogether(deps.providers.map((provider) => () => provider.close())),
  });
}

/** Of the run's time, kept from the providers: a slow one must leave time to write what the others gave. */
const WRITE_RESERVE_MS = 2_000;
const KEPT = 'provider gave no offers; its last ones stay';

interface CollectReport {
  readonly offers: number;
  readonly changed: number;
  readonly refused: number;
  readonly failed_providers: readonly string[];
  readonly generation: string | null;
}

async function collect(
  deps: CollectDeps,
  show: ReturnType<typeof providerGauges>,
  deadline: number,
  signal: AbortSignal,
): Promise<CollectReport> {
  const { objects, bus, worldClock, log, providers } = deps;
  const asked = providers.map((provider) => poll(deps, provider, deadline - WRITE_RESERVE_MS, signal));
  const polled = await Promise.all(asked);
  const last = await read(deps, OFFERS_OBJECT, parseOffersSnapshot);
  const nowMs = worldClock.now();
  const staleLimitMs = offersStaleLimitMs(worldClock.speed);
  const { snapshot, changed, answers, refused } = mergeOffers({ previous: last.value, polled, nowMs, staleLimitMs });
  const failed = answers.filter((answer) => answer.offers === null);
  for (const { provider, error } of failed)
    if (polled.some((answer) => answer.provider === provider && answer.offers !== null))
      log.warn({ provider, code: error?.code, error: error?.message }, KEPT);
  if (refused.length > 0)
    log.warn({ refused: refused.length, first: refused.slice(0, 3) }, 'offers that cannot be read are left out');

  // Everyone failed: the old snapshot keeps its age, which is the truth.
  const allFailed = failed.length === answers.length;
  if (!allFailed && changed.length > 0)
    await bus.publish(
      providerOffer.topic,
      changed.map((offer) => encodeEvent(providerOffer, offer)),
    );
  const old = last.generation === '0' ? null : last.generation;
  const generation = allFailed ? old : await write(objects, OFFERS_OBJECT, snapshot, last);

  const lastReports = await read(deps, PROVIDERS_OBJECT, (bytes) => parseJson(bytes, providersSnapshot));
  const reports = reportsOf({
    previous: lastReports.value,
    polled: answers,
    capabilities: new Map(providers.map(({ id, capabilities }) => [id, capabilities])),
    offers: snapshot.offers,
    nowMs,
  });
  await write(objects, PROVIDERS_OBJECT, reports, lastReports);
  for (const report of reports.providers) show(report.provider, report);
  return {
    offers: snapshot.offers.length,
    changed: changed.length,
    refused: refused.length,
    failed_providers: failed.map((answer) => answer.provider),
    generation,
  };
}

/** One adapter's failure, a bug in it included, must not take the others' offers away. */
async function poll(
  { log, hostClock }: CollectDeps,
  provider: Provider,
  deadline: number,
  signal: AbortSignal,
): Promise<Polled> {
  const sinceMs = hostClock.now();
  try {
    const offers = await provider.offers({}, { deadline, signal });
    return { provider: provider.id, offers, error: null, answeredMs: Math.max(0, hostClock.now() - sinceMs) };
  } catch (thrown) {
    const error = codedError(thrown);
    const { code, message } = error;
    log.warn({ provider: provider.id, code, error: error.cause ?? error }, KEPT);
    return { provider: provider.id, offers: null, error: { code, message }, answeredMs: null };
  }
}

/** One that cannot be read is replaced by this run's; what it knew of providers that fail right now is lost with it. */
async function read<T>(
  { objects, log }: CollectDeps,
  name: string,
  parse: (bytes: Uint8Array) => T,
): Promise<LastWritten<T>> {
  const last = await lastWritten(objects, name, parse);
  if (last.fault !== null)
    log.error({ object: name, error: last.fault }, 'the last snapshot cannot be read; it is replaced');
  return last;
}

/** The new generation; null when another run was faster: its snapshot is as fresh as ours. */
async function write(
  objects: Objects,
  name: string,
  value: object,
  { generation }: LastWritten<unknown>,
): Promise<string | null> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  try {
    return (await objects.write(name, bytes, { generationMatch: generation })).generation;
  } catch (error) {
    if (isPreconditionFailed(error)) return null;
    throw error;
  }
}
