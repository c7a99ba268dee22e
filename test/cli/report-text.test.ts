import { describe, expect, test } from 'vitest';
import type { AssertionResult } from '../../src/cli/assertions.js';
import type { LoadReport } from '../../src/cli/load-report.js';
import { ansi, paintFor, plain } from '../../src/cli/output.js';
import { reportText } from '../../src/cli/report-text.js';
import { figures, report, summary } from './example-report.js';

function lines(remarkable: Partial<LoadReport>): string[] {
  return reportText(report(remarkable), plain).trimEnd().split('\n');
}

function assertions(passed: number, failed: number): AssertionResult[] {
  const results = (count: number, result: boolean): AssertionResult[] =>
    Array.from({ length: count }, (_, number) => ({
      text: `errors.class-${number}=0`,
      unit: 'count',
      actual: 0,
      passed: result,
    }));
  return [...results(passed, true), ...results(failed, false)];
}

/** As many lines, and as long ones, as there can be. */
const extreme: Partial<LoadReport> = {
  verdict: {
    finding: 'database',
    sentence:
      'Stopped by SIGTERM after 2.5 h. Only 123,456 of 1,000,000 operations per second were done. The database was ' +
      'the bottleneck: a query took 0.54 ms alone and 4.1 ms under this load; more than 1,000 connections would not help.',
  },
  load: {
    ...figures().load,
    endpoint: `wss://${'database.'.repeat(20)}example.com/rpc`,
    workers: null,
    rate: 1_000_000,
  },
  operations: {
    total: 1_111_111_111,
    reads: 999_999_999,
    writes: 111_111_111,
    errors: 1_111_111,
    unfinished: 100_000,
    unanswered: 1_000,
    dropped: 999_999_999,
    refused: 0,
  },
  throughput: { mean: 123_456, slowestSecond: 1, perSecond: Array.from({ length: 9_000 }, (_, second) => second) },
  wait: summary({ mean: 100_000, p50: 4_000_000, p90: 4_000_000, p99: 4_000_000, max: 4_294_967 }),
  latency: summary({ mean: 0.0001, p50: 0.999, p90: 119_999, p99: 7_199_999, max: 86_400_000 }),
  latencyDistribution: [1, 999_999, 3, 4, 5, 86_399_999].map((upTo) => ({ upTo, count: upTo * 1_000 })),
  pool: {
    ...figures().pool,
    maxConnections: 1_000,
    opened: 1_000_000,
    openFailed: 1_000_000,
    closed: 1_000_000,
    closedBy: { idle: 99_999, lifetime: 99_999, uses: 99_999, died: 99_999, 'probe-failed': 99_999 },
  },
  errors: Object.fromEntries(
    Array.from({ length: 9 }, (_, number) => [`Error${number}`, { count: 1_000, message: 'word '.repeat(50) }]),
  ),
};

describe('the report', () => {
  test('says what matters most first, and everything in its place', () => {
    expect(reportText(report({ assertions: assertions(1, 1) }), plain)).toBe(`Healthy.

  ✓ errors.class-0=0  0
  ✗ errors.class-0=0  0

load         8 workers, 80 % reads, on ws://db:8000/rpc load/load
operations   1,000 in 2.0 s: 800 reads, 200 writes, 0 errors
throughput   500/s, slowest second 480  ▇█

               wait    query  latency       latency
p50         0.01 ms   1.0 ms   1.0 ms        ≤ 1 ms ██████████████████   100 %
p90         0.01 ms   1.0 ms   1.0 ms
p99         0.02 ms   1.0 ms   1.0 ms
max         0.30 ms   1.0 ms   1.0 ms
mean        0.01 ms   1.0 ms   1.0 ms
alone                0.80 ms

connections  8 opened, at most 20 at a time
closed       none
reuse        98 % of all acquires got a connection that was there before
errors       none
`);
  });

  test.each([
    ['without assertions', []],
    ['with one', assertions(1, 0)],
    ['with many', assertions(10, 30)],
  ])('fits 80 columns and 23 lines, however extreme the run was, %s', (_, results) => {
    const text = lines({ ...extreme, assertions: results });
    expect(text.length).toBeLessThanOrEqual(23);
    expect(text.filter((line) => line.length > 80)).toEqual([]);
  });

  test('shows the assertions that failed when there is no room for all', () => {
    const text = lines({ assertions: assertions(10, 2) });
    expect(text.filter((line) => line.includes('✗ '))).toHaveLength(2);
    expect(text).toContainEqual(expect.stringMatching(/^ {2}… \d+ more, all ✓$/));
    expect(lines({ assertions: assertions(0, 12) })).toContainEqual(
      expect.stringMatching(/… (\d+) more, \1 of them ✗/),
    );
  });

  test('says what an assertion found, in its unit', () => {
    const units: AssertionResult[] = [
      { text: 'a', unit: 'ms', actual: 12, passed: true },
      { text: 'b', unit: 'percent', actual: 5, passed: true },
      { text: 'c', unit: 'per second', actual: 1_234, passed: true },
      { text: 'd', unit: 'ms', actual: null, passed: false },
    ];
    expect(lines({ assertions: units }).slice(2, 6)).toEqual([
      '  ✓ a  12 ms',
      '  ✓ b  5.0 %',
      '  ✓ c  1,234 per second',
      '  ✗ d  nothing was measured',
    ]);
  });

  test('tells each class of errors with what the first one said, in one line', () => {
    const errors = {
      conflict: { count: 12, message: 'Transaction\n  conflict' },
      TypeError: { count: 1, message: 'no' },
    };
    expect(lines({ errors }).slice(-2)).toEqual([
      'errors       12 conflict: Transaction conflict',
      '             1 TypeError: no',
    ]);
  });

  test('puts classes of errors together when they are many', () => {
    const errors = Object.fromEntries(['A', 'B', 'C', 'D'].map((name) => [name, { count: 1, message: 'no' }]));
    expect(lines({ errors }).slice(-3)).toEqual([
      'errors       1 A: no',
      '             1 B: no',
      '             1 C, 1 D',
    ]);
  });

  test('says what was not done, and why connections were closed', () => {
    const text = lines({
      operations: { ...figures().operations, unfinished: 3, dropped: 4 },
      pool: { ...figures().pool, openFailed: 1, closed: 3, closedBy: { died: 2, uses: 1 } },
    });
    expect(text).toContain('             and 3 not finished, 4 dropped before they began');
    expect(text).toContain('connections  8 opened, 1 could not be opened, at most 20 at a time');
    expect(text).toContain('closed       3: 2 died, 1 uses');
  });

  test.each([40, 60, 79])('fits %i columns, and then loses nothing but an overlong address', (columns) => {
    const text = reportText(report({ ...extreme, assertions: assertions(3, 1) }), plain, columns).split('\n');
    expect(text.filter((line) => line.length > columns)).toEqual([]);
    expect(text.join(' ')).toContain('dropped');
    expect(text.some((line) => line.includes('latency') && line.includes('query'))).toBe(true);
  });

  test('uses a wide terminal for what would be cut', () => {
    const errors = { conflict: { count: 12, message: 'word '.repeat(50) } };
    const longest = (columns: number): number =>
      Math.max(
        ...reportText(report({ errors }), plain, columns)
          .split('\n')
          .map((line) => line.length),
      );
    expect([longest(80), longest(100), longest(300)]).toEqual([80, 100, 120]);
  });

  test('tells how many calls a message carried, where single calls were made', () => {
    const messages = { sent: 100, calls: 450, callsPerMessage: 4.5 };
    const text = lines({
      load: { ...figures().load, singleCalls: true },
      pool: { ...figures().pool, messages },
      wait: summary({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }),
    });
    expect(text).toContain('messages     4.5 calls in each, of 450 single calls');
    expect(text).toContainEqual(expect.stringMatching(/^load {9}8 workers with single calls, 80 % reads, on /));
    expect(text).toContainEqual(expect.stringMatching(/^p99 +– +1\.0 ms +1\.0 ms$/));
    expect(lines({}).join()).not.toContain('messages');
  });

  test('has styles only where they can be shown', () => {
    expect(reportText(report(), ansi)).toContain('\u001b[1mHealthy.\u001b[22m');
    const terminal = (colours: boolean) => ({ isTTY: true, hasColors: () => colours }) as unknown as NodeJS.WriteStream;
    expect(paintFor(terminal(true))('bold', 'text')).not.toBe('text');
    expect(paintFor(terminal(false))('bold', 'text')).toBe('text');
    expect(paintFor({ isTTY: false } as NodeJS.WriteStream)('bold', 'text')).toBe('text');
  });
});
