import { describe, expect, test } from 'vitest';
import type { LoadFigures } from '../../src/cli/load-figures.js';
import { verdictOn } from '../../src/cli/verdict.js';
import { figures, summary } from './example-report.js';

function verdict(remarkable: Partial<LoadFigures>) {
  return verdictOn(figures(remarkable));
}

const waiting = {
  wait: summary({ mean: 6, p50: 6, p99: 12 }),
  query: summary({ mean: 1, p50: 1, p99: 2 }),
  latency: summary({ mean: 7, p50: 7, p99: 14 }),
};
const slow = { query: summary({ mean: 5, p50: 5, p99: 8 }), latency: summary({ mean: 5, p50: 5, p99: 8 }) };
const atRate = { load: { ...figures().load, workers: null, rate: 500 } };

describe('the verdict', () => {
  test('is healthy when hardly anybody waited and queries were as fast as alone', () => {
    expect(verdict({})).toEqual({
      finding: 'healthy',
      sentence: 'Healthy: 500 operations per second, latency 1.0 ms at p99, wait for a connection 0.02 ms.',
    });
  });

  test('names conflicts without taking them for an illness', () => {
    const errors = { conflict: { count: 3, message: '' } };
    expect(verdict({ errors })).toMatchObject({
      finding: 'healthy',
      sentence: expect.stringMatching(/^Healthy but for 3 write conflicts: /),
    });
  });

  test('blames the pool when callers waited and queries were as fast as alone', () => {
    expect(verdict(waiting)).toEqual({
      finding: 'pool',
      sentence: 'The pool was the bottleneck: callers waited 12 ms at p99 while queries took 2.0 ms; raise --pool-max.',
    });
  });

  test('blames the database when queries were much slower than alone', () => {
    expect(verdict(slow)).toEqual({
      finding: 'database',
      sentence: 'The database was the bottleneck: a query took 0.80 ms alone and 5.0 ms under this load.',
    });
  });

  test('says so when what was slow is an engine inside this process', () => {
    const embedded = { load: { ...figures().load, engine: 'in-process' as const } };
    const { finding, sentence } = verdict({ ...slow, ...embedded });
    expect(finding).toBe('database');
    expect(sentence).toBe(
      'The engine inside this process was the bottleneck: a query took 0.80 ms alone and 5.0 ms under this load. ' +
        'It shares the cores with its callers, so this says nothing of a server.',
    );
    expect(verdict({ ...embedded, processBusy: 97 }).sentence).toMatch(/beside the engine that runs inside it/);
  });

  test('does not part the time of single calls, which nobody measured apart', () => {
    const single = { load: { ...figures().load, singleCalls: true }, wait: summary({ count: 0, p99: 0 }) };
    expect(verdict({ ...slow, ...single })).toEqual({
      finding: 'calls',
      sentence:
        'A call took 0.80 ms alone and 5.0 ms under this load, the wait for a connection included; ' +
        'without --single-calls the two are measured apart.',
    });
    expect(verdict(single).sentence).toBe('Healthy: 500 operations per second, latency 1.0 ms at p99.');
  });

  test('blames the database, not the pool, when callers waited for slow queries', () => {
    const both = { ...slow, wait: waiting.wait, latency: summary({ mean: 11, p99: 20 }) };
    expect(verdict(both)).toMatchObject({
      finding: 'database',
      sentence: expect.stringMatching(/; more than 20 connections would not help\.$/),
    });
  });

  test('blames nobody for a wait that is a small share of the latency, or short', () => {
    expect(verdict({ ...waiting, latency: summary({ mean: 100, p99: 200 }) }).finding).toBe('healthy');
    const short = { wait: summary({ mean: 0.5, p99: 0.9 }), latency: summary({ mean: 1.5 }) };
    expect(verdict({ ...waiting, ...short }).finding).toBe('healthy');
  });

  test('blames the process before all others when it had no time left', () => {
    expect(verdict({ ...waiting, ...slow, processBusy: 97 })).toMatchObject({
      finding: 'process',
      sentence: expect.stringMatching(/^This process was the bottleneck: it computed 97 % of the time/),
    });
  });

  test('says when a rate was not kept, and who is to blame', () => {
    const behind = { ...atRate, throughput: { mean: 200, slowestSecond: 100, perSecond: [] } };
    expect(verdict(behind)).toEqual({
      finding: 'overload',
      sentence: 'Only 200 of 500 operations per second were done.',
    });
    expect(verdict({ ...behind, ...waiting })).toMatchObject({
      finding: 'pool',
      sentence: expect.stringMatching(/^Only 200 of 500 .* were done\. The pool was the bottleneck/),
    });
  });

  test('takes dropped operations for a rate that was not kept', () => {
    const operations = { ...figures().operations, dropped: 1 };
    expect(verdict({ ...atRate, operations }).finding).toBe('overload');
    expect(verdict(atRate).finding).toBe('healthy');
  });

  test('puts errors first', () => {
    const operations = { ...figures().operations, errors: 20 };
    const timeouts = { ERR_POOL_ACQUIRE_TIMEOUT: { count: 20, message: '' } };
    expect(verdict({ ...waiting, operations, errors: timeouts })).toEqual({
      finding: 'errors',
      sentence: '20 of 1,000 operations failed (2.0 %), all with ERR_POOL_ACQUIRE_TIMEOUT.',
    });
    const errors = { conflict: { count: 15, message: '' }, NotAllowed: { count: 5, message: '' } };
    expect(verdict({ operations, errors }).sentence).toBe('20 of 1,000 operations failed (2.0 %), 5 with NotAllowed.');
  });

  test('blames a database that stopped answering before all else: what it did answer was fast', () => {
    const operations = { ...figures().operations, errors: 20, unfinished: 32, unanswered: 20 };
    const errors = { NotAllowed: { count: 20, message: '' } };
    expect(verdict({ ...waiting, operations, errors })).toEqual({
      finding: 'database',
      sentence: 'The database stopped answering: 20 statements still had no answer when the run was over.',
    });
  });

  test('says when there is nothing to judge', () => {
    const nothing = { total: 0, reads: 0, writes: 0, errors: 0, unfinished: 0, unanswered: 0, dropped: 0, refused: 0 };
    expect(verdict({ operations: nothing })).toEqual({ finding: 'nothing', sentence: 'No operation was begun.' });
    expect(verdict({ operations: { ...nothing, unfinished: 8 } }).sentence).toBe('None of the 8 operations ended.');
  });

  test('tells what limits refused, which is no failure', () => {
    const operations = { ...figures().operations, refused: 1_000 };
    expect(verdict({ operations })).toMatchObject({
      finding: 'healthy',
      sentence: expect.stringMatching(/\. Limits of the agents refused 1,000 operations besides \(50 % of all\)\.$/),
    });
    const all = { total: 0, reads: 0, writes: 0, errors: 0, unfinished: 0, unanswered: 0, dropped: 0, refused: 8 };
    expect(verdict({ operations: all })).toEqual({
      finding: 'nothing',
      sentence: 'Limits of the agents refused all 8 operations.',
    });
  });

  test('does not blame the pool alone when agents wait at a limit of their own', () => {
    const limits = { maxConnections: 1, atMaxConnections: 'wait' } as const;
    const agents = { count: 2, greedy: 1, think: 100, weights: [1], limits };
    const { finding, sentence } = verdict({ ...waiting, load: { ...figures().load, agents } });
    expect(finding).toBe('pool');
    expect(sentence).toMatch(/raise --pool-max, or the 1 connection that each agent may have\.$/);
  });

  test('says when the run was stopped', () => {
    expect(verdict({ interrupted: 'SIGINT', elapsed: 3_200 })).toMatchObject({
      finding: 'healthy',
      sentence: expect.stringMatching(/^Stopped by SIGINT after 3.2 s\. Healthy: /),
    });
  });
});
