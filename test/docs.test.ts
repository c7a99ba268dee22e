import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { page, projectFolder } from './support/documentation.js';
import { surroundings } from './support/surroundings.js';

const own = surroundings();
const docs = (name: string): string => page(`docs/${name}.md`).text;

/** All names in code marks of the first cells of a page's tables. */
function firstCells(text: string): Set<string> {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return new Set(
    rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')),
  );
}

describe('the documentation', () => {
  test('has a row for every field of the statistics', async () => {
    const pool = await own.pool('mem://');
    const documented = firstCells(docs('observability'));
    for (const field of Object.keys(pool.poolStats())) {
      expect(documented, field).toContain(field);
    }
  });

  test('compares with the bare SDK in the README only by what docs/why.md tells as well', () => {
    const whatHappens = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => line.split('|').length === 5)
        .map((line) => line.split('|')[1] ?? '');
    const [, comparison = ''] = page('README.md').text.split('\n## The bare SDK');
    const rows = whatHappens(comparison.split('\n## ')[0] ?? '');
    expect(rows.length).toBeGreaterThan(5);
    expect(whatHappens(docs('why'))).toEqual(expect.arrayContaining(rows));
  });

  test('has a reference that says what the docstrings say', async () => {
    const check = promisify(execFile)(process.execPath, ['scripts/api-reference.mjs', '--check'], {
      cwd: projectFolder,
    });
    await expect(check).resolves.toMatchObject({ stderr: '' });
  });

  test('names every reason for which a connection is closed, and every event', async () => {
    const { closeReasons } = await import('../src/pool/slot.js');
    expect(closeReasons).toHaveLength(12);
    const observability = docs('observability');
    const source = readFileSync(new URL('../src/pool/events.ts', import.meta.url), 'utf8');
    const [, events = ''] = source.split('export interface PoolEvents {');
    for (const [, name] of events.split('\n}')[0]?.matchAll(/^ {2}(\w+):/gm) ?? []) {
      expect(observability, name).toContain(`\`${name}\``);
    }
    for (const reason of closeReasons) expect(observability, reason).toContain(`\`${reason}\``);
  });
});
