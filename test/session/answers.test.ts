import { describe, expect, test, vi } from 'vitest';
import { CallError, ConnectError, type ConnectionManager, createPool, outcomeOf, UsageError } from '../../src/index.js';
import type { Front } from '../support/front.js';
import { codec } from '../support/rpc-wire.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const credentials = { username: 'root', password: 'secret' };

/** From now on replies to this method are as given, but for the id; for so many of them. */
function spoil(front: Front, method: string, reply: Record<string, unknown>, times = Number.POSITIVE_INFINITY): void {
  let spoiled = 0;
  front.onRequest = (call) => {
    if (call.method !== method || ++spoiled > times) return 'pass';
    return { instead: () => [codec.encode({ id: call.id, ...reply })] };
  };
}

function failureOf(pool: ConnectionManager): Promise<unknown> {
  return pool
    .query('RETURN 1')
    .collect()
    .then(
      (value) => value,
      (error: unknown) => error,
    );
}

const unprintable = { toString: 1, valueOf: 1 };
const right = { status: 'OK', time: '1ms', result: 1 };

describe('what is no answer fails its call with an unknown outcome, and its connection with it', () => {
  // Each of these made the SDK fail with a bare TypeError, or its InvalidDurationError, or take it for a refusal.
  test.each<[what: string, result: unknown]>([
    ['nothing', undefined],
    ['a text', 'OK'],
    ['statements that are null', [null]],
    ['statements that are numbers', [42]],
    ['a statement without a time', [{ status: 'OK', result: 1 }]],
    ['a statement with a time that is none', [{ ...right, time: 'soon' }]],
    ['a statement that neither succeeded nor failed', [{ ...right, status: 'MAYBE' }]],
    ['a failure that says nothing', [{ ...right, status: 'ERR', result: undefined }]],
    ['a failure that cannot be printed', [{ ...right, status: 'ERR', result: unprintable }]],
    ['a failure whose kind cannot be printed', [{ ...right, status: 'ERR', result: 'no', kind: unprintable }]],
    ['a failure whose cause is none', [{ ...right, status: 'ERR', result: 'no', cause: { message: unprintable } }]],
    ['a right statement and a wrong one', [right, 42]],
  ])('%s, as the result of a query', async (_what, result) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    spoil(front, 'query', { result }, 1);
    const failure = await failureOf(pool);
    expect(failure).toBeInstanceOf(CallError);
    expect(failure).toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown', retryable: false });
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ opened: 2, closedBy: { died: 1 } });
  });

  // The SDK took the call out of its books, threw, and told nobody: the caller waited for ever.
  test.each<[what: string, error: unknown]>([
    ['a number', 42],
    ['a text', 'no'],
    ['an object without a message', {}],
    ['a message that cannot be printed', { message: unprintable }],
    ['a cause that cannot be printed', { message: 'no', cause: { message: unprintable } }],
    ['a kind that cannot be printed', { message: 'no', kind: unprintable }],
  ])('%s, as an error', async (_what, error) => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    spoil(front, 'query', { error }, 1);
    expect(await failureOf(pool)).toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST', outcome: 'unknown' });
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('a sign-in of a lease that brings no token', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1 });
    spoil(front, 'signin', { result: null });
    await pool.withConnection(async (connection) => {
      await expect(connection.signin(credentials)).rejects.toMatchObject({ code: 'ERR_POOL_CONNECTION_LOST' });
    });
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });
});

test('an error that a server tells properly stays what it was, and so does its connection', async () => {
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 1 });
  spoil(front, 'query', { error: { code: -32000, message: 'no', cause: { message: 'why', kind: 'Thrown' } } }, 1);
  const failure = await failureOf(pool);
  expect(failure).toMatchObject({ message: 'no', cause: { message: 'why' } });
  expect(outcomeOf(failure)).toBe('refused');
  expect(await pool.query('RETURN 1')).toEqual([1]);
  expect(pool.poolStats()).toMatchObject({ opened: 1, closed: 0 });
});

describe('while a connection is opened', () => {
  // It was taken for a version too old, which is a failure for good.
  test.each([undefined, 42, { toString: 1 }])(
    'a version that is none (%j) fails this attempt, not for good',
    async (result) => {
      const front = await own.listen();
      spoil(front, 'version', { result }, 1);
      const once = { ...place, minConnections: 0, retryPolicy: { maxAttempts: 1 } };
      await expect(createPool(front.url, once)).rejects.toMatchObject({ code: 'ERR_POOL_CONNECT', fatal: false });
      expect(await (await own.connect(front)).query('RETURN 1')).toEqual([1]);
    },
  );

  test('a sign-in that brings no token fails the attempt: nobody is signed in as nobody', async () => {
    const front = await own.listen({ auth: true });
    spoil(front, 'signin', { result: { access: 42 } }, 1);
    const once = { ...place, minConnections: 0, credentials, retryPolicy: { maxAttempts: 1 } };
    await expect(createPool(front.url, once)).rejects.toThrow(ConnectError);
    expect(await (await own.connect(front, { credentials })).query('RETURN 1')).toEqual([1]);
  });

  // Only "not allowed" counted as a refusal, and what a server says of a token that it cannot even read is something
  // else: the pool kept the token, and never opened a connection again.
  test('a token that arrived damaged is not kept: the next connection signs in anew', async () => {
    const front = await own.listen({ auth: true });
    spoil(front, 'signin', { result: 'not.a.tok€n' }, 1);
    const pool = await own.connect(front, { credentials, maxConnections: 2 });
    const leases = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const lease of leases) lease.release();
    expect(asked(front, 'signin')).toBe(2);
  });
});

test('a keep-alive of the SDK that is answered with nonsense is nothing to it', async () => {
  const stray = vi.fn();
  process.on('unhandledRejection', stray);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 1, livenessTimeout: 0 });
  spoil(front, 'ping', { error: 42 });
  vi.advanceTimersByTime(30_000);
  vi.useRealTimers();
  await vi.waitFor(() => expect(asked(front, 'ping')).toBe(1));
  // Its answer came before this one.
  expect(await pool.query('RETURN 1')).toEqual([1]);
  expect(stray).not.toHaveBeenCalled();
  process.off('unhandledRejection', stray);
});

describe.each(['over a socket', 'embedded'])('a value that cannot be sent, %s', (where) => {
  const circle: Record<string, unknown> = {};
  circle.itself = circle;
  const hostile = {
    get name(): string {
      throw new TypeError('unreadable');
    },
  };

  test.each<[what: string, value: unknown]>([
    ['a circle', circle],
    ['a number too large', 2n ** 70n],
    ['something that throws when it is read', hostile],
  ])('%s, was not sent, and costs no connection', async (_what, value) => {
    const pool =
      where === 'embedded'
        ? await own.pool('mem://', { maxConnections: 1 })
        : await own.connect(await own.listen(), { maxConnections: 1 });
    const failure = await pool
      .query('RETURN $value', { value })
      .collect()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(outcomeOf(failure)).toBe('not-sent');
    await pool.withConnection((connection) => expect(connection.set('value', value)).rejects.toThrow(UsageError));
    expect(await pool.query('RETURN 1')).toEqual([1]);
    expect(pool.poolStats()).toMatchObject({ opened: 1, closed: 0 });
  });
});
