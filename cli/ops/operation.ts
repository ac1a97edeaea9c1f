import type { z } from 'zod';
import type { Platform } from '#shared/platform.ts';
import type { Stack } from '../stack/stack.ts';

/** What an operation works on: the ports, and the functions of this process (in the cloud there are none). */
export interface Ground {
  readonly platform: Platform;
  readonly functions: Stack['functions'];
}

interface Named<P> {
  readonly name: string;
  readonly params: z.ZodType<P>;
}

/**
 * One thing that `vm` can ask. The same value serves every way: over loopback HTTP where a stack runs, in this process where it does
 * not, and over the ports of the cloud. Params and result are plain JSON.
 */
export type Operation<P, R> = Named<P> &
  (
    | { readonly reach: 'everywhere'; readonly run: (ground: Ground, params: P) => Promise<R> }
    | { readonly reach: 'one machine'; readonly run: (stack: Stack, params: P) => Promise<R> }
  );

type Everywhere<P, R> = Named<P> & { readonly run: (ground: Ground, params: P) => Promise<R> };
type OnOneMachine<P, R> = Named<P> & { readonly run: (stack: Stack, params: P) => Promise<R> };

export const operation = <P, R>(value: Everywhere<P, R>): Operation<P, R> => ({ ...value, reach: 'everywhere' });

/** It needs what only the stack of one machine has: its files, its bus's books, its threads. */
export const localOperation = <P, R>(value: OnOneMachine<P, R>): Operation<P, R> => ({
  ...value,
  reach: 'one machine',
});
