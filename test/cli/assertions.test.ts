import { describe, expect, test } from 'vitest';
import { evaluate, readAssertions } from '../../src/cli/assertions.js';
import type { LoadFigures } from '../../src/cli/load-figures.js';
import { Refusal } from '../../src/config/refusal.js';
import { figures, summary } from './example-report.js';

function results(list: string, remarkable: Partial<LoadFigures> = {}) {
  const assertions = readAssertions(list);
  if (assertions instanceof Refusal) throw new Error(`refused: ${assertions.given}; ${assertions.allowed}`);
  return evaluate(assertions, figures(remarkable));
}

function holds(list: string, remarkable?: Partial<LoadFigures>): boolean[] {
  return results(list, remarkable).map(({ passed }) => passed);
}

function refusalOf(list: string): Refusal {
  const assertions = readAssertions(list);
  if (assertions instanceof Refusal) return assertions;
  throw new Error(`${list} was not refused`);
}

const failed = {
  operations: { total: 200, reads: 150, writes: 40, errors: 10, unfinished: 0, unanswered: 0, dropped: 3, refused: 0 },
  errors: { conflict: { count: 8, message: '' }, ERR_POOL_ACQUIRE_TIMEOUT: { count: 2, message: '' } },
};

describe('an assertion', () => {
  test.each([
    ['closed<2', [true, false, false]],
    ['closed<=2', [true, true, false]],
    ['closed>2', [false, false, true]],
    ['closed>=2', [false, true, true]],
    ['closed=2', [false, true, false]],
  ])('%s compares as it says', (text, expected) => {
    const pool = figures().pool;
    expect([1, 2, 3].map((closed) => holds(text, { pool: { ...pool, closed } })[0])).toEqual(expected);
  });

  test('compares times in any unit', () => {
    const wait = summary({ p50: 0.5, p90: 1, p99: 50, max: 1_500, mean: 7 });
    expect(holds('wait.p50=500us, wait.p90<=1ms, wait.p99<49.5ms, wait.max=1.5s, wait.mean>6ms', { wait })).toEqual([
      true,
      true,
      false,
      true,
      true,
    ]);
  });

  test('tells waits, queries and latencies apart', () => {
    const times = { wait: summary({ p99: 1 }), query: summary({ p99: 2 }), latency: summary({ p99: 3 }) };
    expect(holds('wait.p99=1ms,query.p99=2ms,latency.p99=3ms', times)).toEqual([true, true, true]);
  });

  test('counts what limits refused apart from errors', () => {
    const operations = { ...figures().operations, refused: 3 };
    expect(holds('refused=3,refused<3,errors=0', { operations })).toEqual([true, false, true]);
    expect(refusalOf('refused<3%')).toMatchObject({ allowed: 'for refused a number' });
  });

  test('counts errors, in all or of a class, as a number or as a share', () => {
    expect(holds('errors=10,errors=5%,errors.conflict=8,errors.conflict=4%', failed)).toEqual([true, true, true, true]);
    expect(holds('errors.ERR_POOL_ACQUIRE_TIMEOUT=2,errors.ERR_POOL_CONNECT=0', failed)).toEqual([true, true]);
  });

  test('knows throughput, reuse, dropped and opened', () => {
    expect(holds('throughput>=500/s,throughput>500,reuse>=98%,reuse=98,dropped=3,opened=8', failed)).toEqual([
      true,
      false,
      true,
      true,
      true,
      true,
    ]);
  });

  test('does not hold when nothing was measured', () => {
    const nothing = {
      operations: { ...failed.operations, total: 0 },
      wait: summary({ count: 0, p99: 0 }),
    };
    expect(results('wait.p99<50ms,reuse>0%,errors<1%', nothing)).toMatchObject([
      { actual: null, passed: false },
      { actual: null, passed: false },
      { actual: null, passed: false },
    ]);
  });

  test('is told back as it was given', () => {
    expect(results('wait.p99 < 50ms, errors = 0')).toMatchObject([
      { text: 'wait.p99 < 50ms', actual: 0.02 },
      { text: 'errors = 0', actual: 0 },
    ]);
  });
});

describe('an assertion that cannot be read', () => {
  test.each([
    ['', 'wait.p99<50ms'],
    ['errors', 'one of < <= > >= ='],
    ['errors==0', 'one of < <= > >= ='],
    ['errors=0,', 'one of < <= > >= ='],
    ['wait.p99<50', 'a time with its unit'],
    ['wait.p99<50%', 'a time with its unit'],
    ['errors<1ms', 'a number, or a share'],
    ['opened<1%', 'for opened a number'],
    ['throughput>1ms', 'operations per second'],
    ['reuse>1s', 'a percentage'],
    ['frobnication<1', 'throughput, errors'],
  ])('%s is refused, with what is allowed', (list, allowed) => {
    expect(refusalOf(list).allowed).toContain(allowed);
  });

  test.each([
    ['wiat.p99<1ms', 'wait.p99'],
    ['wait_p99<1ms', 'wait.p99'],
    ['latncy.max<1ms', 'latency.max'],
    ['error=0', 'errors'],
  ])('%s is refused with the nearest metric', (list, metric) => {
    const { allowed, given } = refusalOf(list);
    expect(allowed).toBe(`${metric} (did you mean that?)`);
    expect(given).toContain('unknown metric');
  });
});
