import { describe, expect, test } from 'vitest';
import { QueueOverloadError } from '../../src/errors/acquire.js';
import type { PoolSettings } from '../../src/pool/contract.js';
import { lent, makePool, poolUnderTest, settled, watch } from '../support/pool-under-test.js';
import { seededRandom } from '../support/seeded-random.js';
import { quantile } from '../support/tenants-under-load.js';

const seed = Number(process.env.OVERLOAD_SEED ?? Math.trunc(Math.random() * 2 ** 31));
console.log(`replay with: OVERLOAD_SEED=${seed} npx vitest run test/pool/load-shedding.test.ts`);

interface Caller {
  readonly came: number;
  readonly waited: number;
  readonly outcome: 'served' | 'refused' | 'timedOut';
}

/**
 * Ten connections that serve 200 callers a second get 150, then 400 for ten seconds, then 150 again.
 * @returns the callers of the burst, and those who came from 5 to 20 seconds after it
 */
async function overload(settings: Partial<PoolSettings>): Promise<{ burst: Caller[]; after: Caller[] }> {
  const { pool, clock } = makePool({ maxConnections: 10, connectionTimeout: 5000, ...settings });
  const random = seededRandom(seed);
  const callers: Caller[] = [];
  const call = (): void => {
    const came = clock.now();
    const ended = (outcome: Caller['outcome']): unknown => callers.push({ came, waited: clock.now() - came, outcome });
    pool.acquire().then(
      (lease) => {
        ended('served');
        clock.timer(50, true, () => lease.release());
      },
      (error) => ended(error instanceof QueueOverloadError ? 'refused' : 'timedOut'),
    );
  };
  const next = (): void => {
    const now = clock.now();
    if (now > 40_000) return;
    const rate = now >= 5000 && now < 15_000 ? 400 : 150;
    clock.timer((-Math.log(1 - random()) * 1000) / rate, true, () => {
      call();
      next();
    });
  };
  next();
  await clock.advance(50_000);
  const between = (from: number, to: number): Caller[] => callers.filter(({ came }) => came >= from && came < to);
  return { burst: between(5000, 15_000), after: between(20_000, 35_000) };
}

const waits = (callers: readonly Caller[], outcome: Caller['outcome'] = 'served'): number[] =>
  callers.filter((caller) => caller.outcome === outcome).map(({ waited }) => waited);

describe('twice the load that the pool can serve, for ten seconds', () => {
  test('makes all wait with time-outs alone, also long after it', async () => {
    const { burst, after } = await overload({});
    expect(quantile(waits(burst), 0.5)).toBeGreaterThan(2000);
    expect(waits(burst, 'timedOut').length).toBeGreaterThan(500);
    expect(quantile(waits(after), 0.5)).toBeGreaterThan(500);
  });

  test('is shed: those who are served do not wait long, and after it nobody waits', async () => {
    const { burst, after } = await overload({ loadShedding: { target: 50, interval: 2000 } });
    expect(quantile(waits(burst), 0.5)).toBeLessThan(200);
    expect(quantile(waits(after), 0.5)).toBe(0);
    expect(waits(after, 'refused')).toEqual([]);
    // As many are served as could be: 200 a second.
    expect(waits(burst).length).toBeGreaterThan(1700);
    expect(waits(burst, 'timedOut')).toEqual([]);
  });
});

describe('load shedding', () => {
  const settings = { maxConnections: 1, loadShedding: { target: 50, interval: 1000 } };

  test('refuses those who waited while no connection came back at all, and says when to try again', async () => {
    const { pool, clock } = poolUnderTest(settings);
    await lent(pool, 1);
    const waiter = watch(pool.acquire());
    // A look each second; before the first one a connection was lent.
    await clock.advance(1950);
    const late = watch(pool.acquire());
    await clock.advance(60);
    expect(waiter.error).toBeInstanceOf(QueueOverloadError);
    expect(waiter.error).toMatchObject({ retryAfter: 1000, retryable: true, waited: 2000 });
    expect(late.error).toBeUndefined();
    expect(pool.statistics()).toMatchObject({ refused: 1, refusedOverload: 1, waiting: 1 });
  });

  test('lets a paused pool keep its waiters', async () => {
    const { pool, clock } = poolUnderTest(settings);
    pool.pause();
    const waiter = watch(pool.acquire());
    await clock.advance(5000);
    expect(waiter.error).toBeUndefined();
  });

  test('refuses nobody for a burst that the pool can serve', async () => {
    const { pool, clock } = poolUnderTest(settings);
    const errors: unknown[] = [];
    const call = async (): Promise<void> => {
      const lease = await pool.acquire();
      await new Promise<void>((resolve) => clock.timer(10, true, resolve));
      lease.release();
    };
    for (let at = 0; at < 20_000; at += 1100) {
      clock.timer(at, true, () => {
        for (let caller = 0; caller < 40; caller++) call().catch((error: unknown) => errors.push(error));
      });
    }
    await clock.advance(25_000);
    expect(errors).toEqual([]);
    expect(pool.statistics().waitTime.max).toBeGreaterThan(300);
  });

  test('serves the first waiter of each interval, however long it waited', async () => {
    const { pool, clock } = poolUnderTest(settings);
    const outcomes: string[] = [];
    const call = async (): Promise<void> => {
      try {
        const lease = await pool.acquire();
        outcomes.push('served');
        await new Promise<void>((resolve) => clock.timer(700, true, resolve));
        lease.release();
      } catch (error) {
        outcomes.push((error as Error).name);
      }
    };
    for (let caller = 0; caller < 20; caller++) void call();
    await clock.advance(10_000);
    // From 1400 ms on nobody is served in less; so from 2800 ms on it is an overload, and at 3500 ms the rest is refused.
    expect(outcomes.slice(0, 6)).toEqual([...Array<string>(5).fill('served'), 'QueueOverloadError']);
    expect(outcomes.filter((outcome) => outcome === 'served')).toHaveLength(5);
  });

  test('looks at each tenant by itself', async () => {
    const { pool, clock } = poolUnderTest(settings);
    const greedy = pool.addTenant('greedy', {});
    const light = pool.addTenant('light', {});
    const errors: unknown[] = [];
    let served = 0;
    const call = async (tenant: typeof greedy): Promise<void> => {
      try {
        const lease = await pool.acquire({ tenant });
        if (tenant === light) served++;
        await new Promise<void>((resolve) => clock.timer(40, true, resolve));
        lease.release();
      } catch (error) {
        errors.push(tenant.name);
        if (tenant === light) throw error;
      }
    };
    // Five times what one connection can serve, and one who comes now and then.
    for (let at = 0; at < 10_000; at += 8) clock.timer(at, true, () => void call(greedy));
    for (let at = 0; at < 10_000; at += 500) clock.timer(at, true, () => void call(light));
    await clock.advance(12_000);
    expect(new Set(errors)).toEqual(new Set(['greedy']));
    expect(served).toBe(20);
  });

  test('is off unless asked for', async () => {
    const { pool, clock } = poolUnderTest({ maxConnections: 1, connectionTimeout: 0 });
    await lent(pool, 1);
    const waiter = watch(pool.acquire());
    await clock.advance(3_600_000);
    expect(waiter.error).toBeUndefined();
  });
});

describe('a full line', () => {
  test('refuses the newest of the tenant that has the most waiters, not who comes', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1, maxWaiters: 4 });
    await lent(pool, 1);
    const greedy = pool.addTenant('greedy', {});
    const light = pool.addTenant('light', {});
    const waiting = Array.from({ length: 4 }, () => watch(pool.acquire({ tenant: greedy })));
    const comer = watch(pool.acquire({ tenant: light }));
    await settled();
    expect(waiting.map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual([
      ...[undefined, undefined, undefined],
      'ERR_POOL_QUEUE_FULL',
    ]);
    expect(comer.error).toBeUndefined();
    // As many each: who comes is refused.
    const second = watch(pool.acquire({ tenant: light }));
    const third = watch(pool.acquire({ tenant: light }));
    await settled();
    expect(second.error).toBeUndefined();
    expect(third.error).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    expect([greedy.waiting, light.waiting]).toEqual([2, 2]);
    expect(waiting.filter(({ error }) => error !== undefined)).toHaveLength(2);
  });

  test('of one tenant refuses only its own callers, and those of the tenants below it', async () => {
    const { pool } = poolUnderTest({ maxConnections: 1 });
    await lent(pool, 1);
    const parent = pool.addTenant('agent 7', { maxWaiting: 2 });
    const child = pool.addTenant('agent 7.1', {}, parent);
    const waiting = [parent, child].map((tenant) => watch(pool.acquire({ tenant })));
    const refused = watch(pool.acquire({ tenant: child }));
    const other = watch(pool.acquire());
    await settled();
    expect(waiting.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect(refused.error).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    expect(String(refused.error)).toContain('maxWaiting (2) callers of agent 7 wait already');
    expect(other.error).toBeUndefined();
  });
});
