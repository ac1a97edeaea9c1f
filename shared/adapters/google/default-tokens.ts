/**
 * Access tokens of whoever is logged in on this machine, application default credentials:
 * https://cloud.google.com/docs/authentication/application-default-credentials. For people; functions ask the metadata server.
 */
import { TransientError } from '#shared/errors.ts';

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
