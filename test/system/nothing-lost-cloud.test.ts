/** Against Google's Pub/Sub emulator: `npm run test:emulator`. */
import { describe, test } from 'vitest';
import { findEmulator } from '#test/support/pubsub/emulator.ts';

const WANTED = process.env['AURORA_TEST_EMULATOR'] !== undefined;
const found = WANTED ? await findEmulator() : { missing: 'npm run test:emulator runs these' };
const suite = 'missing' in found ? null : await import('./cloud/nothing-lost.ts');

describe('nothing is lost in the cloud', () => {
  if ('missing' in found) test.skip(found.missing, () => undefined);
  else suite?.nothingLost(found.start);
});
