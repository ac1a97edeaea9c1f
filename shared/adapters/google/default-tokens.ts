/**
 * Access and ID tokens of whoever is logged in on this machine, application default credentials:
 * https://cloud.google.com/docs/authentication/application-default-credentials. For people; functions ask the metadata server.
 */
import { z } from 'zod';
import { RejectedError, TransientError } from '#shared/errors.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** What it answers throws TransientError upstream_unavailable. */
export async function createDefaultTokens(): Promise<() => Promise<string>> {
  const { GoogleAuth } = await import('google-auth-library');
  const auth = new GoogleAuth({ scopes: [SCOPE] });
  return async () => {
    // Its errors may hold what was sent.
    const token = await auth.getAccessToken().catch(() => null);
    if (token != null && token !== '') return token;
    throw new TransientError(
      'upstream_unavailable',
      'no application default credentials: log in with gcloud auth application-default login',
    );
  };
}

/** Of google-auth-library: it keeps a token until it is about to end. */
interface IdTokenClient {
  getRequestHeaders(): Promise<Headers>;
}
type IdTokenClients = (audience: string) => Promise<IdTokenClient>;

const clientsOfLibrary: IdTokenClients = async (audience) => {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({ scopes: [SCOPE] }).getIdTokenClient(audience);
};

/**
 * ID tokens by audience. Google makes them out for service accounts, so for whoever is logged in as one; of a person it gives such as
 * name its own client as their audience, which no service takes.
 * What it answers throws RejectedError identity_missing; TransientError upstream_unavailable.
 */
export function createDefaultIdentity(clientFor = clientsOfLibrary): (audience: string) => Promise<string> {
  const clients = new Map<string, Promise<IdTokenClient>>();
  return async (audience) => {
    const known = clients.get(audience) ?? clientFor(audience);
    clients.set(audience, known);
    // Its errors may hold what was sent.
    const headers = await known.then((client) => client.getRequestHeaders()).catch(() => null);
    if (headers === null) {
      clients.delete(audience);
      throw new TransientError('upstream_unavailable', `no ID token for ${audience}: ${AS_ACCOUNT}`);
    }
    const token = (headers.get('authorization') ?? '').replace(/^Bearer /, '');
    if (audienceOf(token) === audience) return token;
    throw new RejectedError('identity_missing', `a person has no ID token for ${audience}: ${AS_ACCOUNT}`);
  };
}

const AS_ACCOUNT =
  'log in as an account that the services let in (gcloud auth application-default login --impersonate-service-account=ACCOUNT)';

const claims = z.object({ aud: z.string() });

/** Null: it names none. */
function audienceOf(token: string): string | null {
  try {
    return claims.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).aud;
  } catch {
    return null;
  }
}
