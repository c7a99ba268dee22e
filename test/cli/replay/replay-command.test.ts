import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRecording } from '../../../src/cli/replay/recording.js';
import type { ReplayReport } from '../../../src/cli/replay/replay-report.js';
import type { SizesReport } from '../../../src/cli/replay/replay-sizes.js';
import { temporaryFolder } from '../../support/temporary.js';
import { Command, run } from '../command.js';

const newFile = (name = 'load.ndjson'): string => join(temporaryFolder(), name);

/** A recording of units that come every `gap` milliseconds and take `held`. */
function written(count: number, gap: number, held: number, pools = 1): string {
  const path = newFile();
  const lines: object[] = [{ surrealPoolRecording: 1, startedAt: '2026-11-03T09:00:00.000Z' }];
  for (let pool = 1; pool <= pools; pool++) lines.push({ pool, maxConnections: 2 });
  lines.push({ shape: 1, operation: 'SELECT', text: 'SELECT * FROM person' });
  for (let unit = 0; unit < count; unit++) {
    const calls = [[0, held, 1]];
    lines.push({ at: unit * gap, of: 1 + (unit % pools), kind: 'lease', identity: 1, waited: 0, held, calls });
  }
  lines.push({ end: 'stopped', at: count * gap, units: count, calls: count, lost: 0 });
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

describe('load --record and load --replay', () => {
  test('do the same units again, as many times as fast', async () => {
    const path = newFile();
    const load = ['load', '--rate', '200', '--operations', '100', '--seed', '7', '--progress', '0'];
    const made = await run([...load, '--record', path, '--json']);
    expect({ code: made.code, stderr: made.stderr }).toEqual({
      code: 0,
      stderr: `surreal-pool: recorded 100 units with 100 calls in ${path}\n`,
    });
    const { units, pools } = await readRecording(path);
    expect({ units: units.length, pools: [...pools] }).toEqual({ units: 100, pools: [[1, 20]] });

    // A replay that is recorded in turn shows what it did.
    const again = newFile();
    const done = await run(['load', '--replay', path, '--speed', '2', '--record', again, '--json', '--progress', '0']);
    const report = JSON.parse(done.stdout) as ReplayReport;
    expect({ code: done.code, total: report.operations.total, calls: report.calls }).toEqual({
      code: 0,
      total: 100,
      calls: 100,
    });
    expect(report.recorded).toMatchObject({ units: 100, calls: 100, kinds: { call: 0, lease: 100, transaction: 0 } });
    expect(report.pool.maxConnections).toBe(20);
    const second = await readRecording(again);
    expect(second.units).toHaveLength(100);
    const lasted = (of: typeof units): number => (of.at(-1)?.at ?? 0) - (of[0]?.at ?? 0);
    // A machine that stands still makes a run longer, never shorter.
    expect(lasted(second.units)).toBeGreaterThan(lasted(units) / 2 - 20);
    for (const { held = 0 } of second.units) expect(held).toBeGreaterThan(0);
    expect(report.query.mean).toBeGreaterThan(0.9 * (units.reduce((sum, { held = 0 }) => sum + held, 0) / 100));
  });

  test('find the smallest size for a recording, without a database', async () => {
    const path = written(1_000, 1, 13.5);
    const text = await run(['load', '--replay', path, '--speed', '2', '--sweep']);
    expect(text.code).toBe(0);
    // The pool of the recording had 2; at twice the speed 27 are busy all the time.
    expect(text.stdout).toMatch(/^--pool-max 2\d is the smallest that keeps wait\.p99<10ms and errors=0 at 2×/);
    const json = await run(['load', '--replay', path, '--speed', '2', '--sweep', '--json']);
    const { recommended, sizes } = JSON.parse(json.stdout) as SizesReport;
    expect(sizes.find(({ size }) => size === recommended)?.isEnough).toBe(true);
    expect(sizes.find(({ size }) => size === (recommended ?? 0) - 1)?.isEnough).toBe(false);
    const none = await run(['load', '--replay', path, '--speed', '2', '--sweep', '--pool-max', '5']);
    expect({ code: none.code, first: none.stdout.split(' at 2×')[0] }).toEqual({
      code: 99,
      first: 'No size up to 5 keeps wait.p99<10ms and errors=0',
    });
  });

  test('record nothing by themselves, whatever a service beside them records', async () => {
    const path = newFile();
    expect((await run(['load', '-n', '5', '-P', '0'], { SURREAL_RECORD_LOAD: path })).code).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test('check what is asserted', async () => {
    const path = written(20, 1, 30);
    const parameters = ['load', '--replay', path, '--pool-max', '1', '--progress', '0', '--assert'];
    const failed = await run([...parameters, 'wait.p99<1ms']);
    expect(failed.code).toBe(99);
    expect(failed.stdout).toMatch(/✗ wait\.p99<1ms/);
    expect(failed.stdout.replace(/\s+/g, ' ')).toMatch(
      /^The pool was too small: callers waited|^This process could not keep up/,
    );
    expect((await run([...parameters, 'wait.p99<60s'])).code).toBe(0);
  });

  test('ask which pool, where there are several', async () => {
    const path = written(10, 1, 1, 2);
    const unclear = await run(['load', '--replay', path]);
    expect(unclear.code).toBe(2);
    expect(unclear.stderr).toMatch(/--replay-pool: given nothing; allowed: 1 \(5 units\), 2 \(5 units\)/);
    const wrong = await run(['load', '--replay', path, '--replay-pool', '3']);
    expect(wrong.stderr).toMatch(/--replay-pool: given 3; allowed: 1 \(5 units\)/);
    const chosen = await run(['load', '--replay', path, '--replay-pool', '2', '--json', '--progress', '0']);
    expect((JSON.parse(chosen.stdout) as ReplayReport).operations.total).toBe(5);
  });

  test('refuse what cannot be read or written, and what does not fit', async () => {
    const corrupt = newFile();
    writeFileSync(corrupt, readFileSync(written(3, 1, 1), 'utf8').replace('"held":1', '"held":-1'));
    for (const [parameters, reason] of [
      [['--replay', corrupt], /line 4: given a unit of work with a wrong held/],
      [['--replay', newFile()], /which cannot be read \(ENOENT\)/],
      [['--record', corrupt, '-n', '5'], /which is there already/],
      [['--speed', '2'], /--speed: given without it; allowed: only with --replay/],
      [['--replay', 'a', '--speed', '0'], /--speed: given "0"; allowed: how many times faster/],
      [['--replay', 'a', '--workers', '3'], /--workers: given with --replay; allowed: without --replay/],
      [['--replay', 'a', '--sweep', '--endpoint', 'ws://db'], /--endpoint: given with --sweep/],
      [['--sweep', '--record', 'a'], /--record: given with --sweep/],
      [['--scenario', 'bursts', '--record', 'a'], /--record: given with --scenario/],
    ] as const) {
      const { code, stderr, stdout } = await run(['load', ...parameters]);
      expect({ parameters, code, stdout }).toEqual({ parameters, code: 2, stdout: '' });
      expect(stderr).toMatch(reason);
    }
    expect(existsSync('a')).toBe(false);
  });

  test('report what was done when they are stopped', async () => {
    const command = new Command(['load', '--replay', written(100, 600, 1), '--progress', '50ms', '--json']);
    await command.told(/progress/);
    command.signal('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(130);
    expect(JSON.parse(stdout) as ReplayReport).toMatchObject({ interrupted: 'SIGINT' });
  });
});
