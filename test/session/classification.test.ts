import { parseRpcError } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { retryDecision } from '../../src/errors/retry-decision.js';
import {
  explainByCause,
  isBusy,
  isConflict,
  isDefinitionConflict,
  isMethodRefused,
  isRefusedForGood,
} from '../../src/errors/server-errors.js';

const server = (message: string, kind = 'Internal', details?: Record<string, unknown>): Error =>
  parseRpcError({ code: -32000, message, kind, ...(details === undefined ? {} : { details }) });

const retriable = 'Transaction conflict: Resource busy: . This transaction can be retried';
const typed = server('Something', 'Query', { kind: 'TransactionConflict' });

describe('a conflict', () => {
  test.each<[string, Error, boolean]>([
    ['the words of SurrealDB 3.0', server(retriable), true],
    ['the same in a block', server(`Query not executed: ${retriable}`), true],
    ['the kind of later servers', typed, true],
    ['one that is the cause of another error', new Error('mine', { cause: new Error('more', { cause: typed }) }), true],
    ['the words for definitions', server('Transaction conflict: Resource busy'), false],
    [
      'a block that was not executed',
      server('The query was not executed due to a failed transaction', 'Query', { kind: 'NotExecuted' }),
      false,
    ],
    ['an error of the user', server('An error occurred: transaction conflict', 'Thrown'), false],
    ['another error', new Error('no'), false],
  ])('is recognised exactly: %s', (_name, error, expected) => {
    expect(isConflict(error)).toBe(expected);
  });

  test('of definitions is known by its own words, where databases are made', () => {
    expect(isDefinitionConflict(server('Transaction conflict: Resource busy'))).toBe(true);
    expect(isDefinitionConflict(server('Resource busy'))).toBe(false);
  });

  test('of a block explains the statements that were not executed for it, and no others', () => {
    const notExecuted = () =>
      server('The query was not executed due to a failed transaction', 'Query', { kind: 'NotExecuted' });
    const stopped = () => server('The query was cancelled', 'Query', { kind: 'Cancelled' });
    const commit = server('Cannot COMMIT: Transaction conflict', 'Query', { kind: 'TransactionConflict' });
    const thrown = server('An error occurred: no', 'Thrown');
    const errors = [notExecuted(), notExecuted(), commit, thrown, stopped()];
    explainByCause([undefined, ...errors]);
    expect(errors.map(isConflict)).toEqual([true, true, true, false, false]);
    expect(errors.map(({ cause }) => cause)).toEqual([commit, commit, undefined, undefined, undefined]);

    const alone = [notExecuted(), undefined, thrown];
    explainByCause(alone);
    expect(alone.map((error) => error?.cause)).toEqual([undefined, undefined, undefined]);
    expect(alone[0]?.message).toBe(notExecuted().message);
  });
});

describe('a server that has too much under way', () => {
  test.each<[string, Error, boolean]>([
    ['its answer', server('Too many open transactions', 'Validation', { kind: 'InvalidParams' }), true],
    ['a parameter that is wrong', server('Expected a session ID', 'Validation', { kind: 'InvalidParams' }), false],
    ['an error of the user in these words', server('Too many open transactions', 'Thrown'), false],
  ])('is asked later, and is no refusal for good: %s', (_name, error, busy) => {
    expect(isBusy(error)).toBe(busy);
    expect(isRefusedForGood(error)).toBe(!busy);
    expect(retryDecision(error, false) === 'never').toBe(!busy);
  });
});

test('a refused method is known by its name', () => {
  const refusal = (details: object) => server('Method not allowed', 'NotAllowed', { kind: 'Method', details });
  expect(isMethodRefused(refusal({ name: 'attach' }), 'attach')).toBe(true);
  expect(isMethodRefused(refusal({ name: 'begin' }), 'attach')).toBe(false);
  expect(isMethodRefused(server('Anonymous access not allowed', 'NotAllowed', { kind: 'Auth' }), 'attach')).toBe(false);
});
