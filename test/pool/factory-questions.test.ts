import { describe, expect, test } from 'vitest';
import type { PoolSettings } from '../../src/pool/contract.js';
import { fill, listen, poolUnderTest } from '../support/pool-under-test.js';

// The pool asks its factory short questions in the middle of an acquire, a release and a sweep. A factory that throws there
// must not cost a connection, a caller or a timer: the pool goes on with the answer that trusts least.

const throws = (): never => {
  throw new Error('the factory has no answer');
};

const questions = ['answeredAt', 'idleFor', 'lendableUntil', 'isClean'] as const;

const settings: Partial<PoolSettings> = {
  ...{ minConnections: 2, maxConnections: 3, healthCheckInterval: 10_000, validationInterval: 5_000 },
  ...{ idleTimeout: 60_000, idleLeaseThreshold: 1_000, leakDetectionThreshold: 5_000, maxLifetime: 300_000 },
};

describe.each(questions.map((question) => [question]))('a factory whose %s throws', (question) => {
  test('loses nothing in an acquire, a release and a sweep', async () => {
    const { pool, clock, resources } = poolUnderTest(settings);
    resources[question] = throws;
    await fill(pool, 3);
    const [held, waiting] = [await pool.acquire(), Array.from({ length: 5 }, () => pool.acquire())];
    for (const lease of waiting) (await lease).release();
    await clock.advance(30_000);
    held.release();
    await clock.advance(30_000);
    const { total, idle, leased } = pool.statistics();
    expect({ leased, idle }, 'the third was idle for too long').toEqual({ leased: 0, idle: total });
    expect(total).toBe(2);
    (await pool.acquire()).release();
  });

  test('goes on with its upkeep: its sweeps stay, and it still finds out that nothing is answered', async () => {
    const { pool, clock, resources } = poolUnderTest({ ...settings, unhealthyThreshold: 2 });
    resources[question] = throws;
    await fill(pool, 3);
    const told = listen(pool);
    resources.behave = (step) => (step === 'open' || step === 'close' ? 'ok' : 'never');
    await clock.advance(60_000);
    expect(told.map(({ name }) => name)).toContain('healthChanged');
    resources.behave = () => 'ok';
  });

  test('and loses a connection while it is lent: its place is filled again', async () => {
    const { pool, clock, resources } = poolUnderTest(settings);
    resources[question] = throws;
    await fill(pool, 2);
    const lease = await pool.acquire();
    resources.all.at(lease.id - 1)?.die(new Error('gone'));
    lease.release();
    await clock.advance(5_000);
    await fill(pool, 2);
    await clock.advance(5_000);
    expect(pool.statistics()).toMatchObject({ total: 2, idle: 2, opened: 3, closedBy: { died: 1 } });
  });
});
