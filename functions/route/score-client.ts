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
  score(request: RouteRequest): Promise<ScoreOutcome>;
  close(): Promise<void>;
}

export function createScoreClient(options: {
  readonly url: string;
  readonly hostClock: HostClock;
  readonly breaker: Breaker;
}): ScoreClient {
  const { url, hostClock, breaker } = options;
  const client = createHttpClient({ hostClock });
  const endpoint = `${url}/agent/route`;

  return {
    async score(request) {
      if (!breaker.allow(hostClock.now())) return { answer: null, reason: 'breaker_open' };
      try {
        const response = await client.postJson(
          endpoint,
          { ...request, include_features: true },
          { deadlineMs: SCORE_DEADLINE_MS },
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
