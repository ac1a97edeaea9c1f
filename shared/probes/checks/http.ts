/** A service answers as it should: status, body, as the service that it is, and fast enough for those who wait for it. */
import { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import { expectedOfAnswer, identity, lackOf, path, requestHeaders } from '../answer-spec.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { type Followed, follow } from '../redirects.ts';
import { requestTo } from '../request.ts';
import { notAnswered, p95, remedyOfStatus, rounded, shown } from '../seen.ts';

const httpStatus = z.int().min(100).max(599);

const spec = z
  .strictObject({
    path: path.default('/'),
    method: z.enum(['GET', 'POST']).default('GET'),
    headers: requestHeaders.default({}),
    body: z.string().max(65_536).nullable().default(null),
    /** One, or any of these. */
    status: z.union([httpStatus.transform((one) => [one]), z.array(httpStatus).min(1).max(16)]).default([200]),
    ...expectedOfAnswer,
    identity: identity.optional(),
    /** One after the other, each over a connection of its own. */
    requests: z.int().min(1).max(100).default(1),
    max_p95_ms: z.number().gt(0).max(600_000).optional(),
    /** Else a redirect is an answer like any other. */
    redirects: z
      .strictObject({
        max: z.int().min(1).max(10).default(5),
        /** Every place that it redirects to must be one of https. */
        https: z.boolean().default(false),
      })
      .optional(),
    max_bytes: z.int().min(1).max(4_194_304).default(262_144),
  })
  .refine(({ method, redirects }) => method === 'GET' || redirects === undefined, 'expected redirects of GET only');
type Spec = z.infer<typeof spec>;

export const httpCheck = defineCheck({
  kind: 'http',
  on: 'url',
  spec,
  async observe(wanted: Spec, target, tools, context): Promise<readonly Followed[]> {
    const { method, headers, body, max_bytes: maxBytes } = wanted;
    const request = requestTo(target, wanted.path, { method, headers, body, maxBytes });
    const rounds: Followed[] = [];
    while (rounds.length < wanted.requests) {
      const round = await follow(request, wanted.redirects?.max ?? 0, tools, context);
      rounds.push(round);
      // What is waited for in vain once would be waited for in vain again.
      if (!round.last.answered) break;
    }
    return rounds;
  },
  judge(wanted, rounds): Verdict {
    for (const [index, round] of rounds.entries()) {
      const bad = faultOfRound(wanted, round);
      if (bad !== null && index > 0) return { ...bad, evidence: { ...bad.evidence, good_before: index } };
      if (bad !== null) return bad;
    }
    const [first] = rounds;
    const slow = rounded(p95(rounds.map(({ ms }) => ms)));
    const evidence: Evidence = {
      status: first?.last.answered === true ? first.last.status : null,
      requests: rounds.length,
      p95_ms: slow,
      ...(first === undefined ? {} : hopsOf(first)),
    };
    if (wanted.max_p95_ms === undefined || slow <= wanted.max_p95_ms) return pass(evidence);
    return fail(
      { ...evidence, max_p95_ms: wanted.max_p95_ms },
      'It answers as it should, but too slowly: look at its load, its replicas and what it waits for.',
    );
  },
});

function faultOfRound(wanted: Spec, round: Followed): Verdict | null {
  const { hops, last, lastUrl, stopped } = round;
  const seen = hopsOf(round);
  if (!last.answered) {
    const verdict = notAnswered(last, seen);
    if (last.reason !== 'forbidden_address' || hops.length === 0) return verdict;
    return fail(verdict.evidence, 'It sends its users to an address that is not for them: correct its redirect.');
  }
  const evidence: Evidence = { status: last.status, ms: rounded(round.ms), ...seen };
  if (stopped !== null)
    return fail(
      { ...evidence, reason: stopped },
      'Correct the redirect, or allow more of them where that many are meant.',
    );
  const plain = [...hops.slice(1).map(({ url }) => url), ...(hops.length > 0 ? [lastUrl] : [])].find(
    (url) => !url.startsWith('https:'),
  );
  if (wanted.redirects?.https === true && plain !== undefined)
    return fail(
      { ...evidence, plain: shown(plain) },
      'It redirects to a place without TLS: let it redirect to https only.',
    );

  const other = wanted.identity === undefined ? null : lackOf(wanted.identity, last);
  const known: Evidence = wanted.identity === undefined ? {} : { is_itself: other === null };
  if (!wanted.status.includes(last.status))
    return fail({ ...evidence, ...known, expected_status: wanted.status.join(', ') }, remedyOfStatus(last.status));
  if (other !== null)
    return fail(
      { ...evidence, ...known, ...other },
      'Another service answers at this host: see which backend the ingress or the service selector points to.',
    );
  const lack = lackOf(wanted, last);
  if (lack === null) return null;
  return fail(
    { ...evidence, ...known, ...lack },
    'Its answer lacks what it should hold: look at its version and its log.',
  );
}

function hopsOf({ hops, lastUrl }: Followed): Evidence {
  if (hops.length === 0) return {};
  return { hops: shown([...hops.map(({ url, status }) => `${status} ${url}`), lastUrl].join(' -> '), 300) };
}
