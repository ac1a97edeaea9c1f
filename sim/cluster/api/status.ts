/** How the API says no: objects of kind Status. */
import type { Fields } from '../objects/object.ts';
import type { Place, Resource } from './resources.ts';

export interface ApiReply {
  readonly status: number;
  /** JSON, or text where it is a string. */
  readonly body: unknown;
}

interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: Fields;
  readonly metadata?: Fields;
}

export const statusOf = ({ code, reason, message, details, metadata = {} }: Refusal): Fields => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata,
  status: 'Failure',
  message,
  reason,
  ...(details === undefined ? {} : { details }),
  code,
});
const refusal = (given: Refusal): ApiReply => ({ status: given.code, body: statusOf(given) });

const qualified = ({ plural, group }: Resource): string => (group === '' ? plural : `${plural}.${group}`);
const detailsOf = ({ resource, name }: Place): Fields => ({
  ...(name === null ? {} : { name }),
  ...(resource.group === '' ? {} : { group: resource.group }),
  kind: resource.plural,
});

export const UNAUTHORIZED = refusal({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });

export const notFound = (place: Place): ApiReply =>
  refusal({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(place.resource)} "${place.name}" not found`,
    details: detailsOf(place),
  });

export const NO_SUCH_PATH = refusal({
  code: 404,
  reason: 'NotFound',
  message: 'the server could not find the requested resource',
  details: {},
});

export function forbidden(place: Place, verb: string): ApiReply {
  const { resource, namespace, name } = place;
  const what = `${name === null ? '' : ` "${name}"`} is forbidden: User "probe@vm-spawn.iam.gserviceaccount.com" cannot ${verb}`;
  const where = namespace === null ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return refusal({
    code: 403,
    reason: 'Forbidden',
    message: `${qualified(resource)}${what} resource "${resource.plural}" in API group "${resource.group}" ${where}`,
    details: detailsOf(place),
  });
}

export const badRequest = (message: string): ApiReply => refusal({ code: 400, reason: 'BadRequest', message });

export const METHOD_NOT_ALLOWED = refusal({
  code: 405,
  reason: 'MethodNotAllowed',
  message: 'the server does not allow this method on the requested resource',
  details: {},
});

/** @param next a token to go on with, which tells of another moment */
export const expired = (message: string, next?: string): Refusal => ({
  code: 410,
  reason: 'Expired',
  message,
  ...(next === undefined ? {} : { metadata: { continue: next } }),
});
export const gone = (message: string, next?: string): ApiReply => refusal(expired(message, next));

export const tooNew = (asked: number, current: number): ApiReply =>
  refusal({
    code: 504,
    reason: 'Timeout',
    message: `Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });

export const TOO_MANY = refusal({
  code: 429,
  reason: 'TooManyRequests',
  message: 'Too many requests, please try again later.',
  details: { retryAfterSeconds: 1 },
});

export const internalError = (error: unknown): ApiReply =>
  refusal({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${String(error)}` });
