import { expect } from 'vitest';
import { plays } from './plays.js';

plays('saturation', ({ operations, errors, pool }) => {
  expect(operations).toEqual({ total: 120, reads: 0, writes: 70, errors: 50 });
  expect(Object.keys(errors)).toEqual(['ERR_POOL_ACQUIRE_TIMEOUT']);
  expect(pool.timedOut).toBe(50);
});
