import { expect } from 'vitest';
import { plays } from './plays.js';

plays('many-tenants', ({ operations, pool }) => {
  expect(operations).toEqual({ total: 200, reads: 0, writes: 200, errors: 0 });
  expect(pool.opened).toBeLessThanOrEqual(20);
  expect(pool.changes).toBeGreaterThanOrEqual(30);
});
