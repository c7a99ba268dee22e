import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as everything from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const page = (name: string): string => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');

/** All names in code marks of the first cells of a page's tables. */
function firstCells(text: string): Set<string> {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return new Set(
    rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')),
  );
}

describe('the documentation', () => {
  test('has a row for every error there is, with its code', () => {
    const errors = page('errors');
    const classes = Object.entries(everything).filter(
      ([name, value]) =>
        typeof value === 'function' && 'code' in value && !['PoolError', 'AcquireError', 'CallError'].includes(name),
    );
    expect(classes.length).toBeGreaterThan(8);
    for (const [name, value] of classes) {
      expect(errors).toContain(`| \`${name}\` | \`${(value as unknown as { code: string }).code}\` |`);
    }
  });

  test('names tests that are there, and every load scenario with the option that plays it', async () => {
    const testing = page('testing');
    const named = [...testing.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, file]) => file ?? '');
    expect(named.length).toBeGreaterThan(20);
    const missing = named.filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)));
    expect(missing).toEqual([]);
    const { scenarios } = await import('../../src/cli/scenarios/all.js');
    for (const name of Object.keys(scenarios)) {
      expect(testing, name).toContain(`\`${name}\``);
      expect(firstCells(page('load')), name).toContain(name);
    }
  });

  test('has a row for every field of the statistics', async () => {
    const pool = await own.pool('mem://');
    const documented = firstCells(page('observability'));
    for (const field of Object.keys(pool.poolStats())) {
      expect(documented, field).toContain(field);
    }
  });

  test('names every reason for which a connection is closed, and every event', async () => {
    const { closeReasons } = await import('../../src/pool/close-reason.js');
    expect(closeReasons).toHaveLength(17);
    const events = page('events');
    const source = readFileSync(new URL('../../src/pool/events.ts', import.meta.url), 'utf8');
    const [, declared = ''] = source.split('export interface PoolEvents {');
    for (const [, name] of declared.split('\n}')[0]?.matchAll(/^ {2}(\w+):/gm) ?? []) {
      expect(events, name).toContain(`\`${name}\``);
    }
    for (const reason of closeReasons) expect(events, reason).toContain(`\`${reason}\``);
  });
});
