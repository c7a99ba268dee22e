import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs'));

describe('the examples', () => {
  test('are there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(5);
  });

  test.each(examples)('%s runs by itself, prints what it says, and ends', async (name) => {
    const source = readFileSync(folder + name, 'utf8');
    const [, promised = 'the example does not say what it prints'] = source.split('// Prints:\n');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [folder + name], { timeout: 60_000 });
    expect(stderr).toBe('');
    expect(stdout).toBe(promised.replace(/^\/\/ ?/gm, ''));
  });
});
