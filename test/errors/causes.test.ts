import { expect, test } from 'vitest';
import { messageOf } from '../../src/errors/error-message.js';
import { isConflict } from '../../src/errors/server-errors.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

function circle(): Error {
  const outer = new Error('outer');
  outer.cause = new Error('inner', { cause: outer });
  return outer;
}

test('an error that is its own cause is given back by everything that works', { timeout: 20_000 }, async () => {
  const pool = await own.pool('mem://');
  const error = circle();
  const work = (): never => {
    throw error;
  };
  await expect(pool.withConnection(work)).rejects.toBe(error);
  await expect(pool.executeWithRetry(work)).rejects.toBe(error);
  await expect(pool.withTransaction(work)).rejects.toBe(error);
  await expect(pool.withTransaction((transaction) => transaction.withTransaction(work))).rejects.toBe(error);
  await expect(pool.acquire({ credentials: work, timeout: 50 })).rejects.toHaveProperty('code');
});

test('a conflict is found among causes that go in a circle, and in none whose cause cannot be read', () => {
  const conflict = circle();
  (conflict.cause as Error).message = 'This transaction can be retried';
  expect(isConflict(conflict)).toBe(true);
  const unreadable = new Error('no cause to be read');
  Object.defineProperty(unreadable, 'cause', {
    get: () => {
      throw new Error('a getter that throws');
    },
  });
  expect(isConflict(unreadable)).toBe(false);
});

test('the message of an error is a text, also of one that contains itself or cannot be read', () => {
  const all = new AggregateError([], '');
  all.errors.push(all, new Error('one'));
  expect(messageOf(all)).toBe('AggregateError; one');
  const unreadable = new Error('x');
  Object.defineProperty(unreadable, 'message', {
    get: () => {
      throw new Error('a getter that throws');
    },
  });
  expect(messageOf(unreadable)).toBe('something that cannot be put into words');
});
