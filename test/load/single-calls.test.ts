import { expect } from 'vitest';
import { plays } from './plays.js';

plays('single-calls', ({ operations, pool }) => {
  expect(operations.total).toBe(2 * 64 * 40 + 2);
  // Two statements that make the scene and read it at the end are calls too.
  expect(pool.messages.calls).toBeGreaterThan(64 * 40);
  expect(pool.messages.sent).toBeLessThan(64 * 20);
});
