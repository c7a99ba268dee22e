import { expect } from 'vitest';
import { plays } from './plays.js';

plays('read-heavy', ({ operations: { reads, writes, errors, total } }) => {
  expect(errors).toBeLessThan(total / 100);
  expect(reads).toBeGreaterThan(5 * writes);
});

plays('write-heavy', ({ operations: { reads, writes, errors, total } }) => {
  expect(errors).toBeLessThan(total / 100);
  expect(writes).toBeGreaterThan(5 * reads);
});
