import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError } from '../../src/errors/acquire.js';
import { CredentialsFailure, CredentialsFunctionFailure } from '../../src/errors/credentials-failure.js';
import { createPool } from '../../src/index.js';
import { Emitter } from '../../src/pool/emitter.js';
import type { PoolEvents } from '../../src/pool/events.js';
import { logEvents } from '../../src/telemetry/log-events.js';
import { memoryLogger } from '../support/memory-logger.js';
import { place, surroundings } from '../support/surroundings.js';
import { settled, VirtualClock } from '../support/virtual-clock.js';

const own = surroundings();

function logged() {
  const clock = new VirtualClock();
  const events = new Emitter<PoolEvents>();
  const memory = memoryLogger();
  logEvents(events, memory.logger, 'test', clock);
  return { clock, events, ...memory };
}

test('a shutdown while connections are opened warns of nothing', async () => {
  const front = await own.listen();
  const { lines, logger } = memoryLogger();
  const pool = await own.connect(front, { minConnections: 5, logger });
  await pool.shutdown();
  expect(lines.map(({ message }) => message)).toContain('the pool gave up opening a connection');
  expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test('a shutdown while the first servers are looked for warns of nothing', async () => {
  const { lines, logger } = memoryLogger();
  const discover = (): Promise<string[]> => new Promise(() => {});
  const pool = await createPool({ discover }, { ...place, failFast: false, logger });
  await pool.shutdown();
  expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

describe('an outage', () => {
  test('is one line for each thing that goes wrong in ten seconds, whatever the numbers in it', async () => {
    const { clock, events, lines } = logged();
    for (let tick = 0; tick < 500; tick++) {
      const connection = tick;
      events.emit('acquireRefused', { acquire: tick, reason: 'circuit-open', error: new Error(`in ${tick} ms`) });
      events.emit('died', { endpoint: 'ws://db/rpc', connection, error: new Error(`socket ${tick} was reset`) });
      events.emit('openFailed', {
        endpoint: 'ws://db/rpc',
        connection,
        duration: 1,
        ownIdentity: true,
        error: new Error('connect ECONNREFUSED 127.0.0.1:8000'),
        retryIn: tick,
      });
      await clock.advance(10);
    }
    expect(lines.map(({ message }) => message)).toEqual([
      'an acquire was refused',
      'a connection was lost',
      'a connection could not be opened',
    ]);
    await clock.advance(10_000);
    expect(lines.slice(3).map(({ details }) => details.repeated)).toEqual([499, 499, 499]);
    expect(lines[3]?.details.err).toBeInstanceOf(Error);
  });

  test('tells each reason by itself: busy is not down', async () => {
    const { events, messages } = logged();
    const snapshot = { pool: 'test', state: 'running', maxConnections: 1, idle: 0, leased: 1, opening: 0 } as const;
    const more = { validating: 0, resetting: 0, closing: 0, waiting: 1 };
    const timedOut = (lastOpenError: object, waited: number): void => {
      const error = new AcquireTimeoutError(`waited ${waited}`, {
        snapshot: { ...snapshot, ...more, ...lastOpenError },
        waited,
      });
      events.emit('acquireTimedOut', { acquire: 1, waited, error });
    };
    for (let waited = 0; waited < 3; waited++) {
      timedOut({}, waited);
      timedOut({ lastOpenError: 'connect ECONNREFUSED' }, waited);
      timedOut({ lastOpenError: 'read ECONNRESET' }, waited);
      events.emit('acquireRefused', { acquire: 2, reason: 'queue-full', error: new Error('full') });
      events.emit('acquireRefused', { acquire: 3, reason: 'shutdown', error: new Error('over') });
    }
    await settled();
    expect(messages('warn')).toHaveLength(5);
  });

  test('tells how often it was when the circuit closes, and not only ten seconds later', async () => {
    const { clock, events, messages } = logged();
    for (let tick = 0; tick < 5; tick++) {
      events.emit('acquireRefused', { acquire: tick, reason: 'circuit-open', error: new Error('open') });
    }
    await clock.advance(3_000);
    events.emit('circuitChanged', { endpoint: 'ws://db/rpc', state: 'closed', nextProbeIn: 0, error: undefined });
    await settled();
    expect(messages('warn')).toEqual([
      'an acquire was refused',
      'an acquire was refused (4 times in 3 s; this is the latest)',
      'the circuit breaker changed',
    ]);
    expect(clock.pending).toBe(0);
  });

  test('ends with its end: what was held back before comes before it', async () => {
    const { events, lines } = logged();
    const endpoint = 'ws://db/rpc';
    for (const state of ['open', 'half-open', 'open', 'half-open', 'closed'] as const) {
      events.emit('circuitChanged', { endpoint, state, nextProbeIn: 0, error: undefined });
    }
    await settled();
    expect(lines.map(({ details }) => details.state)).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
  });

  test('of several servers names each of them, also when they differ in a number', async () => {
    const { events, lines } = logged();
    const reset = { connection: 1, duration: 1, error: new Error('no answer') };
    for (const endpoint of ['ws://db1/rpc', 'ws://db2/rpc', 'ws://db1/rpc']) {
      events.emit('died', { endpoint, connection: 1, error: new Error('the socket was closed') });
      events.emit('resetFailed', { endpoint, ...reset });
    }
    await settled();
    expect(lines.map(({ details }) => details.endpoint)).toEqual([
      ...['ws://db1/rpc', 'ws://db1/rpc'],
      ...['ws://db2/rpc', 'ws://db2/rpc'],
    ]);
  });

  test('and what it held back, is told before the end of the pool', async () => {
    const { clock, events, lines } = logged();
    for (let tick = 0; tick < 5; tick++)
      events.emit('died', { endpoint: 'ws://db/rpc', connection: tick, error: new Error('gone') });
    events.emit('shutdownFinished', { duration: 1, aborted: 0 });
    await settled();
    expect(lines.map(({ message }) => message)).toEqual([
      'a connection was lost',
      'a connection was lost (4 times in 1 s; this is the latest)',
      'shut down',
    ]);
    expect(clock.pending).toBe(0);
  });

  test('of a real server under load is a handful of lines', async () => {
    const { logger, lines } = memoryLogger();
    const front = await own.listen();
    const pool = await own.connect(front, {
      minConnections: 3,
      maxConnections: 5,
      retryPolicy: { maxAttempts: 1, initialBackoff: 1, maxBackoff: 1 },
      circuitBreaker: { failureThreshold: 3, probeInterval: '1h', idleProbeInterval: '1h' },
      logger,
    });
    front.refuse = true;
    front.dropAll();
    const failures: unknown[] = [];
    while (!failures.some((error) => (error as Error).name === 'CircuitOpenError')) {
      await Promise.all(Array.from({ length: 50 }, () => pool.query('RETURN 1').catch((e) => failures.push(e))));
    }
    for (let call = 0; call < 500; call++) await pool.query('RETURN 1').catch((error) => failures.push(error));
    expect(failures.length).toBeGreaterThan(500);
    expect(lines.filter(({ level }) => level !== 'debug').length).toBeLessThan(20);
    front.refuse = false;
    await pool.shutdown();
    const refused = lines.filter(({ message }) => message.startsWith('an acquire was refused'));
    const told = refused.reduce((sum, { details }) => sum + Number(details.repeated ?? 1), 0);
    expect(told, 'each refusal is counted').toBe(pool.poolStats().refused);
  });
});

describe('an outsider', () => {
  const account =
    'DEFINE ACCESS OVERWRITE account ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM user WHERE name = $name)';

  test.each([
    ['mistypes a name', (attempt: number) => ({ access: 'account', variables: { name: `none${attempt}` } })],
    ['mistypes a password', (attempt: number) => ({ username: 'root', password: `wrong${attempt}` })],
    ['sends junk for a token', (attempt: number) => ({ token: `junk${attempt}` })],
  ])('who %s is no error of the pool', async (_, credentials) => {
    await own.engine.query(account, place);
    const { logger, lines } = memoryLogger();
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, {
      credentials: { username: 'root', password: 'secret' },
      maxConnections: 2,
      logger,
    });
    await pool.query('RETURN 1');
    for (let attempt = 0; attempt < 10; attempt++) {
      const call = pool
        .scope({ credentials: credentials(attempt) })
        .query('RETURN 1')
        .collect();
      await expect(call).rejects.toMatchObject({ code: 'ERR_POOL_ACQUIRE_FAILED' });
    }
    await pool.shutdown();
    const loud = lines.filter(({ level }) => level === 'warn' || level === 'error');
    expect(loud.map(({ message, details }) => `${message}: ${details.err}`)).toEqual([]);
    const told = lines.filter(({ message }) => message.includes('refused its credentials'));
    expect(told.map(({ level, details }) => [level, details.repeated])).toEqual([
      ['info', undefined],
      ['info', 9],
    ]);
  });

  test('is not blamed for a credentials function of the program that fails', async () => {
    const { logger, messages } = memoryLogger();
    const pool = await own.connect(await own.listen(), { maxConnections: 2, logger });
    const credentials = () => {
      throw new Error('vault sealed');
    };
    await expect(pool.scope({ credentials }).query('RETURN 1').collect()).rejects.toThrow('vault sealed');
    await settled();
    expect(messages('warn').join()).toContain('its credentials function failed');
    expect(messages('error')).toEqual([]);
  });

  test.each([
    [new CredentialsFailure('its token ended'), 'info', 'its token expired, or its user has no rights there'],
    [new CredentialsFunctionFailure('vault sealed'), 'warn', 'its credentials function failed'],
    [new Error('no'), 'info', 'the server refused its credentials or its database'],
  ])('is told by what %s says, at its level', async (cause, level, why) => {
    const { events, lines } = logged();
    events.emit('acquireFailed', { acquire: 1, waited: 0, ownIdentity: false, error: new Error('failed', { cause }) });
    await settled();
    expect(lines.map((line) => [line.level, line.message])).toEqual([
      [level, `an acquire as another identity failed: ${why}`],
    ]);
  });

  test('does not hide that the credentials of the pool itself are refused', async () => {
    const { logger, messages } = memoryLogger();
    const pool = await own.connect(await own.listen({ auth: true }), {
      credentials: { username: 'root', password: 'wrong' },
      failFast: false,
      logger,
    });
    await expect(pool.query('RETURN 1').collect()).rejects.toMatchObject({ code: 'ERR_POOL_ACQUIRE_FAILED' });
    await settled();
    expect(messages('error')).toEqual(['an acquire failed: connections cannot be opened']);
  });
});
