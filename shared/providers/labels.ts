import { RejectedError } from '#shared/errors.ts';

/**
 * The name that an instance carries at its provider: `aurora-<fleet>-<request id>`. The fleet is one installation's mark, so
 * that two of them on one key leave each other's instances alone. At most 80 characters of a-z, 0-9 and hyphens.
 */
export interface Labels {
  /** @throws RejectedError provider_refused: an id that no label can carry */
  labelOf(requestId: string): string;
  /** Null: not made by this installation. */
  requestIdOf(label: string | null | undefined): string | null;
}

const FLEET = /^[0-9a-f]{8}$/;
const REQUEST_ID = /^[a-z0-9-]{1,64}$/;

/** @throws RejectedError config_invalid: a fleet that is not 8 hex characters */
export function labelsOf(fleet: string): Labels {
  if (!FLEET.test(fleet))
    throw new RejectedError(
      'config_invalid',
      `fleet: expected 8 characters of 0-9 and a-f, got ${JSON.stringify(fleet)}`,
    );
  const prefix = `aurora-${fleet}-`;
  return {
    labelOf(requestId) {
      if (!REQUEST_ID.test(requestId))
        throw new RejectedError(
          'provider_refused',
          `request id: expected 1 to 64 characters of a-z, 0-9 and hyphens, got ${JSON.stringify(requestId.slice(0, 80))}`,
        );
      return prefix + requestId;
    },
    requestIdOf(label) {
      const rest = label?.startsWith(prefix) === true ? label.slice(prefix.length) : '';
      return REQUEST_ID.test(rest) ? rest : null;
    },
  };
}
