import { describe } from 'vitest';
import { describeFaults } from './providers-faults.ts';
import { describeLives } from './providers-lives.ts';
import { describeOffersAndDeploys } from './providers-promises.ts';
import type { ProviderSubject } from './providers-world.ts';

/** What every adapter must do, against its fake: each adapter's test is one call of this. Judged from the fake's log and bills. */
export function describeProvider(subject: ProviderSubject): void {
  describe(`provider contract: ${subject.id}`, () => {
    describeOffersAndDeploys(subject);
    describeLives(subject);
    describeFaults(subject);
  });
}
