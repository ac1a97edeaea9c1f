import { RejectedError } from '#shared/errors.ts';
import { type Labels, labelsOf } from '../labels.ts';

/** A service of Akash is one of Kubernetes, and its name a DNS label: 63 characters, the last one no hyphen. */
const DNS_LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Labels that name a service: of request ids of at most 47 characters. @throws RejectedError config_invalid, as labelsOf */
export function serviceNames(fleet: string): Labels {
  const labels = labelsOf(fleet);
  return {
    labelOf(requestId) {
      const label = labels.labelOf(requestId);
      if (DNS_LABEL.test(label)) return label;
      throw new RejectedError(
        'provider_refused',
        `request id: expected one that makes a DNS label of at most 63 characters, got ${JSON.stringify(label)}`,
      );
    },
    requestIdOf: labels.requestIdOf,
  };
}
