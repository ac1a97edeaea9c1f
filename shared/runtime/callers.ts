/**
 * Who calls: Google's ID tokens (OpenID Connect Core 1.0, section 2), checked behind Cloud Run's own check, as a second lock.
 * Pub/Sub's pushes, Cloud Scheduler and route carry one. Nothing that is thrown here holds a token.
 */
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { codedError, errorAnswer } from './answers.ts';
import type { FunctionApp } from './types.ts';

export interface TokenOptions {
  /** For whom the token was made out: the service's URL. */
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
  readonly hostClock: HostClock;
}

export interface CallersOptions extends TokenOptions {
  /** E-mail addresses of the service accounts that may call. */
  readonly accounts: readonly string[];
}

/** @throws RejectedError unauthorized, forbidden @throws TransientError upstream_unavailable: the keys cannot be had */
export type CallerCheck = (authorization: string | undefined) => Promise<void>;

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
/** Clocks of two machines. */
const SKEW_S = 30;
const KEYS_DEADLINE_MS = 3_000;
/** They change within days; an unknown key is asked for at once, but not more often than jose's cooldown. */
const KEYS_MAX_AGE_MS = 3_600_000;

/** @param url of a JSON Web Key Set */
export const remoteKeys = (url: string): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(url), { timeoutDuration: KEYS_DEADLINE_MS, cacheMaxAge: KEYS_MAX_AGE_MS });

export function createCallerCheck({ accounts, ...options }: CallersOptions): CallerCheck {
  const known = new Set(accounts);
  const accountOf = createAccountOf(options);
  return async (authorization) => {
    const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined)
      throw new RejectedError('unauthorized', 'expected "Authorization: Bearer" with an ID token');
    const email = await accountOf(token);
    if (!known.has(email)) throw new RejectedError('forbidden', `${email} may not call this service`);
  };
}

/** The verified e-mail address of a token's account. @throws RejectedError unauthorized; TransientError upstream_unavailable */
export const createAccountOf =
  (options: TokenOptions) =>
  async (token: string): Promise<string> => {
    const { email, email_verified: verified } = await claimsOf(token, options);
    if (typeof email === 'string' && verified === true) return email;
    throw new RejectedError('unauthorized', 'the ID token names no verified e-mail address');
  };

async function claimsOf(token: string, { audience, keys, hostClock }: TokenOptions): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      audience,
      issuer: ISSUERS,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'iat'],
      clockTolerance: SKEW_S,
      currentDate: new Date(hostClock.now()),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new RejectedError('unauthorized', 'the ID token has expired');
    if (error instanceof errors.JWTClaimValidationFailed)
      throw new RejectedError('unauthorized', `the ID token's ${error.claim} is not what is expected here`);
    if (
      error instanceof errors.JWKSTimeout ||
      !(error instanceof errors.JOSEError) ||
      error.code === 'ERR_JOSE_GENERIC'
    )
      throw new TransientError('upstream_unavailable', 'the keys of ID tokens cannot be had', { cause: error });
    throw new RejectedError('unauthorized', 'the ID token is not one of Google, or was changed');
  }
}

/** Asked by the platform itself, which has no token; they tell nothing that a caller could use. */
const OPEN_DOORS = new Set(['/health', '/ready', '/metrics']);

/** The function behind the check: every door but those of the platform. */
export const guarded = (app: FunctionApp, check: CallerCheck): FunctionApp => ({
  ...app,
  async handle(request) {
    if (OPEN_DOORS.has(request.path)) return app.handle(request);
    try {
      await check(request.headers['authorization']);
    } catch (error) {
      return errorAnswer(codedError(error));
    }
    return app.handle(request);
  },
});
