import { expect } from 'vitest';
import { plays } from './plays.js';

plays('lifetime-rotation', ({ operations, pool }) => {
  expect(operations.errors).toBe(0);
  expect(pool.closedBy.lifetime).toBeGreaterThanOrEqual(15);
  expect(pool.opened).toBeGreaterThan(15);
});
