import { costOf, type Game, type Job, jobsOf } from './game.ts';

/** Where the game stands, in words, and how long it will still take at the pace so far. */
export interface Progress {
  turn(job: Job, done: number): void;
  /** @param elapsedMs since the game began */
  line(elapsedMs: number): string;
}

export function createProgress(game: Pick<Game, 'policies' | 'seeds' | 'decisions'>): Progress {
  const all = jobsOf(game).reduce((sum, { policy }) => sum + costOf(policy) * game.decisions, 0);
  const done = new Map<string, { readonly job: Job; readonly decisions: number }>();
  const said = (decisions: number): string => decisions.toLocaleString('en');
  return {
    turn: (job, decisions) => void done.set(`${job.policy} ${job.seed}`, { job, decisions }),
    line(elapsedMs) {
      const spent = [...done.values()].reduce((sum, { job, decisions }) => sum + costOf(job.policy) * decisions, 0);
      const share = spent / all;
      const leftS = share === 0 ? null : Math.ceil((elapsedMs * (1 / share - 1)) / 1000);
      const running = [...done.values()]
        .filter(({ decisions }) => decisions < game.decisions)
        .map(({ job, decisions }) => `${job.policy} world ${job.seed}: ${said(decisions)} of ${said(game.decisions)}`);
      return [`${Math.floor(100 * share)} %`, ...(leftS === null ? [] : [`about ${leftS} s left`]), ...running].join(
        ', ',
      );
    },
  };
}
