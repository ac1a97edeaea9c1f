import { RejectedError } from '#shared/errors.ts';
import type { FunctionRequest } from './types.ts';

/** The names of this machine, which no stranger can give to a server of his own. */
const HERE = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;

/**
 * Where nobody is asked who he is, any page that a browser on this machine shows could spend its operator's money. Browsers say of each
 * request whether a page of another site made it; a page whose site has taken this machine's address for its own still names itself.
 * @throws RejectedError forbidden
 */
export function refuseForeignPage({ 'sec-fetch-site': site, host = 'localhost' }: FunctionRequest['headers']): void {
  if (site === undefined || site === 'none' || (site === 'same-origin' && HERE.test(host))) return;
  throw new RejectedError(
    'forbidden',
    `a page of another site may not ask here (sec-fetch-site: ${site.slice(0, 32)}, host: ${host.slice(0, 64)})`,
  );
}
