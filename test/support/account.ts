/** An account at a provider that is away, for functions that do not start without one. */
export const ACCOUNT = { AURORA_PROVIDER_VAST_URL: 'http://127.0.0.1:1', AURORA_PROVIDER_VAST_KEY: 'key-of-nobody' };
