import { SCORE_DEADLINE_MS } from '#shared/defaults.ts';
import type { RouteRequest } from '#shared/domain/request.ts';
import { type ScoreAnswer, scoreAnswer } from '#shared/domain/score.ts';
import { AuroraError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Breaker } from '#shared/runtime/breaker.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';

/** Scores, or why there are none. Never throws: route decides by the rules then. */
export type ScoreOutcome = { readonly answer: ScoreAnswer } | { readonly answer: null; readonly reason: string };

export interface ScoreClient {
  readonly breaker: Breaker;
  score(request: RouteRequest): Promise<ScoreOutcome>;
  close(): Promise<void>;
}

export function createScoreClient(options: {
  readonly url: string;
  readonly hostClock: HostClock;
  readonly breaker: Breaker;
  /** ID tokens by audience; null: score is asked without. */
  readonly identity: ((audience: string) => Promise<string>) | null;
}): ScoreClient {
  const { url, hostClock, breaker, identity } = options;
  const client = createHttpClient({ hostClock });
  const endpoint = `${url}/agent/route`;
  /** An hour's worth of calls share a token, and none waits for a new one past its own deadline. */
  const credentials = async (ask: NonNullable<typeof identity>): Promise<Readonly<Record<string, string>>> => {
    const late = Promise.withResolvers<never>();
    const cancel = hostClock.after(SCORE_DEADLINE_MS, () =>
      late.reject(new TransientError('deadline_exceeded', `no ID token for score within ${SCORE_DEADLINE_MS} ms`)),
    );
    try {
      return { authorization: `Bearer ${await Promise.race([ask(url), late.promise])}` };
    } finally {
      cancel();
    }
  };

  return {
    breaker,
    async score(request) {
      if (!breaker.allow(hostClock.now())) return { answer: null, reason: 'breaker_open' };
      try {
        const untilMs = hostClock.now() + SCORE_DEADLINE_MS;
        const headers = identity === null ? {} : await credentials(identity);
        const response = await client.postJson(
          endpoint,
          { ...request, include_features: true },
          { deadlineMs: Math.max(1, untilMs - hostClock.now()), headers },
        );
        if (response.status !== 200)
          throw new TransientError('scores_unavailable', `score answered HTTP ${response.status}`);
        const parsed = scoreAnswer.safeParse(JSON.parse(new TextDecoder().decode(response.bytes)));
        if (!parsed.success)
          throw new TransientError('scores_unavailable', 'score answered in a shape that this build does not read');
        breaker.success(hostClock.now());
        return { answer: parsed.data };
      } catch (error) {
        breaker.failure(hostClock.now());
        return {
          answer: null,
          reason: error instanceof AuroraError ? error.code : `scores_unavailable: ${(error as Error).name}`,
        };
      }
    },
    close: () => client.close(),
  };
}
