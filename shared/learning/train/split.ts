import type { Example } from '../example.ts';
import { inOrder } from '../examples.ts';

export interface Split {
  readonly training: readonly Example[];
  readonly holdout: readonly Example[];
}

/** The last `holdoutRows` in time are kept from training: the past must predict the future, not the other way round. */
export function splitByTime(examples: readonly Example[], holdoutRows: number): Split {
  const ordered = inOrder(examples);
  const cut = ordered.length - holdoutRows;
  return { training: ordered.slice(0, cut), holdout: ordered.slice(cut) };
}
