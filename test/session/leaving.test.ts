import { describe, expect, test, vi } from 'vitest';
import { ConnectError } from '../../src/errors/connect.js';
import { isLeaving } from '../../src/errors/server-errors.js';
import { SocketClosedError } from '../../src/errors/socket-closed.js';
import { UpgradeRefusedError } from '../../src/errors/upgrade-refused.js';
import { ownFactory } from '../support/factory.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const refused = (statusCode: number, retryAfter?: string) =>
  new UpgradeRefusedError({ statusCode, headers: { 'retry-after': retryAfter } });

describe('an error says that its node leaves or has no room', () => {
  test.each<[string, unknown, boolean]>([
    ['a close without a code, as of 3.3 when it is stopped', new SocketClosedError(1005, ''), true],
    ['"going away"', new SocketClosedError(1001, ''), true],
    ['"service restart"', new SocketClosedError(1012, ''), true],
    ['1013 of a full node', new SocketClosedError(1013, 'The server is unable to handle the request'), true],
    [
      '1013 for us, who read too slowly',
      new SocketClosedError(1013, 'Notifications were produced faster than this connection read them'),
      false,
    ],
    ['the end of a connection without a close', new SocketClosedError(1006, ''), false],
    ['a message of ours that is too large', new SocketClosedError(1009, ''), false],
    ['503', refused(503), true],
    ['503 of a starting node', refused(503, '1'), true],
    ['429 with a time', refused(429, '7'), true],
    ['502', refused(502), false],
    ['401', refused(401), false],
    ['a refused connection', Object.assign(new Error('no'), { code: 'ECONNREFUSED', syscall: 'connect' }), true],
    ['a reset', Object.assign(new Error('no'), { code: 'ECONNRESET', syscall: 'read' }), false],
    ['anything else', new Error('no'), false],
    ['no error', undefined, false],
  ])('%s', (_what, error, expected) => {
    expect(isLeaving(error)).toBe(expected);
    const wrapped = new ConnectError('cannot connect', { endpoint: 'ws://a/rpc', fatal: false, cause: error });
    expect(isLeaving(wrapped), 'also as a cause').toBe(expected);
  });
});

describe('a node that leaves', () => {
  test('tells by the end of its connections and by the opening', async () => {
    const front = await own.listen();
    const made = ownFactory(front.url);
    await made.open();
    front.closeAll(1013);
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    expect(made.factory.isLeaving(made.deaths[0]?.error)).toBe(true);
    front.refuse = '503 Service Unavailable\r\nRetry-After: 1';
    const refusal = await made.open().catch((error: unknown) => error);
    expect(made.factory.isLeaving(refusal)).toBe(true);
    await front.close();
    const gone = await made.open().catch((error: unknown) => error);
    expect(made.factory.isLeaving(gone)).toBe(true);
    await made.end();
  });

  test('and says so in an answer: the connection is not lent again', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 1, retryPolicy: { maxAttempts: 1 } });
    const lease = await pool.acquire();
    let asked = 0;
    front.onRequest = ({ method }) => {
      if (method === 'query' && asked++ === 0) {
        return {
          error: { code: -32000, kind: 'Internal', message: 'The server is gracefully shutting down' } as never,
        };
      }
      return 'pass';
    };
    await expect(lease.query('RETURN 1').collect()).rejects.toThrow('gracefully shutting down');
    expect(await lease.query('RETURN 2'), 'its lease goes on').toEqual([2]);
    lease.release();
    await vi.waitFor(() => expect(pool.poolStats().closedBy.leaving).toBe(1));
    expect(await pool.query('RETURN 3')).toEqual([3]);
  });
});
