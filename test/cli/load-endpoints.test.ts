import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ClusterReport } from '../../src/cli/cluster/report.js';
import type { LoadReport } from '../../src/cli/load-report.js';
import { surroundings } from '../support/surroundings.js';
import { temporaryFolder } from '../support/temporary.js';
import { Command, run } from './command.js';

const own = surroundings();

/** A command with a folder of its own for what is temporary. */
function inFolder(...parameters: string[]): { command: Command; left: () => string[] } {
  const folder = join(temporaryFolder(), 'tmp');
  mkdirSync(folder);
  const command = new Command(['load', ...parameters], { TMPDIR: folder });
  return { command, left: () => readdirSync(folder) };
}

// All processes of a command write to its stderr, so `ended` comes when the last of them has gone.

describe('servers of its own', () => {
  test('are killed and frozen under load, and the account of every write holds', async () => {
    const { command, left } = inFolder('--endpoints', '3', '--duration', '20s', '--seed', '7', '--json');
    const { code, stdout, stderr } = await command.ended;
    const report = JSON.parse(stdout) as ClusterReport;
    expect(report.expectations.filter(({ held }) => !held)).toEqual([]);
    expect(code).toBe(0);
    expect(left()).toEqual([]);
    expect(stderr).toMatch(/^progress: .*, server 1 killed; the pool has 1 out, 2 \w+, 3 \w+$/m);

    const { parts, store, samples, errors, calls, failed } = report;
    expect(parts).toHaveLength(5);
    expect(parts.reduce((sum, part) => sum + part.calls, 0)).toBe(calls);
    expect(Object.values(errors).reduce((sum, { count }) => sum + count, 0)).toBe(failed);
    expect(store.made).toBeGreaterThan(100);
    expect(parts.every((part) => part.calls > 0)).toBe(true);
    // Two were away for a while, and the third served all the time.
    const least = (server: number): number =>
      Math.min(...samples.map(({ servers }) => servers[server]?.connections ?? -1));
    expect(least(0)).toBe(0);
    expect(samples.some(({ servers }) => servers[1]?.state !== 'well')).toBe(true);
    expect(least(2)).toBeGreaterThan(0);
    for (const server of [0, 1, 2]) {
      const queries = samples.map(({ servers }) => servers[server]?.queries ?? 0);
      expect(queries.slice(0, 4).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    }
  });

  test('are gone when a signal stops the load, which still reports', async () => {
    const { command, left } = inFolder('--endpoints', '2', '--progress', '200ms');
    await command.told(/all well/);
    command.signal('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/^Stopped by SIGINT\. /);
    expect(stdout).toMatch(/✓ every acknowledged write is in the store, once/);
    expect(left()).toEqual([]);
  });

  test('are gone when the command is killed while one of them is frozen', async () => {
    const { command, left } = inFolder('--endpoints', '2', '--duration', '20s', '--progress', '200ms');
    await command.told(/server 2 frozen/);
    command.signal('SIGKILL');
    expect((await command.ended).code).toBe(null);
    expect(left()).toEqual([]);
  });

  // Whether a program is being loaded then, or has begun, differs from run to run.
  test.each([200, 350, 500, 800])('are gone when the command is killed %i ms after its start', async (after) => {
    const { command, left } = inFolder('--endpoints', '9');
    setTimeout(() => command.signal('SIGKILL'), after);
    expect((await command.ended).stdout).toBe('');
    expect(left()).toEqual([]);
  });
});

describe('servers that are there', () => {
  test('share the load, and the report says what each had', async () => {
    const fronts = await Promise.all([own.listen(), own.listen()]);
    const addresses = fronts.map(({ url }) => url);
    const options = ['--pool-max', '6', '--duration', '1s', '--progress', '0', '--mix', 'read=1'];
    const { code, stdout, stderr } = await run(['load', '--endpoint', addresses.join(','), ...options, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { pool, load } = JSON.parse(stdout) as LoadReport;
    expect(load.endpoint).toBe(addresses.join(', '));
    expect(pool.endpoints).toEqual(addresses.map((url) => ({ url, state: 'well', connections: 3, opened: 3 })));
    expect(fronts.map(({ connections }) => connections)).toEqual([0, 0]);

    const text = await run(['load', ...addresses.flatMap((url) => ['--endpoint', url]), ...options]);
    const hosts = addresses.map((url) => new URL(url).host);
    expect(text.stdout).toContain(`servers      3 at ${hosts[0]}, 3 at ${hosts[1]}\n`);
  });

  test('given twice are refused as options', async () => {
    const { code, stderr } = await run(['load', '--endpoint', 'ws://localhost:8000,ws://127.0.0.1:8000']);
    expect(code).toBe(2);
    expect(stderr).toContain('the same server as item 0 of the list');
  });
});
