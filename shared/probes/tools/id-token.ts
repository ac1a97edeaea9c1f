/**
 * What a target that asks who calls is shown: an ID token made out for its own origin, of no use anywhere else. It is sent over TLS (on
 * this machine without, where the entry point allows that machine at all), to that origin, and with no redirect; and it is told to
 * nobody, also when the other end repeats it.
 */
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { isThisMachine } from '#shared/runtime/this-machine.ts';
import type { CheckContext, Reach } from '../targets.ts';
import type { HttpProbe } from '../tools.ts';
import { endingOf } from './ending.ts';

/** Makes ID tokens out, by audience; null: nobody here does. */
export type Identity = ((audience: string) => Promise<string>) | null;

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** What the other end said, without what it was shown. */
  readonly hide: (text: string) => string;
}

const NONE: Credentials = { headers: {}, hide: (text) => text };
/** Three parts of base64url: JSON Web Signature, compact (RFC 7515, section 7.1). */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const HIDDEN = '[ID token]';
/** A shorter part is a word that may stand anywhere. */
const MIN_PART = 16;

export const mayBeShown = ({ protocol, hostname }: URL, { loopback }: Pick<Reach, 'loopback'>): boolean =>
  protocol === 'https:' || (protocol === 'http:' && loopback && isThisMachine(hostname));

export function createCredentials(identity: Identity, hostClock: HostClock) {
  /** @throws RejectedError identity_missing, config_invalid; TransientError upstream_unavailable, deadline_exceeded */
  return async (request: HttpProbe, url: URL, context: CheckContext): Promise<Credentials> => {
    if (request.idToken !== true) return NONE;
    const { origin } = url;
    if (!mayBeShown(url, request.reach))
      throw new RejectedError(
        'config_invalid',
        `${origin}: an ID token is shown over https (http on this machine only)`,
      );
    if (Object.keys(request.headers).some((name) => name.toLowerCase() === 'authorization'))
      throw new RejectedError('config_invalid', `${origin}: expected no header authorization beside id_token`);
    if (identity === null)
      throw new RejectedError(
        'identity_missing',
        `${origin} is to be shown an ID token, and nobody here makes one out`,
      );
    const token = await tokenOf(identity, origin, hostClock, context);
    const parts = [token, ...token.split('.').filter((part) => part.length >= MIN_PART)];
    return {
      headers: { authorization: `Bearer ${token}` },
      hide: (text) => parts.reduce((left, part) => left.replaceAll(part, HIDDEN), text),
    };
  };
}

async function tokenOf(
  identity: NonNullable<Identity>,
  origin: string,
  hostClock: HostClock,
  context: CheckContext,
): Promise<string> {
  const ending = endingOf(hostClock, context);
  const late = Promise.withResolvers<never>();
  const giveUp = (): void =>
    late.reject(new TransientError('deadline_exceeded', `no ID token for ${origin} by the deadline`));
  try {
    if (ending.signal.aborted) giveUp();
    else ending.signal.addEventListener('abort', giveUp, { once: true });
    const token = await Promise.race([identity(origin), late.promise]);
    if (TOKEN.test(token)) return token;
    throw unavailable(origin, 'what came is none');
  } catch (error) {
    if (error instanceof AuroraError) throw error;
    // Whose words may hold what it was given.
    throw unavailable(origin, (error as Error).name);
  } finally {
    ending.done();
  }
}

const unavailable = (origin: string, why: string): TransientError =>
  new TransientError('upstream_unavailable', `no ID token for ${origin} can be had: ${why}`);
