import type { RejectedError } from '#shared/errors.ts';
import type { Example } from '../example.ts';
import type { TrainedModel, TrainProgress, TrainRequest } from './index.ts';

/** Parent to worker: the rows in portions, so that neither side copies all of them in one turn; then the rest of the request. */
export type ToWorker =
  | { readonly kind: 'rows'; readonly rows: readonly Example[] }
  | { readonly kind: 'train'; readonly request: Omit<TrainRequest, 'examples'> };

/** What only a RejectedError can carry. */
export type RejectedCode = ConstructorParameters<typeof RejectedError>[0];

/** Worker to parent. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly progress: TrainProgress }
  | { readonly kind: 'done'; readonly model: TrainedModel }
  | { readonly kind: 'rejected'; readonly code: RejectedCode; readonly message: string };
