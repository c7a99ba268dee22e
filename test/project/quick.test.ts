import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { leftOut } from '../../vitest.quick.config.js';
import { projectFolder } from '../support/documentation.js';

test('what the quick tests leave out is there: a test that was renamed is not quick by that', () => {
  const paths = Object.values(leftOut).flat();
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(projectFolder + path))).toEqual([]);
});
