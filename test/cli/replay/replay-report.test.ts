import { describe, expect, test } from 'vitest';
import type { ReplayFigures } from '../../../src/cli/replay/replay-figures.js';
import { verdictOn } from '../../../src/cli/replay/replay-report.js';
import type { HistogramSummary } from '../../../src/pool/histogram.js';

const times = (mean: number, p99: number): HistogramSummary => ({
  count: 100,
  mean,
  p50: mean,
  p90: p99,
  p99,
  max: p99,
});

const operations = {
  total: 100,
  reads: 100,
  writes: 0,
  errors: 0,
  unfinished: 0,
  unanswered: 0,
  dropped: 0,
  refused: 0,
};

const calm: ReplayFigures = {
  operations,
  throughput: { mean: 10, slowestSecond: 10, perSecond: [] },
  wait: times(0.1, 0.5),
  query: times(20, 40),
  latency: times(20.1, 40),
  errors: {},
  elapsed: 10_000,
  calls: 100,
  late: times(0.1, 0.5),
  mostLent: 5,
  used: 20,
};

const verdict = (change: Partial<ReplayFigures>, signal: 'SIGINT' | null = null) =>
  verdictOn({ ...calm, ...change }, { maxConnections: 10 }, 2, signal);

describe('the verdict on a replay', () => {
  test('is that the pool was large enough', () => {
    expect(verdict({})).toEqual({
      finding: 'enough',
      sentence:
        'The pool was large enough: callers waited 0.50 ms at p99 at 2× the recorded load, with 10 connections, of which at most 5 were lent at a time (20 % of their time).',
    });
  });

  test('is that it was too small', () => {
    const { finding, sentence } = verdict({ wait: times(30, 90), latency: times(50, 130) });
    expect(finding).toBe('pool');
    expect(sentence).toMatch(
      /^The pool was too small: callers waited 90 ms at p99 .*; --sweep finds the size that is enough\.$/,
    );
  });

  test('is that units got no connection', () => {
    const errors = { ERR_POOL_ACQUIRE_TIMEOUT: { count: 7, message: 'none' } };
    expect(verdict({ errors, operations: { ...operations, errors: 7 } })).toMatchObject({
      finding: 'errors',
      sentence: expect.stringMatching(
        /^7 units of 100 got no connection \(7 with ERR_POOL_ACQUIRE_TIMEOUT\)/,
      ) as string,
    });
  });

  test('blames the process when its timers were late beside the times of the units', () => {
    const { finding, sentence } = verdict({ late: times(10, 50), wait: times(30, 90) });
    expect(finding).toBe('process');
    expect(sentence).toMatch(/it was 50 ms late at p99, so the waits say little/);
  });

  test('says when the process was late now and then', () => {
    const { finding, sentence } = verdict({ late: times(0.5, 8) });
    expect(finding).toBe('enough');
    expect(sentence).toMatch(
      / This process was 8\.0 ms late at p99, which makes waits longer; --sweep needs no real time\.$/,
    );
  });

  test('says that nothing was done, and that it was stopped', () => {
    expect(verdict({ operations: { ...operations, total: 0 } }, 'SIGINT')).toEqual({
      finding: 'nothing',
      sentence: 'Stopped by SIGINT after 10 s. No unit of work ended.',
    });
  });
});
