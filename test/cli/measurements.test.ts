import { ServerError } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { errorClass } from '../../src/cli/error-class.js';
import { Measurements } from '../../src/cli/measurements.js';
import { AgentLimitError } from '../../src/errors/agent.js';
import { LeaseReleasedError } from '../../src/errors/call.js';
import { UsageError } from '../../src/errors/configuration.js';

const steps = { due: 0, asked: 2, lent: 5, ended: 12 };

describe('measurements', () => {
  test('tell the wait, the query and the latency of an operation apart', () => {
    const measurements = new Measurements(0);
    measurements.recordSuccess('read', steps);
    expect([measurements.wait, measurements.query, measurements.latency].map((time) => time.summary().max)).toEqual([
      3, 7, 12,
    ]);
    expect(measurements.succeeded).toEqual({ read: 1, write: 0 });
  });

  test('count in the times of failed operations too, but no query where there was no connection', () => {
    const measurements = new Measurements(0);
    measurements.recordFailure(new UsageError('no'), steps);
    measurements.recordFailure(new UsageError('no'), { ...steps, lent: undefined });
    expect(measurements.wait.summary()).toMatchObject({ count: 2, max: 10 });
    expect(measurements.query.summary()).toMatchObject({ count: 1, max: 7 });
    expect(measurements.latency.summary()).toMatchObject({ count: 2, max: 12 });
    expect(measurements.failed).toBe(2);
  });

  test('count what a limit refused apart, and in no time', () => {
    const measurements = new Measurements(0);
    const details = { sessionId: '1', agentId: 'a', limitOf: 'a', limit: 'maxConnections', max: 1, value: 1 } as const;
    measurements.recordFailure(new AgentLimitError({ ...details, scope: 'session' }), steps);
    expect(measurements).toMatchObject({ refused: 1, failed: 0 });
    expect([measurements.wait.count, measurements.latency.count, measurements.errors.size]).toEqual([0, 0, 0]);
  });

  test('count errors by class and keep what the first one said', () => {
    const measurements = new Measurements(0);
    for (const message of ['first', 'second']) measurements.recordFailure(new UsageError(message), steps);
    measurements.recordFailure(new LeaseReleasedError('released'), steps);
    expect(Object.fromEntries(measurements.errors)).toEqual({
      ERR_POOL_USAGE: { count: 2, message: 'first' },
      ERR_POOL_LEASE_RELEASED: { count: 1, message: 'released' },
    });
  });

  test('count successes by the second in which they ended, seconds without any included', () => {
    const measurements = new Measurements(10_000);
    for (const ended of [10_100, 10_999, 12_000]) measurements.recordSuccess('write', { ...steps, ended });
    expect(measurements.perSecond).toEqual([2, 0, 1]);
  });

  test('keep what succeeds after the end out of the throughput', () => {
    const measurements = new Measurements(0);
    measurements.recordSuccess('read', steps);
    measurements.recordFailure(new Error('no'), steps);
    measurements.stop(500);
    measurements.recordSuccess('read', steps);
    expect(measurements).toMatchObject({ elapsed: 500, inTime: 1, succeeded: { read: 2 } });
  });

  test('tell what happened since the last look', () => {
    const measurements = new Measurements(1_000);
    measurements.recordSuccess('read', steps);
    measurements.recordFailure(new Error('no'), steps);
    expect(measurements.interval(2_000)).toEqual({ duration: 1_000, succeeded: 1, failed: 1, p99: 12 });
    expect(measurements.interval(2_500)).toEqual({ duration: 500, succeeded: 0, failed: 0, p99: 0 });
  });
});

describe('the class of an error', () => {
  test('is the code of one of ours', () => {
    expect(errorClass(new UsageError('no'))).toBe('ERR_POOL_USAGE');
  });

  test('is the kind of one from the server', () => {
    const error = new ServerError({ kind: 'NotAllowed', code: -32_002, message: 'no' });
    expect(errorClass(error)).toBe('NotAllowed');
  });

  test('is conflict for a write conflict, whatever kind it has', () => {
    const message = 'Transaction conflict: Write conflict. This transaction can be retried';
    expect(errorClass(new ServerError({ kind: 'Query', code: -32_000, message }))).toBe('conflict');
    expect(errorClass(new UsageError('no', { cause: new Error(message) }))).toBe('conflict');
  });

  test('is otherwise its name', () => {
    expect(errorClass(new TypeError('no'))).toBe('TypeError');
    expect(errorClass('no')).toBe('unknown');
  });
});
