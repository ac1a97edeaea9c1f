import type { Example } from '../example.ts';
import type { TargetScales } from '../heads.ts';
import type { Network } from '../network.ts';
import type { Contestant } from '../record/contestant.ts';

/** A version that was trained on a record, ready to be judged. */
export interface TrainedVersion {
  readonly contestant: Contestant;
  readonly network: { readonly network: Network; readonly targets: TargetScales };
  /** The last rows in time, kept from training. */
  readonly holdoutRows: number;
}

/** @throws RejectedError not_enough_data */
export type TrainVersion = (request: {
  readonly examples: readonly Example[];
  /** RFC 3339, world time. */
  readonly watermark: string;
  readonly seed: number;
}) => Promise<TrainedVersion>;
