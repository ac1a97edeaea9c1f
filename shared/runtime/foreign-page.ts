import { RejectedError } from '#shared/errors.ts';
import { isThisMachine } from './this-machine.ts';
import type { FunctionRequest } from './types.ts';

/**
 * Where nobody is asked who he is, any page that a browser on this machine shows could spend its operator's money. Browsers say of each
 * request whether a page of another site made it; a page whose site has taken this machine's address for its own still names itself.
 * @throws RejectedError forbidden
 */
export function refuseForeignPage({ 'sec-fetch-site': site, host = 'localhost' }: FunctionRequest['headers']): void {
  if (
    site === undefined ||
    site === 'none' ||
    (site === 'same-origin' && isThisMachine(host.replace(/:\d+$/, '').toLowerCase()))
  )
    return;
  throw new RejectedError(
    'forbidden',
    `a page of another site may not ask here (sec-fetch-site: ${site.slice(0, 32)}, host: ${host.slice(0, 64)})`,
  );
}
