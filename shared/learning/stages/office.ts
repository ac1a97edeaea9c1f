/** Who acts when no trial runs, and who did before: a stack, so that going back twice goes back two actors. */
import { RULES } from '#shared/domain/actor.ts';

export interface Move {
  /** World epoch milliseconds. */
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export interface Office {
  holder(): string;
  appoint(name: string, atMs: number, reason: string): void;
  /** To whoever acted before; the rules never fall. */
  back(atMs: number, reason: string): void;
  /** Who acts, and who would after going back, from the bottom up. */
  stack(): readonly string[];
  /** Since when the holder acts. */
  sinceMs(): number;
  /** Oldest first. */
  moves(): readonly Move[];
}

/** Moves that are remembered. */
const MAX_MOVES = 1_000;

/** @param first from the bottom up; the rules are under them */
export function createOffice(first: readonly string[]): Office {
  const stack = [RULES, ...first];
  let moves: readonly Move[] = [];
  let since = Number.NEGATIVE_INFINITY;
  const holder = (): string => stack.at(-1) ?? RULES;
  const moved = (move: Move): void => {
    moves = [...moves, move].slice(-MAX_MOVES);
    since = move.atMs;
  };
  return {
    holder,
    appoint(name, atMs, reason) {
      const from = holder();
      // Naming one that was left before is a return to it.
      const known = stack.indexOf(name);
      if (known === -1) stack.push(name);
      else stack.length = known + 1;
      moved({ atMs, from, to: holder(), reason });
    },
    back(atMs, reason) {
      if (stack.length === 1) return;
      const from = stack.pop() ?? RULES;
      moved({ atMs, from, to: holder(), reason });
    },
    stack: () => stack,
    sinceMs: () => since,
    moves: () => moves,
  };
}
