/** A request to a target, as every check of one makes it: what the suite says of the target holds for all. */
import type { UrlTarget } from './targets.ts';
import type { HttpProbe } from './tools.ts';

type Asked = Pick<HttpProbe, 'maxBytes'> & Partial<Pick<HttpProbe, 'method' | 'headers' | 'body'>>;

/** @param path with its query */
export const requestTo = (
  { url, reach, idToken = false }: UrlTarget,
  path: string,
  { method = 'GET', headers = {}, body = null, maxBytes }: Asked,
): HttpProbe => ({ url: `${url}${path}`, method, headers, body, maxBytes, reach, ...(idToken ? { idToken } : {}) });
