import type { Offer } from '#shared/domain/offer.ts';
import { type AuroraError, TransientError } from '#shared/errors.ts';
import type { OfferFilter } from './provider.ts';

/** A list that cannot be read says nothing about capacity. @throws TransientError offers_unreadable, or what was given */
export function unreadableList(error: AuroraError): never {
  if (error.code !== 'provider_answer_invalid') throw error;
  throw new TransientError('offers_unreadable', error.message, { cause: error });
}

/** Whether an offer is among what was asked for. */
export const wantedOffer = (
  offer: Pick<Offer, 'gpu_type' | 'region' | 'gpu_count'>,
  { gpu_type, region, gpu_count = 1 }: OfferFilter,
): boolean =>
  (gpu_type === undefined || offer.gpu_type === gpu_type) &&
  (region === undefined || region === 'global' || offer.region === region || offer.region === 'global') &&
  offer.gpu_count >= gpu_count;
