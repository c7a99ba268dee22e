import { expect } from 'vitest';
import { plays } from './plays.js';

plays('retry-under-load', ({ operations, expectations }) => {
  expect(operations).toEqual({ total: 240, reads: 0, writes: 240, errors: 0 });
  // On this engine none is lost either.
  expect(expectations.map(({ actual }) => actual)).toContainEqual(expect.stringMatching(/^240 counted, /));
});
