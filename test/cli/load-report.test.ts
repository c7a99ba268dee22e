import { describe, expect, test } from 'vitest';
import { readLoadOptions } from '../../src/cli/load-options.js';
import { type LoadReport, type Observations, reportOf } from '../../src/cli/load-report.js';
import { Measurements } from '../../src/cli/measurements.js';
import { closeReasons } from '../../src/pool/close-reason.js';
import type { PoolStats } from '../../src/telemetry/pool-stats.js';

function poolStats(counters: Partial<PoolStats>): PoolStats {
  const closedBy = Object.fromEntries(closeReasons.map((reason) => [reason, 0]));
  const messages = { sent: 0, calls: 0 };
  return { minConnections: 5, maxConnections: 20, closedBy, messages, ...counters } as PoolStats;
}

function report(parameters: string, measurements: Measurements, observed: Partial<Observations> = {}): LoadReport {
  const options = readLoadOptions(parameters.split(' '), {});
  if (options === undefined) throw new Error('these parameters ask for help');
  const pool = poolStats({ opened: 0, openFailed: 0, closed: 0, served: 0, reused: 0 });
  return reportOf(measurements, {
    options,
    versions: { package: '0.1.0', node: '22.0.0', sdk: '2.0.8', engine: null, server: '3.3.5' },
    interrupted: null,
    queryAlone: 1,
    processBusy: 0,
    poolBefore: pool,
    poolAfter: pool,
    endpoints: [],
    agents: null,
    ...observed,
  });
}

/** Operations of no duration that end at these moments. */
function succeededAt(...moments: number[]): Measurements {
  const measurements = new Measurements(0);
  for (const ended of moments) measurements.recordSuccess('read', { due: ended, asked: ended, lent: ended, ended });
  return measurements;
}

describe('the throughput', () => {
  test('is what succeeded while operations were begun; the slowest second is a whole one', () => {
    const measurements = succeededAt(100, 200, 300, 1_100, 1_200, 2_100);
    measurements.stop(2_500);
    measurements.recordSuccess('read', { due: 0, asked: 0, lent: 0, ended: 2_600 });
    expect(report('--json', measurements).throughput).toEqual({ mean: 2.4, slowestSecond: 2, perSecond: [3, 2] });
  });

  test('knows a second in which nothing succeeded', () => {
    const measurements = succeededAt(100);
    measurements.stop(3_000);
    expect(report('--json', measurements).throughput).toMatchObject({ slowestSecond: 0, perSecond: [1, 0, 0] });
  });

  test('has no slowest second in a run of less than one', () => {
    const measurements = succeededAt(100);
    measurements.stop(500);
    expect(report('--json', measurements).throughput).toEqual({ mean: 2, slowestSecond: 2, perSecond: [] });
  });
});

describe('the pool', () => {
  test('is told by what happened to it under load, and only with reasons that occurred', () => {
    const { closedBy } = poolStats({});
    const poolBefore = poolStats({ served: 100, reused: 10 });
    const poolAfter = poolStats({
      served: 300,
      reused: 160,
      opened: 9,
      closed: 2,
      closedBy: { ...closedBy, died: 2 },
    });
    const { pool } = report('--json', new Measurements(0), { poolBefore, poolAfter });
    expect(pool).toMatchObject({ reuse: 75, opened: 9, closed: 2, closedBy: { died: 2 } });
    expect(Object.keys(pool.closedBy)).toEqual(['died']);
  });
});

test('single calls are told by the messages that carried them under load', () => {
  const poolBefore = poolStats({ messages: { sent: 2, calls: 2 } });
  const poolAfter = poolStats({ messages: { sent: 12, calls: 42 } });
  const { pool } = report('--single-calls', new Measurements(0), { poolBefore, poolAfter });
  expect(pool.messages).toEqual({ sent: 10, calls: 40, callsPerMessage: 4 });
  const without = report('--json', new Measurements(0), { poolBefore, poolAfter: poolBefore });
  expect(without.pool.messages).toEqual({ sent: 0, calls: 0, callsPerMessage: null });
});

test('the text of own statements is not in the report, which may be seen by others', () => {
  const { load } = report('--query SELECT@hunter2', new Measurements(0));
  expect(load).toMatchObject({ mix: null, statements: [{ name: 'query 1', weight: 1 }] });
  expect(JSON.stringify(load)).not.toContain('hunter2');
});

test('errors are told by how often they happened', () => {
  const measurements = new Measurements(0);
  const steps = { due: 0, asked: 0, lent: 0, ended: 1 };
  for (const error of [new TypeError('a'), new RangeError('b'), new RangeError('c')]) {
    measurements.recordFailure(error, steps);
  }
  expect(Object.entries(report('--json', measurements).errors)).toEqual([
    ['RangeError', { count: 2, message: 'b' }],
    ['TypeError', { count: 1, message: 'a' }],
  ]);
});

test('no secret is in the report', () => {
  const parameters = '--endpoint ws://db:8000/rpc?key=hunter2 --username root --password hunter2 --assert errors=0';
  const { load, ...rest } = report(parameters, new Measurements(0));
  expect(load.endpoint).toBe('ws://db:8000/rpc');
  expect(JSON.stringify({ load, ...rest })).not.toContain('hunter2');
});
