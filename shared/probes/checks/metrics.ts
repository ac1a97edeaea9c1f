/** Metrics can be scraped, in time, and the series that matter are there: in bounds, moving, fresh. */
import { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import { path } from '../answer-spec.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { type Exposition, moved, parseExposition, type Sample, samplesOf } from '../exposition.ts';
import { apart } from '../looks.ts';
import { requestTo } from '../request.ts';
import { notAnswered, remedyOfStatus, rounded, shown } from '../seen.ts';
import type { HttpSeen } from '../tools.ts';

const series = z
  .strictObject({
    name: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$/, 'expected the name of a series'),
    /** Those that are looked at have these, and maybe more. */
    labels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,99}$/), z.string().max(200)).default({}),
    /** One of them at least differs between the two scrapes. */
    moves: z.boolean().default(false),
    /** Each of them. */
    min: z.number().optional(),
    max: z.number().optional(),
    /** Of such as carry a timestamp. */
    max_age_s: z.number().gt(0).max(86_400).default(300),
  })
  .refine(({ min = -Infinity, max = Infinity }) => min <= max, 'expected min <= max');
type Series = z.infer<typeof series>;

const spec = z.strictObject({
  path: path.default('/metrics'),
  series: z.array(series).min(1).max(64),
  /** Between the two scrapes; there is one where nothing is to move. */
  apart_s: z.number().gt(0).max(300).default(5),
  /** Of each scrape; absent: as long as it likes. */
  max_ms: z.number().gt(0).max(600_000).optional(),
  max_bytes: z.int().min(1).max(16_777_216).default(4_194_304),
});
type Spec = z.infer<typeof spec>;

interface Seen {
  readonly first: HttpSeen;
  /** Null: one was enough. */
  readonly second: HttpSeen | null;
}

export const metricsCheck = defineCheck({
  kind: 'metrics',
  on: 'url',
  spec,
  async observe(wanted: Spec, target, tools, context): Promise<Seen> {
    const headers = { accept: 'text/plain;version=0.0.4' };
    const request = requestTo(target, wanted.path, { headers, maxBytes: wanted.max_bytes });
    const scrape = (): Promise<HttpSeen> => tools.http(request, context);
    const first = await scrape();
    const twice = 'samples' in scrapeOf(first) && wanted.series.some(({ moves }) => moves);
    if (!twice) return { first, second: null };
    await apart(wanted.apart_s, tools, context);
    return { first, second: await scrape() };
  },
  judge(wanted, { first, second }, nowMs): Verdict {
    const before = scrapeOf(first);
    if ('status' in before) return before;
    const after = second === null ? before : scrapeOf(second);
    if ('status' in after) return after;
    const evidence: Evidence = { samples: after.samples.length, ms: rounded((second ?? first).ms) };
    for (const one of wanted.series) {
      const fault = faultOf(one, before, after, nowMs);
      if (fault !== null) return fail({ ...evidence, series: nameOf(one), ...fault.evidence }, fault.remedy);
    }
    const slowest = rounded(Math.max(first.ms, second?.ms ?? 0));
    if (wanted.max_ms !== undefined && slowest > wanted.max_ms)
      return fail(
        { ...evidence, slowest_ms: slowest, max_ms: wanted.max_ms },
        'The scrape takes too long: see whether the service lacks CPU, or has grown more series than it can write in time.',
      );
    return pass({ ...evidence, series: wanted.series.length });
  },
});

function scrapeOf(seen: HttpSeen): Exposition | Verdict {
  if (!seen.answered) return notAnswered(seen);
  if (seen.status !== 200) return fail({ status: seen.status, ms: rounded(seen.ms) }, remedyOfStatus(seen.status));
  const parsed = parseExposition(seen.body);
  if (!('fault' in parsed)) return parsed;
  return fail(
    { reason: shown(parsed.fault, 250), content_type: shown(seen.headers['content-type'], 60) },
    'What it answers is no text of metrics: see whether the path is right and which service answers.',
  );
}

interface Fault {
  readonly evidence: Evidence;
  readonly remedy: string;
}

function faultOf(wanted: Series, before: Exposition, after: Exposition, nowMs: number): Fault | null {
  const { name, labels, min = -Infinity, max = Infinity } = wanted;
  const found = samplesOf(after, name, labels);
  if (found.length === 0)
    return {
      evidence: { found: 0, with_other_labels: samplesOf(after, name).length },
      remedy:
        'The series is not there: see whether the version that runs has it, and whether what it counts has begun.',
    };
  const bounded = wanted.min !== undefined || wanted.max !== undefined;
  const out = bounded ? found.find(({ value }) => !(value >= min && value <= max)) : undefined;
  if (out !== undefined)
    return {
      evidence: { value: asEvidence(out), expected: `${min} to ${max}` },
      remedy: 'The value is out of its bounds: see what the series measures, and look at the service for why.',
    };
  const old = found.find(({ timestampMs }) => timestampMs !== null && nowMs - timestampMs > wanted.max_age_s * 1_000);
  if (old !== undefined)
    return {
      evidence: { age_s: rounded((nowMs - (old.timestampMs ?? nowMs)) / 1_000), max_age_s: wanted.max_age_s },
      remedy: 'The value is an old one: see whether what writes it still runs.',
    };
  if (!wanted.moves || moved(samplesOf(before, name, labels), found)) return null;
  const [one] = found;
  return {
    evidence: { found: found.length, value: one === undefined ? null : asEvidence(one), moves: false },
    remedy: 'It stands still: see whether the service still works, or only answers; restart it if it hangs.',
  };
}

/** Evidence holds no NaN. */
const asEvidence = ({ value }: Sample): number | string => (Number.isFinite(value) ? value : String(value));

function nameOf({ name, labels }: Series): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return shown(pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`, 250);
}
