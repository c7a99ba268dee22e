import fc from 'fast-check';
import { test } from 'vitest';
import { surroundings } from '../support/surroundings.js';
import { liveSpoiled, spoiledLives } from './spoiled-life.js';

const own = surroundings();

test('whatever a server answers, every call ends with a value or a typed error, and the pool is whole afterwards', async () => {
  // Most of a life is waiting for deadlines, so several are lived side by side.
  const lives = Array.from({ length: 4 }, () =>
    fc.assert(
      fc.asyncProperty(spoiledLives, (life) => liveSpoiled(own, life)),
      // To make a life smaller would take many more, each with deadlines that pass.
      { numRuns: 10, endOnFailure: true },
    ),
  );
  const ends = await Promise.allSettled(lives);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
});
