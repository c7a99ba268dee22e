import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { messageOf } from '../../src/errors/error-message.js';
import { isError } from '../../src/errors/is-error.js';
import { isConflict } from '../../src/errors/server-errors.js';

describe('an error of another realm, as Node’s own errors are in Jest', () => {
  test('is an error, and nothing else is', () => {
    for (const text of ['new Error("x")', 'new TypeError("x")', 'new (class Own extends Error {})("x")'])
      expect(isError(runInNewContext(text)), text).toBe(true);
    for (const value of [undefined, null, 'x', {}, { message: 'x' }, runInNewContext('({ message: "x" })')])
      expect(isError(value)).toBe(false);
    expect(isError(new DOMException('x', 'AbortError'))).toBe(true);
  });

  test('says what it is, also by what it holds', () => {
    expect(messageOf(runInNewContext('Object.assign(new Error(""), { code: "ECONNREFUSED" })'))).toBe('ECONNREFUSED');
    expect(messageOf(runInNewContext('new AggregateError([new Error("one"), new Error("other")])'))).toBe('one; other');
  });

  test('is looked into for its causes', () => {
    const text = 'new Error("lost", { cause: new Error("This transaction can be retried") })';
    expect(isConflict(runInNewContext(text))).toBe(true);
  });
});
