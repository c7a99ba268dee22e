import { describe, expect, test, vi } from 'vitest';
import { Transports } from '../../src/wire/shared-transports.js';
import type { Front, RpcCall } from '../support/front.js';
import { asked, surroundings } from '../support/surroundings.js';

const { listen, connect } = surroundings();

/** Leaves the first `count` requests that `which` picks without an answer. */
function swallow(front: Front, which: (request: RpcCall) => boolean, count = Number.POSITIVE_INFINITY): void {
  let swallowed = 0;
  front.onRequest = (request) => {
    if (!which(request) || swallowed === count) return 'pass';
    swallowed++;
    return 'swallow';
  };
}

describe('a transport that several connections may share', () => {
  test('takes no further ones once it ended, though somebody still holds a place on it', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 2, sessionsPerTransport: 4, queryTimeout: 50 });
    const first = await pool.acquire();
    swallow(front, ({ method }) => method === 'query', 1);
    await expect(first.query('RETURN 1').collect()).rejects.toMatchObject({ code: 'ERR_POOL_QUERY_TIMEOUT' });
    const second = await pool.acquire();
    expect(await second.query('RETURN 2')).toEqual([2]);
    expect(pool.poolStats().openFailed).toBe(0);
    first.release();
    second.release();
  });

  test('and whose opening is stuck takes no further ones once somebody gave up waiting for it', async () => {
    const front = await listen();
    const transports = new Transports({
      sessionsPerTransport: 4,
      socket: { openTimeout: 60_000, probeTimeout: 1000, livenessTimeout: 0 },
    });
    const [impatient, patient] = [new AbortController(), new AbortController()];
    swallow(front, ({ method }) => method === 'version', 1);
    const stuck = [transports.join(front, impatient.signal), transports.join(front, patient.signal)] as const;
    for (const place of stuck) place.catch(() => {});
    await vi.waitFor(() => expect(asked(front, 'version')).toBe(1));

    impatient.abort(new Error('no longer'));
    await expect(stuck[0]).rejects.toThrow('no longer');
    const transport = await transports.join(front, AbortSignal.timeout(20_000));
    expect(await transports.join(front, patient.signal), 'what is open is shared').toBe(transport);
    expect(front.accepted).toBe(2);

    patient.abort(new Error('enough'));
    await expect(stuck[1]).rejects.toThrow('enough');
    await vi.waitFor(() => expect(front.connections, 'the stuck one is closed').toBe(1));
    await transports.close(AbortSignal.abort());
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('is left in time by connections that are closed, also when the server is silent', async () => {
    const front = await listen();
    const pool = await connect(front, { maxConnections: 2, sessionsPerTransport: 2, closeTimeout: 50 });
    const leases = [await pool.acquire(), await pool.acquire()];
    expect(front.connections).toBe(1);
    await leases[0]?.query('LIVE SELECT * FROM thing');
    swallow(front, () => true);
    for (const lease of leases) {
      lease.markForRecycling();
      lease.release();
    }
    await vi.waitFor(() => expect(front.connections, 'the last one to leave ends it').toBe(0));
    expect(pool.poolStats().closedBy.recycled).toBe(2);
  });

  test('keeps no session of a reset that was given up', async () => {
    const front = await listen({ record: true });
    const pool = await connect(front, { maxConnections: 2, sessionsPerTransport: 2, resetTimeout: 50 });
    const [stays, goes] = [await pool.acquire(), await pool.acquire()];
    await goes.invalidate();
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    front.onRequest = ({ method }) => (method === 'attach' ? held.then(() => 'pass' as const) : 'pass');
    goes.release();
    await vi.waitFor(() => expect(pool.poolStats().closedBy['reset-failed']).toBe(1));
    answer();
    const sessions = (method: string) => front.log.filter((entry) => entry.method === method).map((e) => e.sessionId);
    expect(sessions('attach')).toHaveLength(3);
    await vi.waitFor(() => expect(sessions('detach')).toEqual(sessions('attach').slice(1)));
    expect(await stays.query('RETURN 1')).toEqual([1]);
    stays.release();
  });
});
