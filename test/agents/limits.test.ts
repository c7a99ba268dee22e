import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changedLimits, type GivenLimits, noLimits, resolveLimits } from '../../src/agents/limits.js';
import { refusalOf } from '../config/refusals.js';

const read = (given: unknown): GivenLimits => changedLimits(noLimits, given);
const problems = (given: unknown, present = noLimits): readonly (readonly string[])[] =>
  refusalOf(() => changedLimits(present, given)).issues.map(({ path, given, allowed }) => [path, given, allowed]);

describe('the limits of a session', () => {
  test('are none by default, but for the log and the time of holding', () => {
    const none = Number.POSITIVE_INFINITY;
    expect(resolveLimits(read(undefined))).toEqual({
      ...{ maxConnections: none, refusesAtMaxConnections: true, maxWaiting: none, maxOperations: none },
      ...{ operationsPerSecond: none, burst: none, maxTransactions: none, maxTransactionAge: 0, queryTimeout: 0 },
      ...{ maxRows: none, maxBytes: none, maxLog: 1_000, maxHold: 60_000 },
    });
    const names = 'maxConnections atMaxConnections maxRows maxLog maxHold queryTimeout operationsPerSecond burst';
    const nulls = Object.fromEntries(names.split(' ').map((name) => [name, null]));
    expect(resolveLimits(read(nulls))).toEqual(resolveLimits(noLimits));
  });

  test('are read with their units, and 0 is what it says', () => {
    expect(read({ queryTimeout: '1m30s', maxHold: 0, maxTransactionAge: 5, maxOperations: 0, maxLog: 0 })).toEqual({
      ...{ queryTimeout: 90_000, maxHold: 0, maxTransactionAge: 5, maxOperations: 0, maxLog: 0 },
    });
    expect(resolveLimits(read({ maxHold: 0, atMaxConnections: 'wait' }))).toMatchObject({
      ...{ maxHold: 0, refusesAtMaxConnections: false },
    });
  });

  test.each([
    [0.5, 1],
    [1, 1],
    [20, 20],
  ])('of a rate of %d have a burst of %d', (operationsPerSecond, burst) => {
    expect(resolveLimits(read({ operationsPerSecond })).burst).toBe(burst);
  });

  test('may have the names of the request', () => {
    expect(read({ maxConcurrentConnections: 10, maxOperations: 100_000, maxTransactionLogSize: 5_000 })).toEqual({
      ...{ maxConnections: 10, maxOperations: 100_000, maxLog: 5_000 },
    });
    expect(problems({ maxConcurrentConnections: 10, maxConnections: 10 })).toEqual([
      ['limits.maxConcurrentConnections', expect.any(String), expect.stringContaining('maxConnections')],
    ]);
    expect(problems({ maxLog: null, maxTransactionLogSize: 1 })).toHaveLength(1);
    expect(changedLimits(read({ maxConnections: 3 }), { maxConcurrentConnections: 4 })).toEqual({ maxConnections: 4 });
  });

  test.each([
    ['maxConnections', 0],
    ['maxConnections', 1.5],
    ['maxConnections', '10'],
    ['maxConnections', Number.NaN],
    ['maxConnections', Number.POSITIVE_INFINITY],
    ['atMaxConnections', 'queue'],
    ['maxWaiting', -1],
    ['maxOperations', 2 ** 53],
    ['operationsPerSecond', 0],
    ['operationsPerSecond', Number.POSITIVE_INFINITY],
    ['burst', 0],
    ['maxTransactions', true],
    ['maxTransactionAge', '5 minutes'],
    ['queryTimeout', -1],
    ['maxRows', 0],
    ['maxBytes', {}],
    ['maxLog', -1],
    ['maxHold', 'never'],
    ['maxConcurrentConnections', 0],
    ['maxTransactionLogSize', '5'],
  ])('refuse %s: %j', (name, value) => {
    const all = { operationsPerSecond: 1, [name]: value };
    expect(problems(all).map(([path]) => path)).toEqual([`limits.${name}`]);
  });

  test('refuse what they do not know, all problems at once', () => {
    expect(problems({ maxOperation: 5, maxRows: 0 })).toEqual([
      ['limits.maxOperation', 'an unknown option', 'limits.maxOperations (did you mean that?)'],
      ['limits.maxRows', '0', expect.any(String)],
    ]);
    for (const none of [null, 5, 'all', [], new Map()]) {
      expect(refusalOf(() => read(none)).issues[0]?.path).toBe('limits');
    }
  });

  test('need a rate for a burst, which goes with it', () => {
    expect(problems({ burst: 5 }).map(([path]) => path)).toEqual(['limits.burst']);
    const rated = read({ operationsPerSecond: 2, burst: 5, maxRows: 3 });
    expect(changedLimits(rated, { burst: null })).toEqual({ operationsPerSecond: 2, maxRows: 3 });
    expect(changedLimits(rated, { operationsPerSecond: null })).toEqual({ maxRows: 3 });
    expect(problems({ operationsPerSecond: null, burst: 3 }, rated).map(([path]) => path)).toEqual(['limits.burst']);
  });

  test('change one by one: undefined keeps, null takes back', () => {
    const names = ['maxConnections', 'maxOperations', 'maxRows', 'maxLog'] as const;
    const value = fc.option(fc.integer({ min: 1, max: 9 }), { nil: null });
    const some = fc.dictionary(fc.constantFrom(...names), fc.oneof(value, fc.constant(undefined)));
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), (changes) => {
        const model = new Map<string, number>();
        let limits = noLimits;
        for (const change of changes) {
          const before = { ...limits };
          const present = limits;
          limits = changedLimits(present, change);
          expect(present).toEqual(before);
          for (const [name, given] of Object.entries(change)) {
            if (given === null) model.delete(name);
            else if (given !== undefined) model.set(name, given);
          }
        }
        expect(limits).toEqual(Object.fromEntries(model));
      }),
    );
  });
});
