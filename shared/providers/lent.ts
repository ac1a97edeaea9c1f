import type { Provider } from './provider.ts';

/** A provider that several functions of one process share: whoever opened it closes it, none of them. */
export const lent = (provider: Provider): Provider => ({
  ...provider,
  async close() {
    // Not theirs.
  },
});
