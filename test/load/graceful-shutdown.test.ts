import { expect } from 'vitest';
import { plays } from './plays.js';

plays('graceful-shutdown', ({ operations, errors, pool }) => {
  expect(operations.writes).toBeGreaterThanOrEqual(100);
  expect(Object.keys(errors)).toEqual(['ERR_POOL_SHUTDOWN']);
  expect(pool).toMatchObject({ state: 'closed', total: 0, closing: 0, waiting: 0 });
  expect(pool.closedBy.aborted).toBe(0);
});
