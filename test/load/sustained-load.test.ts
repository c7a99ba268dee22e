import { expect } from 'vitest';
import { plays } from './plays.js';

plays('sustained-load', ({ operations, pool }) => {
  expect(operations.reads).toBeGreaterThan(0);
  expect(operations.writes).toBeGreaterThan(0);
  expect(operations.errors).toBeLessThan(operations.total / 100);
  expect(pool.acquisitionSuccessRate).toBe(100);
});
