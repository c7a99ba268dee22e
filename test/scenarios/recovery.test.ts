import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { time } from '../support/fast-time.js';
import type { Front, RequestHook } from '../support/front.js';
import { once } from '../support/once.js';
import { type Outage, outages, type Recovery, recoverAll } from '../support/recovery.js';
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
  const comesBack = ({ name }: Outage, callers: number): boolean => callers > 0 || !refusals.has(name);
  const together = 4;
  const groups = Array.from({ length: Math.ceil(outages.length / together) }, (_, group) => {
    const kinds = outages.slice(group * together, (group + 1) * together);
    return once(async () => {
      const all = await recoverAll(own, kinds, 60_000, [0, 32], fast, comesBack);
      return new Map<Outage, Recovery[]>(kinds.map((outage, index) => [outage, all[index] ?? []]));
    });
  });

  test.each(outages.map((outage, index) => [outage.name, outage, index] as const))(
    '%s',
    async (name, outage, index) => {
      const played = await groups[Math.floor(index / together)]?.();
      const [idle, busy] = played?.get(outage) ?? [];
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
    },
  );
});

describe('every connection is dropped soon after it was opened', () => {
  const pools: readonly [minConnections: number, callers: number][] = [
    [1, 0],
    [4, 0],
    [5, 0],
    [0, 8],
    [2, 8],
  ];

  /** One of these pools at a node of its own, of which every connection is dropped until `calm()`. */
  async function dropped(minConnections: number, callers: number) {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections, maxConnections: 10 });
    await pool.query('RETURN 1');
    const end = pool.subscribe('opened', () => setTimeout(() => front.dropAll(), 15));
    const before = front.accepted;
    front.dropAll();
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
    const calm = async (): Promise<void> => {
      end();
      stopped = true;
      await Promise.all(calls);
    };
    return { pool, calm, opened: () => front.accepted - before };
  }

  const played = once(async () => {
    const scenes = await Promise.all(pools.map(([minConnections, callers]) => dropped(minConnections, callers)));
    time.rate = fast;
    const began = performance.now();
    await seconds(60);
    const seen = await Promise.all(
      scenes.map(async ({ pool, opened }) => {
        const looks = new Set(await healthFor(pool, 5));
        return { looks, opened: opened(), most: mostSince(began, mostDropped) };
      }),
    );
    time.rate = 1;
    await Promise.all(scenes.map(({ calm }) => calm()));
    time.rate = fast;
    const afterwards = await Promise.all(scenes.map(({ pool }) => recovered(pool)));
    return seen.map((one, index) => ({ ...one, afterwards: afterwards[index] }));
  });

  /** What a pool answers, and says of itself, as soon as it is well; the last of it when it never is. */
  async function recovered(pool: ConnectionManager): Promise<object> {
    const until = performance.now() + 30_000 * fast;
    for (;;) {
      const answer = await pool
        .query('RETURN 1')
        .collect()
        .catch(() => []);
      const { healthy, circuitBreakerState } = pool.healthStatus();
      const isWell = answer[0] === 1 && healthy && circuitBreakerState === 'closed';
      if (isWell || performance.now() > until) return { answer, healthy, circuitBreakerState };
      await sleep(100);
    }
  }

  test.each(pools.map(([minConnections, callers], index) => [minConnections, callers, index] as const))(
    'with a minimum of %i and %i callers, no more than four sockets are opened a second',
    async (minConnections, callers, index) => {
      const seen = (await played())[index];
      if (seen === undefined) return expect.unreachable();
      expect(seen.opened, 'sockets in 65 s').toBeLessThanOrEqual(seen.most);
      if (minConnections + callers > 1) expect(seen.looks).toEqual(new Set([false]));
      expect(seen.afterwards).toEqual({ answer: [1], healthy: true, circuitBreakerState: 'closed' });
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

  async function warm(signedIn: boolean): Promise<{ front: Front; pool: ConnectionManager }> {
    const front = await own.listen({ auth: signedIn });
    const pool = await own.connect(front, {
      ...{ minConnections: 4, maxConnections: 8, healthCheckInterval: '1s', probeTimeout: '1s', queryTimeout: '1s' },
      ...(signedIn ? { credentials: { username: 'root', password: 'secret' } } : {}),
    });
    while (pool.poolStats().idle < 4) await sleep(5);
    return { front, pool };
  }

  const played = once(async () => {
    const scenes = await Promise.all(
      wrong.map(async ([, { signedIn }, hook]) => ({ hook, ...(await warm(signedIn)) })),
    );
    time.rate = 10;
    return await Promise.all(scenes.map(({ front, pool, hook }) => spoiled(front, pool, hook)));
  });

  /** What such a pool does in 30 s, and whether it is well afterwards. */
  async function spoiled(front: Front, pool: ConnectionManager, hook: RequestHook) {
    front.onRequest = hook;
    const before = front.accepted;
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
    const looks = new Set(await healthFor(pool, 10));
    const during = { answered, looks, opened: front.accepted - before, most: mostSince(began, mostASecond) };
    front.onRequest = () => 'pass';
    await expect.poll(() => answered, { timeout: 30_000 }).toBeGreaterThan(0);
    stopped = true;
    await Promise.all(calls);
    await expect.poll(() => pool.healthStatus().healthy, { timeout: 30_000 }).toBe(true);
    return during;
  }

  test.each(wrong.map(([what], index) => [what, index] as const))('is found out: %s', async (_what, index) => {
    const seen = (await played())[index];
    if (seen === undefined) return expect.unreachable();
    expect(seen.answered).toBe(0);
    expect(seen.looks, 'not healthy, and it does not change its mind with each socket').toEqual(new Set([false]));
    expect(seen.opened, 'sockets in 30 s').toBeLessThanOrEqual(seen.most);
  });
});

describe('a server that takes ten sockets and no more', () => {
  const full = (front: Front): boolean => front.connections >= 10;
  const limits: readonly [how: string, limit: (front: Front) => void][] = [
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
  ];

  async function warm(): Promise<{ front: Front; pool: ConnectionManager }> {
    const front = await own.listen();
    const pool = await own.connect(front, { minConnections: 10, maxConnections: 20, maxConnecting: 1 });
    while (pool.poolStats().idle < 10) await sleep(5);
    return { front, pool };
  }

  const played = once(async () => {
    const scenes = await Promise.all(limits.map(warm));
    // Nothing is judged by connections that are a moment old.
    await seconds(2);
    scenes.forEach(({ front }, index) => {
      limits[index]?.[1](front);
    });
    time.rate = 5;
    return await Promise.all(scenes.map(({ pool }) => busy(pool)));
  });

  /** What 13 callers of a pool see in 30 s. */
  async function busy(pool: ConnectionManager) {
    const before = pool.poolStats();
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
    const looks = new Set(await healthFor(pool, 30));
    const most = mostSince(began, mostASecond);
    stopped = true;
    await Promise.all(calls);
    return { looks, errors, served, most, failed: pool.poolStats().openFailed - before.openFailed };
  }

  test.each(limits.map(([how], index) => [how, index] as const))(
    'serves everybody on ten, and the pool is healthy all the time: %s',
    async (_how, index) => {
      const seen = (await played())[index];
      if (seen === undefined) return expect.unreachable();
      expect(seen.looks).toEqual(new Set([true]));
      expect(seen.errors).toEqual([]);
      expect(seen.served).toBeGreaterThan(100);
      expect(seen.failed, 'attempts in 30 s').toBeGreaterThan(0);
      expect(seen.failed, 'attempts in 30 s').toBeLessThanOrEqual(seen.most);
    },
  );
});
