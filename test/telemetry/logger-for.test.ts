import { Console } from 'node:console';
import { Writable } from 'node:stream';
import pino from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { AcquireTimeoutError, ConnectError, type PoolSnapshot } from '../../src/index.js';
import { lineOf } from '../../src/telemetry/console-lines.js';
import { loggedError } from '../../src/telemetry/logged-error.js';
import { loggerFor } from '../../src/telemetry/logger-for.js';
import { memoryLogger } from '../support/memory-logger.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const reason = 'connect ECONNREFUSED 127.0.0.1:1';
const snapshot: PoolSnapshot = {
  ...{ pool: 'test', state: 'running', maxConnections: 1, idle: 0, leased: 0, opening: 0, validating: 0 },
  ...{ resetting: 0, closing: 0, waiting: 1, lastOpenError: `cannot connect: ${reason}` },
};

/** Like those of a server that is down: each message ends with that of its cause. */
function chain(): AcquireTimeoutError {
  const refused = Object.assign(new Error(reason), { code: 'ECONNREFUSED' });
  const details = { endpoint: 'ws://127.0.0.1:1', fatal: false, cause: refused };
  const cause = new ConnectError(`cannot connect: ${reason}`, details);
  return new AcquireTimeoutError(`no connection within 10 ms: ${cause.message}`, { snapshot, waited: 10, cause });
}

const occurrences = (text: string, of: string): number => text.split(of).length - 1;

/** The lines that a console writes. */
function consoleOf(lines: string[]): Console {
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).trimEnd().split('\n'));
      done();
    },
  });
  return new Console(stream, stream);
}

describe('pino', () => {
  test('writes each cause once: in the message, and in the stack below it', () => {
    const written: string[] = [];
    const logger = pino({ base: null }, { write: (line) => void written.push(line) });
    loggerFor(logger).warn({ pool: 'test', err: chain() }, 'an acquire timed out');
    const { err, msg } = JSON.parse(written[0] ?? '') as { err: Record<string, string>; msg: string };
    expect(msg).toBe('an acquire timed out');
    expect(err).toMatchObject({ type: 'AcquireTimeoutError', code: 'ERR_POOL_ACQUIRE_TIMEOUT', waited: 10 });
    expect(err.message).toBe(`no connection within 10 ms: cannot connect: ${reason}`);
    expect(err.snapshot).toMatchObject({ waiting: 1 });
    expect(occurrences(written[0] ?? '', reason)).toBe(2);
  });

  test('writes a server that is down without a cause three times, whatever is told of it', async () => {
    const written: string[] = [];
    const logger = pino({ base: null, level: 'debug' }, { write: (line) => void written.push(line) });
    const front = await own.listen();
    await front.close();
    const pool = await own.connect(front, { failFast: false, minConnections: 1, logger });
    await expect(pool.acquire({ timeout: 100 })).rejects.toThrow();
    await pool.shutdown();
    const told = written.filter((line) => line.includes('ECONNREFUSED'));
    expect(told.length).toBeGreaterThan(0);
    for (const line of told) expect(occurrences(line, 'ECONNREFUSED')).toBeLessThanOrEqual(2);
  });
});

describe('a logged error', () => {
  test('is an error of its class with everything but its causes, and leaves the one it is made of alone', () => {
    const error = chain();
    const before = { stack: error.stack, message: error.message, cause: error.cause, snapshot: error.snapshot };
    const logged = loggedError(error) as AcquireTimeoutError;
    expect(logged).toBeInstanceOf(AcquireTimeoutError);
    expect(logged.cause).toBeUndefined();
    expect(logged.stack).toContain('logger-for.test');
    expect(error).toMatchObject(before);
  });

  test('adds a cause that its message leaves out, and says where that was made', () => {
    const credentials = (): Error => new TypeError('no vault');
    const logged = loggedError(new Error('it failed', { cause: new Error('why', { cause: credentials() }) })) as Error;
    expect(logged.message).toBe('it failed: why: no vault');
    expect(logged.stack).toMatch(
      /^Error: it failed: why: no vault\n {4}at .*\n[\s\S]*\n {2}caused by\n {4}at credentials/,
    );
  });

  test.each([['a text'], [undefined], [null], [{ message: 'like one' }]])('may be none: %j', (thrown) => {
    expect(loggedError(thrown)).toBe(thrown);
  });

  test('may be its own cause, or say nothing', () => {
    const circle: Error & { cause?: unknown } = new Error('round');
    circle.cause = circle;
    expect((loggedError(circle) as Error).message).toBe('round');
    const both = new AggregateError([new Error('ECONNREFUSED ::1'), new Error('ECONNREFUSED 127.0.0.1')]);
    expect((loggedError(both) as Error).message).toBe('ECONNREFUSED ::1; ECONNREFUSED 127.0.0.1');
  });
});

describe('a console', () => {
  test('gets lines that a person reads: the message first, then why, then the rest in words', () => {
    const lines: string[] = [];
    const logger = loggerFor(consoleOf(lines));
    logger.warn({ pool: 'shop', connection: 3, err: chain(), retryIn: 1_234.5678, ownIdentity: true }, 'it failed');
    logger.info({ pool: 'shop', leased: 1, gracePeriod: 30_000 }, 'shutting down');
    logger.debug({ pool: 'shop', connection: 3, reason: 'idle', age: 300_123.4, uses: 12, duration: 0 }, 'closed');
    logger.error({ pool: 'shop', acquire: 4, ownIdentity: false, retryIn: undefined, waited: 12.5 }, '100%s full');
    expect(lines).toEqual([
      `it failed: no connection within 10 ms: cannot connect: ${reason} (shop, connection 3, next attempt in 1.2 s)`,
      'shutting down (shop, leased 1, grace period 30 s)',
      'closed (shop, connection 3, reason idle, aged 5.0 min, uses 12, took 0 ms)',
      '100%s full (shop, acquire 4, another identity, waited 13 ms)',
    ]);
  });

  test('gets the stack of who holds a connection below the line', () => {
    const line = lineOf({ pool: 'shop', connection: 1, held: 61_000, origin: '    at handler (app.js:1:1)' }, 'held');
    expect(line).toBe('held (shop, connection 1, held for 61 s)\n    at handler (app.js:1:1)');
  });

  test('of the process, of a test runner and one of its own are told from other loggers', async () => {
    const lines: string[] = [];
    const pool = await own.pool('mem://', { logger: consoleOf(lines), name: 'shop' });
    await pool.shutdown();
    expect(lines[0]).toBe('pool started (shop, min connections 0, max connections 20)');
    expect(lines.join('\n')).not.toMatch(/\[object|\{|\d\.\d{3}/);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    loggerFor(console).warn({ pool: 'shop' }, 'like this');
    expect(warn).toHaveBeenCalledWith('%s', 'like this (shop)');
    warn.mockRestore();
    const memory = memoryLogger();
    loggerFor(memory.logger).warn({ pool: 'shop' }, 'like this');
    expect(memory.lines).toEqual([{ level: 'warn', message: 'like this', details: { pool: 'shop' } }]);
  });
});
