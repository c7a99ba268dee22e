import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue } from '../../src/pool/fair-queue.js';
import { Share } from '../../src/pool/share.js';
import type { Tenant } from '../../src/pool/tenant.js';
import { leaseOf, lent, poolUnderTest, settled, watch } from '../support/pool-under-test.js';
import type { VirtualClock } from '../support/virtual-clock.js';

/** Acquires for these tenants, in this order; each holds its connection for so long. @returns who was served, in order */
function calls(
  { pool, clock }: Pick<ReturnType<typeof poolUnderTest>, 'pool' | 'clock'>,
  tenants: readonly (Tenant | undefined)[],
  holds: number,
): string[] {
  const served: string[] = [];
  for (const tenant of tenants) {
    pool.acquire({ tenant }).then(
      (lease) => {
        served.push(tenant?.name ?? 'plain');
        clock.timer(holds, true, () => lease.release());
      },
      () => {},
    );
  }
  return served;
}

/** Holds a connection of a tenant for so long. */
async function use(
  pool: { acquire: ReturnType<typeof poolUnderTest>['pool']['acquire'] },
  clock: VirtualClock,
  tenant: Tenant,
  time: number,
): Promise<void> {
  const lease = await pool.acquire({ tenant });
  await clock.advance(time);
  lease.release();
}

describe('what a tenant used', () => {
  test('while nobody else waited is not held against it', async () => {
    const world = poolUnderTest({ maxConnections: 1, connectionTimeout: 0 });
    const { pool, clock } = world;
    const busy = pool.addTenant('busy', {});
    const quiet = pool.addTenant('quiet', {});
    await use(pool, clock, busy, 3_600_000);
    const [lease] = await lent(pool, 1);
    const served = calls(world, [busy, quiet, busy, quiet, busy, quiet], 100);
    lease?.release();
    await clock.advance(1000);
    expect(served).toEqual(['busy', 'quiet', 'busy', 'quiet', 'busy', 'quiet']);
  });

  test('while others waited is', async () => {
    const world = poolUnderTest({ maxConnections: 1, connectionTimeout: 0 });
    const { pool, clock } = world;
    const long = pool.addTenant('long', {});
    const short = pool.addTenant('short', {});
    const [lease] = await lent(pool, 1);
    const first = calls(world, [long], 900);
    const rest = calls(world, Array<Tenant>(20).fill(short), 100);
    lease?.release();
    await clock.advance(1000);
    const again = calls(world, [long], 900);
    await clock.advance(700);
    expect([first, rest.length, again]).toEqual([['long'], 9, []]);
    await clock.advance(3000);
    expect([rest.length, again]).toEqual([20, ['long']]);
  });
});

describe('what a tenant did not use', () => {
  test('is saved up for a few short leases, and not for more', async () => {
    const world = poolUnderTest({ maxConnections: 1, connectionTimeout: 0 });
    const { pool, clock } = world;
    const busy = pool.addTenant('busy', {});
    const absent = pool.addTenant('absent', {});
    // Both are known in the same period of contention.
    calls(world, [undefined, absent, ...Array<Tenant>(400).fill(busy)], 50);
    await clock.advance(10_000);
    const served = calls(world, Array<Tenant>(20).fill(absent), 50);
    await clock.advance(50 * 12);
    // Two or three at once, then one of two.
    expect(served.length).toBeGreaterThanOrEqual(6);
    expect(served.length).toBeLessThanOrEqual(9);
  });
});

test('of tenants that are due at the same time, those who have had nothing yet come first', async () => {
  const world = poolUnderTest({ maxConnections: 1, connectionTimeout: 0 });
  const { pool, clock } = world;
  const many = Array.from({ length: 5 }, (_, index) => pool.addTenant(`busy ${index}`, {}));
  const [lease] = await lent(pool, 1);
  calls(world, [...many, ...many, ...many, ...many], 100);
  lease?.release();
  // Each of them was served once, and is due at the same time again.
  await clock.advance(550);
  const served = calls(world, [pool.addTenant('new', {})], 100);
  await clock.advance(100);
  expect(served).toEqual(['new']);
});

test('a waiter that gives up does not keep those behind it from an idle connection', async () => {
  const { pool, clock, resources } = poolUnderTest({ maxConnections: 2, maxConnecting: 1 });
  const capped = pool.addTenant('capped', { maxConnections: 1 });
  const [guest, home] = [await pool.acquire({ identity: { key: 'guest' } }), await pool.acquire()];
  home.release();
  resources.behave = () => 'never';
  // The first of the tenant's waiters wants an identity that cannot be had, the second one is there for.
  const first = watch(pool.acquire({ tenant: capped, identity: { key: 'visitor' }, timeout: 10 }));
  await settled();
  guest.release();
  const second = watch(pool.acquire({ tenant: capped, identity: { key: 'guest' } }));
  await clock.advance(5);
  expect([first.error, second.value]).toEqual([undefined, undefined]);
  await clock.advance(10);
  expect(first.error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
  expect(leaseOf(second).active).toBe(true);
});

test('a fair queue gives the share that is due first, whatever joined and left before', () => {
  const step = fc.record({
    what: fc.constantFrom('join' as const, 'leave' as const, 'lend' as const, 'return' as const, 'look' as const),
    which: fc.nat(30),
    passes: fc.nat(50),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.array(fc.constantFrom(0.1, 1, 5), { minLength: 31, maxLength: 31 }),
      (steps, weights) => {
        const queue = new FairQueue<Share>();
        const shares = weights.map((weight) => {
          const share = new Share();
          share.allow(weight, Number.POSITIVE_INFINITY, 0);
          return share;
        });
        const inside = new Set<Share>();
        const open = new Map<Share, number[]>();
        let now = 0;
        let turn: { share: Share; until: number } | undefined;
        for (const { what, which, passes } of steps) {
          now += passes;
          const share = shares[which] as Share;
          const since = open.get(share) ?? [];
          if (what === 'join') inside.add(share);
          if (what === 'leave') inside.delete(share);
          if (what === 'lend') {
            share.lent(1, 10, now);
            open.set(share, [...since, now]);
          }
          if (what === 'return' && since.length > 0) {
            share.returned(1, 10, since[0] as number, now);
            open.set(share, since.slice(1));
          }
          queue.set(share, inside.has(share), now);
          expect(queue.size).toBe(inside.size);
          if (turn !== undefined && !inside.has(turn.share)) turn = undefined;
          const head = queue.head(now);
          expect(head === undefined).toBe(inside.size === 0);
          if (head === undefined) continue;
          // It keeps its turn for 20 ms of use; else it is the one that is due first.
          const keeps = turn?.share === head && head.dueAt(now) < turn.until;
          const first = Math.min(...[...inside].map((each) => each.dueAt(now)));
          if (!keeps) {
            expect(head.dueAt(now)).toBeCloseTo(first, 6);
            turn = { share: head, until: head.dueAt(now) + 20 / head.weight };
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
