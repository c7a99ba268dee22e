import fc from 'fast-check';
import { expect, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';
import { liveSpoiled, spoiledLives } from './spoiled-life.js';

const own = surroundings();
const runs = Number(process.env.FUZZ_RUNS ?? 40);

test('whatever a server answers, every call ends with a value or a typed error, and the pool is whole afterwards', async () => {
  const stray: unknown[] = [];
  const note = (error: unknown): void => void stray.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  await fc.assert(
    fc.asyncProperty(spoiledLives, async (life) => {
      await liveSpoiled(own, life);
      expect(stray).toEqual([]);
    }),
    { numRuns: runs, endOnFailure: true },
  );
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
}, 600_000);
