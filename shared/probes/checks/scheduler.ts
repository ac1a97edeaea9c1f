/**
 * The scheduler anchors: it ticks, no namespace backs off, and each has an anchor that is young, or gets one between two looks.
 * It answers 503 when it is degraded, and at a fresh start, with the same body; so the body is looked at whichever comes.
 */
import { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import { path } from '../answer-spec.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { moved, parseExposition, type Sample, samplesOf } from '../exposition.ts';
import { apart } from '../looks.ts';
import { requestTo } from '../request.ts';
import { fieldAt, jsonOf, notAnswered, remedyOfStatus, rounded, shown } from '../seen.ts';
import type { HttpSeen } from '../tools.ts';

const spec = z.strictObject({
  path: path.default('/health'),
  metrics_path: path.default('/metrics'),
  /** What it calls stale itself. */
  max_anchor_age_s: z.number().gt(0).max(604_800).default(3_600),
  /** It ticks every ten seconds, and calls itself unhealthy after sixty. */
  max_tick_age_s: z.number().gt(0).max(86_400).default(60),
  min_namespaces: z.int().min(0).max(1_000).default(1),
  /** Between two scrapes: an old anchor is no fault where vmsh_anchors_succeeded_total moves meanwhile. 0: no scrape. */
  apart_s: z.number().min(0).max(300).default(0),
});
type Spec = z.infer<typeof spec>;

interface Seen {
  readonly health: HttpSeen;
  /** Two scrapes, or none. */
  readonly scrapes: readonly HttpSeen[];
}

const MAX_BYTES = 1_048_576;
const SUCCEEDED = 'vmsh_anchors_succeeded_total';

export const schedulerCheck = defineCheck({
  kind: 'scheduler',
  on: 'url',
  spec,
  async observe(wanted: Spec, target, tools, context): Promise<Seen> {
    const get = (at: string): Promise<HttpSeen> => tools.http(requestTo(target, at, { maxBytes: MAX_BYTES }), context);
    const health = await get(wanted.path);
    if (wanted.apart_s === 0 || !health.answered) return { health, scrapes: [] };
    const before = await get(wanted.metrics_path);
    if (!before.answered) return { health, scrapes: [before] };
    await apart(wanted.apart_s, tools, context);
    return { health, scrapes: [before, await get(wanted.metrics_path)] };
  },
  judge(wanted, { health, scrapes }, nowMs): Verdict {
    if (!health.answered) return notAnswered(health);
    const { status } = health;
    const body = health.status === 200 || health.status === 503 ? readHealth(health.body) : null;
    if (body === null)
      return fail(
        { status, content_type: shown(health.headers['content-type'], 60) },
        status === 200 ? "Its answer is not the scheduler's: see which service answers there." : remedyOfStatus(status),
      );
    const { says, uptime_s, tickAgeS } = stateOf(body.root, nowMs);
    const namespaces = body.namespaces.map(([name, value]) => namespaceOf(name, value, nowMs));
    const evidence: Evidence = { status, says, uptime_s, namespaces: namespaces.length, tick_age_s: tickAgeS };

    if (tickAgeS === null || tickAgeS > wanted.max_tick_age_s)
      return fail(
        evidence,
        'It does not tick: it hangs or has just started; look at its log, and restart it if it stays so.',
      );
    if (namespaces.length < wanted.min_namespaces)
      return fail(
        { ...evidence, expected_namespaces: wanted.min_namespaces },
        'It anchors fewer namespaces than it should: look at its configuration, and whether its state was lost.',
      );
    const notOk = namespaces.filter((one) => one.status !== 'ok');
    const counted = movedNamespaces(scrapes);
    const old = namespaces.filter(
      ({ name, ageS }) => (ageS === null || ageS > wanted.max_anchor_age_s) && !counted.has(name),
    );
    const oldest = old.length === 0 ? {} : { old: listOf(old.map(({ name, ageS }) => `${name} ${ageText(ageS)}`)) };
    if (notOk.length > 0)
      return fail(
        {
          ...evidence,
          not_ok: listOf(notOk.map((one) => `${one.name} ${one.status} (backoff ${one.backoff})`)),
          ...oldest,
        },
        'Anchors of these namespaces fail or are late: vmsh_anchors_failed_total tells at which target; look at its log and its credentials.',
      );
    if (old.length > 0)
      return fail(
        { ...evidence, ...oldest, max_anchor_age_s: wanted.max_anchor_age_s },
        'These namespaces get no anchors though nothing fails: see whether there is something to anchor, and the cadence that is configured.',
      );
    if (status !== 200 || !/^(healthy|ok)$/i.test(says))
      return fail(evidence, 'It calls itself not healthy though its namespaces are well: look at its log.');
    return pass(evidence);
  },
});

/** Null: it is not what a scheduler says. */
function readHealth(
  text: string,
): { readonly root: unknown; readonly namespaces: readonly [string, unknown][] } | null {
  const root = jsonOf(text);
  const namespaces = fieldAt(root, 'namespaces');
  if (typeof namespaces !== 'object' || namespaces === null || Array.isArray(namespaces)) return null;
  return { root, namespaces: Object.entries(namespaces) };
}

function stateOf(root: unknown, nowMs: number) {
  const uptime = fieldAt(root, 'uptime');
  return {
    says: shown(fieldAt(root, 'status'), 40),
    uptime_s: typeof uptime === 'number' && Number.isFinite(uptime) ? rounded(uptime) : null,
    tickAgeS: ageOf(fieldAt(root, 'lastTick'), nowMs),
  };
}

interface Namespace {
  readonly name: string;
  readonly status: string;
  readonly backoff: string;
  /** Of its latest anchor; null: it has none. */
  readonly ageS: number | null;
}

function namespaceOf(name: string, value: unknown, nowMs: number): Namespace {
  return {
    name: shown(name, 60),
    status: shown(fieldAt(value, 'status'), 40),
    backoff: shown(fieldAt(value, 'backoff'), 20),
    ageS: ageOf(fieldAt(value, 'lastAnchor'), nowMs),
  };
}

/** Below, an epoch is in seconds: as milliseconds it would lie in 1973. */
const FIRST_MS = 1e11;

/** Seconds since an instant, or since the latest of several by cadence: in seconds or milliseconds of the epoch, or as a text. Null: never. */
function ageOf(at: unknown, nowMs: number): number | null {
  if (typeof at === 'object' && at !== null) {
    const ages = Object.values(at).flatMap((one) => ageOf(one, nowMs) ?? []);
    return ages.length === 0 ? null : Math.min(...ages);
  }
  const instant = typeof at === 'string' ? Date.parse(at) : at;
  if (typeof instant !== 'number' || !Number.isFinite(instant) || instant <= 0) return null;
  return rounded((nowMs - (instant < FIRST_MS ? instant * 1_000 : instant)) / 1_000);
}

/** Which got an anchor between the two scrapes. */
function movedNamespaces(scrapes: readonly HttpSeen[]): ReadonlySet<string> {
  const [before, after] = scrapes.map((seen) => {
    const parsed = seen.answered && seen.status === 200 ? parseExposition(seen.body) : { fault: 'no scrape' };
    return 'fault' in parsed ? null : samplesOf(parsed, SUCCEEDED);
  });
  if (before === undefined || before === null || after === undefined || after === null) return new Set();
  const of = (samples: readonly Sample[], name: string) => samples.filter(({ labels }) => labels['namespace'] === name);
  const names = new Set(after.map(({ labels }) => labels['namespace'] ?? ''));
  return new Set([...names].filter((name) => moved(of(before, name), of(after, name))));
}

const ageText = (ageS: number | null): string => (ageS === null ? 'never' : `${ageS} s`);
const listOf = (items: readonly string[]): string => shown(items.join(', '), 280);
