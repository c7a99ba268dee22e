import fc from 'fast-check';
import { expect, test } from 'vitest';
import { liveUnderStress } from './stress.js';

test('scenario 25: a minute of acquires, aborts, deaths, resizes, pauses and a server that goes away: every acquire is accounted for, and all that was opened is closed', async () => {
  let acquires = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      acquires += await liveUnderStress(seed, 60_000);
    }),
    // A seed cannot be made smaller: the first that fails is the one to replay.
    { numRuns: 5, endOnFailure: true },
  );
  expect(acquires).toBeGreaterThan(5000);
});
