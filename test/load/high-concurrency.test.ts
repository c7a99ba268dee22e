import { expect } from 'vitest';
import { plays } from './plays.js';

plays('high-concurrency', ({ operations, pool }) => {
  expect(operations).toEqual({ total: 200, reads: 0, writes: 200, errors: 0 });
  expect(pool.acquisitionSuccessRate).toBe(100);
});
