/** Score answers fast, with a model that is there and young, on offers that are. */
import { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import { routeRequest } from '#shared/domain/request.ts';
import { path, requestHeaders } from '../answer-spec.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { requestTo } from '../request.ts';
import { type Answer, fieldAt, jsonOf, notAnswered, p95, remedyOfStatus, rounded, shown } from '../seen.ts';
import type { HttpSeen } from '../tools.ts';

const spec = z.strictObject({
  path: path.default('/agent/route'),
  headers: requestHeaders.default({}),
  request: routeRequest.default({ workload_type: 'llm_inference', gpu_type: 'a100', region: 'global', gpu_hours: 1 }),
  /** One after the other; the 95th percentile of them is held against the limit. */
  requests: z.int().min(1).max(50).default(5),
  max_ms: z.number().gt(0).max(60_000).default(200),
  /** optional: where a young record has trained none yet. */
  model: z.enum(['required', 'optional']).default('required'),
  /** World seconds since its training. */
  max_model_age_s: z.number().gt(0).max(31_536_000).default(604_800),
  /** World seconds since the offers were observed. */
  max_data_age_s: z.number().gt(0).max(604_800).default(900),
});
type Spec = z.infer<typeof spec>;

const MAX_BYTES = 524_288;

/** Only what is looked at, so that a newer answer is no fault. */
const answer = z.object({
  model: z.object({ version: z.string(), age_s: z.number() }).nullable(),
  mode: z.string(),
  fault: z.string().nullable().default(null),
  data_age_s: z.number(),
  recommendations: z.array(z.unknown()),
});

export const canaryScoreCheck = defineCheck({
  kind: 'canary_score',
  on: 'url',
  spec,
  async observe(wanted: Spec, target, { http }, context): Promise<readonly HttpSeen[]> {
    const request = requestTo(target, wanted.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...wanted.headers },
      body: JSON.stringify(wanted.request),
      maxBytes: MAX_BYTES,
    });
    const answers: HttpSeen[] = [];
    while (answers.length < wanted.requests) {
      const seen = await http(request, context);
      answers.push(seen);
      if (!seen.answered) break;
    }
    return answers;
  },
  judge(wanted, seen): Verdict {
    const evidence: Evidence = { requests: seen.length, p95_ms: rounded(p95(seen.map(({ ms }) => ms))) };
    for (const one of seen) {
      if (!one.answered) return notAnswered(one, { requests: seen.length });
      const bad = faultOf(wanted, one, evidence);
      if (bad !== null) return bad;
    }
    const [first] = seen;
    const told = first?.answered === true ? readAnswer(first) : null;
    const all: Evidence = { ...evidence, ...(told === null ? {} : factsOf(told)) };
    if (p95(seen.map(({ ms }) => ms)) <= wanted.max_ms) return pass(all);
    return fail(
      { ...all, max_ms: wanted.max_ms },
      'Score answers, but too slowly: see whether it lacks CPU, starts cold, or has too few instances.',
    );
  },
});

type Told = z.infer<typeof answer>;
const readAnswer = ({ body }: Answer): Told | null => answer.safeParse(jsonOf(body)).data ?? null;

const factsOf = ({ model, mode, data_age_s }: Told): Evidence => ({
  model: model === null ? null : shown(model.version, 80),
  model_age_s: model === null ? null : rounded(model.age_s),
  mode: shown(mode, 40),
  data_age_s: rounded(data_age_s),
});

function faultOf(wanted: Spec, seen: Answer, before: Evidence): Verdict | null {
  if (seen.status !== 200) {
    const code = fieldAt(jsonOf(seen.body), 'error.code');
    return fail(
      { ...before, status: seen.status, ...(code === undefined ? {} : { code: shown(code, 60) }) },
      remedyOfStatus(seen.status),
    );
  }
  const told = readAnswer(seen);
  if (told === null)
    return fail(
      { ...before, content_type: shown(seen.headers['content-type'], 60) },
      'Its answer is not the one of score: see which service answers at this path.',
    );
  const evidence: Evidence = { ...before, ...factsOf(told) };
  if (told.fault !== null)
    return fail(
      { ...evidence, fault: shown(told.fault) },
      'The rules act in the place of the model that should: see what the fault names; vm status tells who should act.',
    );
  if (told.model === null && wanted.model === 'required')
    return fail(
      evidence,
      'No model is served: see whether one was trained and promoted, and what score logs of loading it.',
    );
  if (told.model !== null && told.model.age_s > wanted.max_model_age_s)
    return fail(
      { ...evidence, max_model_age_s: wanted.max_model_age_s },
      'The model is an old one: see why train makes no new version, or why promote takes none.',
    );
  if (told.data_age_s > wanted.max_data_age_s)
    return fail(
      { ...evidence, max_data_age_s: wanted.max_data_age_s },
      'It scores old offers: see whether collect runs and reaches the providers.',
    );
  if (told.recommendations.length > 0) return null;
  return fail(
    { ...evidence, recommendations: 0 },
    'It recommends nothing: see whether there are offers for the request of this check.',
  );
}
