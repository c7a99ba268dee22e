import { ServerError } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors/configuration.js';
import { classOf } from '../../src/record/error-class.js';

function named(name: unknown): Error {
  return Object.assign(new Error('secret'), { name });
}

describe('the class of an error in a recording', () => {
  test.each([
    [new UsageError('secret'), 'ERR_POOL_USAGE'],
    [new TypeError('secret'), 'TypeError'],
    [named('AbortError'), 'AbortError'],
    [named('SecretOfAnne'), 'Error'],
    [named('secret Error'), 'Error'],
    [named(7), 'Error'],
    [named(`E${'x'.repeat(100)}Error`), 'Error'],
    ['secret', 'Error'],
    [undefined, 'Error'],
    [Object.assign(Object.create(ServerError.prototype) as object, { kind: 'NotFound' }), 'NotFound'],
    [Object.assign(Object.create(ServerError.prototype) as object, { kind: 'a secret' }), 'ServerError'],
  ])('of %s is %s, and no text of a caller', (error, expected) => {
    expect(classOf(error)).toBe(expected);
  });
});
