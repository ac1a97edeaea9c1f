import type { z } from 'zod';
import type { Stack } from '../stack/stack.ts';

/**
 * One thing that `vm` can ask of a stack. The same value serves both ways: over loopback HTTP when the stack runs, in this
 * process when it does not. Params and result are plain JSON.
 */
export interface Operation<P, R> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  readonly run: (stack: Stack, params: P) => Promise<R>;
}

export const operation = <P, R>(value: Operation<P, R>): Operation<P, R> => value;
