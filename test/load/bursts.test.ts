import { expect } from 'vitest';
import { plays } from './plays.js';

plays('bursts', ({ operations }) => {
  expect(operations.total).toBe(5 * 50);
  expect(operations.writes).toBeGreaterThan(0.9 * operations.total);
});
