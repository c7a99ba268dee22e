import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { liveMeddled, meddledLives } from '../support/meddling.js';

test('whatever listeners do in whatever event: everybody gets one answer, nothing condemned is lent, nothing is left', async () => {
  // No listener here throws by itself: a warning would be a failure inside the pool that the emitter swallowed.
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await fc.assert(fc.asyncProperty(meddledLives, liveMeddled), { numRuns: 500 });
  expect(warning).not.toHaveBeenCalled();
  warning.mockRestore();
});
