import { z } from 'zod';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { RejectedError } from '#shared/errors.ts';
import { CATALOGUE } from '#shared/queries/catalogue.ts';
import { type EstimatedQuery, estimateAll } from '../queries/estimates.ts';
import { operation } from './operation.ts';

/** What each named query would read and cost, and which would be refused. */
export const estimateQueries = operation({
  name: 'queries.estimate',
  params: z.strictObject({ usd_per_tib: z.number().min(0) }),
  run: async ({ platform: { estimate, config } }, { usd_per_tib: usdPerTib }): Promise<readonly EstimatedQuery[]> => {
    if (estimate === null || config.google === null)
      throw new RejectedError('usage', 'on one machine nothing is billed by what it reads');
    const { maxBytesBilled } = config.google;
    return estimateAll(CATALOGUE, estimate, hostClock.now(), { usdPerTib, maxBytesBilled });
  },
});
