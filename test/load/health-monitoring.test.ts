import { expect } from 'vitest';
import { plays } from './plays.js';

plays('health-monitoring', ({ operations, pool }) => {
  expect(operations.errors).toBe(0);
  expect(pool).toMatchObject({ healthCheckPassRate: 100, total: 8, opened: 8 });
  expect(pool.probesPassed).toBeGreaterThanOrEqual(5);
});
