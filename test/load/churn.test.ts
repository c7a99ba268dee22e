import { expect } from 'vitest';
import { plays } from './plays.js';

plays('churn', ({ operations, pool }) => {
  expect(operations).toMatchObject({ total: 500, errors: 0 });
  expect(pool.averageReuseRatio).toBeGreaterThan(80);
  expect(pool.closedBy.uses).toBeGreaterThanOrEqual(10);
});
