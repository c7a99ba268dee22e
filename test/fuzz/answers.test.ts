import fc from 'fast-check';
import { test } from 'vitest';
import { surroundings } from '../support/surroundings.js';
import { liveSpoiled, spoiledLives } from './spoiled-life.js';

const own = surroundings();

test('whatever a server answers, every call ends with a value or a typed error, and the pool is whole afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(spoiledLives, (life) => liveSpoiled(own, life)),
    // To make a life smaller would take many more, each with deadlines that pass.
    { numRuns: 40, endOnFailure: true },
  );
});
