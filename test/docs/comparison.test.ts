import { expect, test } from 'vitest';
import { page } from '../support/documentation.js';

/** What happens, by the tables that compare the bare SDK with the pool. */
function whatHappens(text: string): string[] {
  const rows = text.split('\n').map((line) => line.split('|'));
  return rows.filter((row) => row.length === 5).map((row) => row[1] ?? '');
}

test('the README compares with the bare SDK by some of what docs/why.md tells', () => {
  const [, comparison = ''] = page('README.md').text.split('\n## The bare SDK');
  const rows = whatHappens(comparison.split('\n## ')[0] ?? '');
  expect(rows.length).toBeGreaterThan(5);
  expect(whatHappens(page('docs/why.md').text)).toEqual(expect.arrayContaining(rows));
});
