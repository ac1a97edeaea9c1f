import type { ScoreReadyReport } from '#functions/score/handler.ts';
import type { Ground } from './operation.ts';

export type Serving = ScoreReadyReport['serving'];

/** What score serves, as its own /ready says; null when no score runs in this ground, or it has ended. */
export async function servingOf({ functions }: Pick<Ground, 'functions'>): Promise<Serving | null> {
  const score = functions.get('score');
  if (score === undefined) return null;
  const { body } = await score.app.handle({
    method: 'GET',
    path: '/ready',
    query: new URLSearchParams(),
    headers: {},
    body: new Uint8Array(),
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  });
  const report = JSON.parse(String(body)) as Partial<ScoreReadyReport>;
  return report.serving ?? null;
}
