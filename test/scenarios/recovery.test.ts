import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { time } from '../support/fast-time.js';
import type { Front, RequestHook } from '../support/front.js';
import { outages, recover } from '../support/recovery.js';
import { surroundings } from '../support/surroundings.js';

// Outages over real sockets, in a time that runs faster. Counted is what the pool does, and how long it takes is not:
// test/soak/recovery-matrix.test.ts measures that.

const own = surroundings();
const fast = 20;

afterEach(() => {
  time.rate = 1;
});

/** A second, a minute: as the pool counts it. */
const seconds = (count: number): Promise<void> => sleep(1_000 * count);

/** Attempts are half a second to a second apart while callers ask. */
const mostASecond = 2;
/**
 * Twice as many where connections open and are dropped: one that has lasted a second ends the count of failures, and where
 * a second is 50 ms, a busy machine may take so long to see the end of a socket.
 */
const mostDropped = 2 * mostASecond;
/** Attempts that are under way, or made at once, when it begins. */
const atOnce = 10;

/**
 * The most connections that may be tried since `began`. A bound and no number, since real sockets decide when an attempt
 * has failed; by the time that passed, since a busy machine sleeps for longer than it was told.
 */
const mostSince = (began: number, aSecond: number): number => atOnce + (aSecond * (performance.now() - began)) / 1_000;

/** Looks at the health of a pool for so many seconds, ten times in each. */
async function healthFor(pool: ConnectionManager, count: number): Promise<boolean[]> {
  const looks: boolean[] = [];
  for (let look = 0; look < 10 * count; look++) {
    looks.push(pool.healthStatus().healthy);
    await sleep(100);
  }
  return looks;
}

describe('an outage of a minute', () => {
  // Of a refusal the pool knows the reason, and asks again with each caller who comes.
  const refusals = new Set(['wrong database', 'auth revoked']);
  test.each(outages.map((outage) => [outage.name, outage] as const))('%s', async (name, outage) => {
    const all = await recover(own, outage, 60_000, [0, 32], fast);
    const [idle, busy] = all;
    if (idle === undefined || busy === undefined) return expect.unreachable();
    const aSecond = name === 'accepted and dropped' ? mostDropped : mostASecond;
    // Half of `idleProbeInterval` to the whole of it apart.
    expect(idle.tried, 'connections tried while nobody called').toBeLessThanOrEqual(atOnce + 60 / 2.5);
    if (!refusals.has(name))
      expect(busy.tried, 'connections tried for 32 callers').toBeLessThanOrEqual(atOnce + 60 * aSecond);
    expect(busy.back, 'the first caller was served').toBeDefined();
    if (!refusals.has(name)) expect(idle.back, 'it came back by itself').toBeDefined();
    expect(busy.healthyAtEnd).toBe(name === 'slow');
    // Not always, since at 20 times the speed a machine that stands still for 50 ms is a server that was silent for a second.
    if (name === 'slow') expect(Math.min(idle.healthyDuring, busy.healthyDuring)).toBeGreaterThan(0.9);
    expect(busy.healthyAtLast, 'and it is healthy').toBe(true);
  });
});

describe('every connection is dropped soon after it was opened', () => {
  test.each<[minConnections: number, callers: number]>([
    [1, 0],
    [4, 0],
    [5, 0],
    [0, 8],
    [2, 8],
  ])(
    'with a minimum of %i and %i callers, no more than four sockets are opened a second',
    async (minConnections, callers) => {
      const front = await own.listen();
      const pool = await own.connect(front, { minConnections, maxConnections: 10 });
      await pool.query('RETURN 1');
      const end = pool.subscribe('opened', () => setTimeout(() => front.dropAll(), 15));
      const before = front.accepted;
      front.dropAll();
      time.rate = fast;
      const began = performance.now();
      let stopped = false;
      const call = async (): Promise<void> => {
        while (!stopped) {
          await pool
            .query('SLEEP 30ms')
            .collect()
            .catch(() => {});
          await sleep(100);
        }
      };
      const calls = Array.from({ length: callers }, call);
      await seconds(60);
      const looks = await healthFor(pool, 5);
      expect(front.accepted - before, 'sockets in 65 s').toBeLessThanOrEqual(mostSince(began, mostDropped));
      if (minConnections + callers > 1) expect(new Set(looks)).toEqual(new Set([false]));
      time.rate = 1;
      end();
      stopped = true;
      await Promise.all(calls);
      time.rate = fast;
      await expect
        .poll(
          () =>
            pool
              .query('RETURN 1')
              .collect()
              .catch(() => []),
          { timeout: 30_000 },
        )
        .toEqual([1]);
      await expect
        .poll(() => pool.healthStatus(), { timeout: 30_000 })
        .toMatchObject({ healthy: true, circuitBreakerState: 'closed' });
    },
  );
});

describe('a server that answers everything but queries', () => {
  const wrong: readonly [what: string, options: { signedIn: boolean }, hook: RequestHook][] = [
    ['never, signed in', { signedIn: true }, ({ method }) => (method === 'query' ? 'swallow' : 'pass')],
    ['never, nobody signed in', { signedIn: false }, ({ method }) => (method === 'query' ? 'swallow' : 'pass')],
    ['with the end of the socket', { signedIn: false }, ({ method }) => (method === 'query' ? 'kill' : 'pass')],
    ['with nonsense', { signedIn: false }, ({ method }) => (method === 'query' ? { nonsense: 'a number' } : 'pass')],
  ];
  test.each(wrong)('is found out: %s', async (_what, { signedIn }, hook) => {
    const front = await own.listen({ auth: signedIn });
    const pool = await own.connect(front, {
      ...{ minConnections: 4, maxConnections: 8, healthCheckInterval: '1s', probeTimeout: '1s', queryTimeout: '1s' },
      ...(signedIn ? { credentials: { username: 'root', password: 'secret' } } : {}),
    });
    while (pool.poolStats().idle < 4) await sleep(5);
    front.onRequest = hook;
    const before = front.accepted;
    time.rate = 10;
    const began = performance.now();
    let answered = 0;
    let stopped = false;
    const call = async (): Promise<void> => {
      while (!stopped) {
        await pool.query('RETURN 1').then(
          () => answered++,
          () => {},
        );
        await sleep(200);
      }
    };
    const calls = Array.from({ length: 4 }, call);
    await seconds(20);
    const looks = await healthFor(pool, 10);
    expect(answered).toBe(0);
    expect(new Set(looks), 'not healthy, and it does not change its mind with each socket').toEqual(new Set([false]));
    expect(front.accepted - before, 'sockets in 30 s').toBeLessThanOrEqual(mostSince(began, mostASecond));
    front.onRequest = () => 'pass';
    await expect.poll(() => answered, { timeout: 30_000 }).toBeGreaterThan(0);
    stopped = true;
    await Promise.all(calls);
    await expect.poll(() => pool.healthStatus().healthy, { timeout: 30_000 }).toBe(true);
  });
});

describe('a server that takes ten sockets and no more', () => {
  const full = (front: Front): boolean => front.connections >= 10;
  test.each<[how: string, limit: (front: Front, pool: ConnectionManager) => void]>([
    ['the handshake is refused', (front) => Object.defineProperty(front, 'refuse', { get: () => full(front) })],
    [
      'the handshake is never answered',
      (front) => Object.defineProperty(front, 'blackHole', { get: () => full(front) }),
    ],
    [
      'what is too much is closed at once',
      (front) => {
        front.onRequest = (_call, socket) => (front.sockets.indexOf(socket) >= 10 ? 'kill' : 'pass');
      },
    ],
  ])('serves everybody on ten, and the pool is healthy all the time: %s', async (_how, limit) => {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections: 10, maxConnections: 20, maxConnecting: 1 });
    while (pool.poolStats().idle < 10) await sleep(5);
    // Nothing is judged by connections that are a moment old.
    await seconds(2);
    limit(front, pool);
    const before = pool.poolStats();
    time.rate = 5;
    const began = performance.now();
    let stopped = false;
    let served = 0;
    const errors: unknown[] = [];
    const call = async (): Promise<void> => {
      while (!stopped) {
        await pool.query('RETURN 1').then(
          () => served++,
          (error: unknown) => errors.push(error),
        );
        await sleep(5);
      }
    };
    const calls = Array.from({ length: 13 }, call);
    const looks = await healthFor(pool, 30);
    const most = mostSince(began, mostASecond);
    stopped = true;
    await Promise.all(calls);
    expect(new Set(looks)).toEqual(new Set([true]));
    expect(errors).toEqual([]);
    expect(served).toBeGreaterThan(100);
    expect(pool.poolStats().openFailed - before.openFailed, 'attempts in 30 s').toBeLessThanOrEqual(most);
  });
});
