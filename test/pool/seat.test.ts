import { describe, expect, test } from 'vitest';
import type { PoolSettings } from '../../src/pool/contract.js';
import type { Lease } from '../../src/pool/lease.js';
import type { Pool } from '../../src/pool/pool.js';
import type { Tenant } from '../../src/pool/tenant.js';
import {
  behaving,
  type FakeResource,
  fill,
  leaseOf,
  listen,
  type PoolUnderTest,
  poolUnderTest,
  type Watched,
  watch,
} from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

type Held = Lease<FakeResource>;

const sharing = { joins: false };
const joining = { joins: true };

/** A pool with so many seats on each connection, of which one is open. */
async function withSeats(seats: number, settings: Partial<PoolSettings> = {}): Promise<PoolUnderTest> {
  const world = poolUnderTest({ maxConnections: 1, ...settings });
  world.resources.seatsPerResource = seats;
  await fill(world.pool, 1);
  return world;
}

/** So many acquires for single calls, all made in the same turn. */
function share(pool: Pool<FakeResource>, count: number, shared = sharing): Watched<Held>[] {
  return Array.from({ length: count }, () => watch(pool.acquire({ shared })));
}

const states = (acquires: readonly Watched<Held>[]): string[] => acquires.map(({ state }) => state);
const served = (acquires: readonly Watched<Held>[]): number => states(acquires).filter((s) => s === 'fulfilled').length;

describe('single calls on one connection', () => {
  test.each([1, 3, 8])('are as many as it has seats: %i', async (seats) => {
    const { pool } = await withSeats(seats);
    const acquires = share(pool, 10);
    await settled();
    expect(served(acquires)).toBe(seats);
    expect(pool.statistics()).toMatchObject({ leased: 1, waiting: 10 - seats });
    leaseOf(acquires[0] as Watched<Held>).release();
    await settled();
    expect(states(acquires)[seats]).toBe('fulfilled');
    expect(served(acquires)).toBe(seats + 1);
  });

  test('prove by their answers that it works: while they go on it needs no probe', async () => {
    const { pool, clock } = await withSeats(3, { validateOnCheckout: true, validationInterval: 500 });
    let [running] = share(pool, 1);
    for (let call = 0; call < 20; call++) {
      await clock.advance(100);
      const [next] = share(pool, 1);
      await settled();
      expect(next?.state, `call ${call}`).toBe('fulfilled');
      leaseOf(running as Watched<Held>).release();
      running = next;
    }
    expect(pool.statistics()).toMatchObject({ probesPassed: 0, opened: 1 });
    leaseOf(running as Watched<Held>).release();
  });

  test('get an idle connection each before they share one', async () => {
    const { pool } = await withSeats(3, { maxConnections: 3 });
    await fill(pool, 3);
    const acquires = share(pool, 6);
    await settled();
    const ids = acquires.map((acquire) => leaseOf(acquire).id).sort();
    expect(ids).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test('never are on a connection that a caller has for itself', async () => {
    const { pool } = await withSeats(3);
    const own = await pool.acquire();
    const acquires = share(pool, 2);
    await settled();
    expect(states(acquires)).toEqual(['pending', 'pending']);
    own.release();
    await settled();
    expect(served(acquires)).toBe(2);
  });

  test('are counted one by one: served, reused, how long they waited and held it', async () => {
    const { pool, clock } = await withSeats(1);
    const before = pool.statistics();
    const acquires = share(pool, 3);
    for (const acquire of acquires) {
      await clock.advance(10);
      leaseOf(acquire).release();
    }
    const after = pool.statistics();
    expect(after.served - before.served).toBe(3);
    expect(after.reused - before.reused).toBe(3);
    expect(after.waitTime.max).toBe(20);
    expect(after.leaseTime).toMatchObject({ max: 10 });
  });

  test('that are released twice free one seat', async () => {
    const { pool } = await withSeats(2);
    const [one, other, ...waiting] = share(pool, 4);
    await settled();
    leaseOf(one as Watched<Held>).release();
    leaseOf(one as Watched<Held>).release();
    await settled();
    expect(served(waiting)).toBe(1);
    expect(pool.statistics()).toMatchObject({ releasedTwice: 1, waiting: 1 });
    leaseOf(other as Watched<Held>).release();
  });

  test('have their own limits while they wait: their number, a timeout, a signal', async () => {
    const { pool, clock } = await withSeats(1, { maxWaiters: 3 });
    const [first] = share(pool, 1);
    const abort = new AbortController();
    const late = watch(pool.acquire({ shared: sharing, timeout: 50 }));
    const aborted = watch(pool.acquire({ shared: sharing, signal: abort.signal }));
    const patient = watch(pool.acquire({ shared: sharing, timeout: 1_000 }));
    const refused = watch(pool.acquire({ shared: sharing }));
    await settled();
    expect(refused.error).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    abort.abort();
    await settled();
    expect(aborted.state).toBe('rejected');
    await clock.advance(60);
    expect(late.error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    leaseOf(first as Watched<Held>).release();
    await settled();
    expect(patient.state).toBe('fulfilled');
  });
});

describe('calls that join in one message', () => {
  const seatsOf = (acquires: readonly Watched<Held>[]): number =>
    new Set(acquires.filter(({ state }) => state === 'fulfilled').map((each) => leaseOf(each).seat)).size;

  test('are those of one moment under always', async () => {
    const { pool } = await withSeats(2, { batching: 'always' });
    const acquires = share(pool, 5, joining);
    await settled();
    expect([served(acquires), seatsOf(acquires)]).toEqual([5, 1]);
  });

  test('are sixteen at most', async () => {
    const { pool } = await withSeats(2, { batching: 'always' });
    const acquires = share(pool, 40, joining);
    await settled();
    expect([served(acquires), seatsOf(acquires)]).toEqual([32, 2]);
    for (const acquire of acquires.slice(0, 16)) leaseOf(acquire).release();
    await settled();
    expect(served(acquires)).toBe(40);
  });

  test('are sixteen at most of those who waited', async () => {
    const { pool } = await withSeats(2);
    const own = await pool.acquire();
    const acquires = share(pool, 40, joining);
    own.release();
    await settled();
    expect([served(acquires), seatsOf(acquires)]).toEqual([32, 2]);
  });

  test('are only those that waited under waiting', async () => {
    const { pool } = await withSeats(2, { batching: 'waiting' });
    const acquires = share(pool, 6, joining);
    await settled();
    expect([served(acquires), seatsOf(acquires)]).toEqual([2, 2]);
    leaseOf(acquires[0] as Watched<Held>).release();
    await settled();
    expect([served(acquires), seatsOf(acquires.slice(2))]).toEqual([6, 1]);
  });

  test('are none under off', async () => {
    const { pool } = await withSeats(2, { batching: 'off' });
    const acquires = share(pool, 6, joining);
    await settled();
    leaseOf(acquires[0] as Watched<Held>).release();
    await settled();
    expect([served(acquires), seatsOf(acquires)]).toEqual([3, 3]);
  });

  test('are none that came after the message was sent', async () => {
    const { pool } = await withSeats(2);
    const [first] = share(pool, 1, joining);
    await settled();
    leaseOf(first as Watched<Held>).seat?.close();
    const [second] = share(pool, 1, joining);
    await settled();
    expect(leaseOf(second as Watched<Held>).seat).not.toBe(leaseOf(first as Watched<Held>).seat);
  });

  test('do not overtake a caller in between who wants a connection for itself', async () => {
    const { pool } = await withSeats(1);
    const own = await pool.acquire();
    const before = share(pool, 2, joining);
    const exclusive = watch(pool.acquire());
    const after = share(pool, 2, joining);
    own.release();
    await settled();
    expect([states(before), exclusive.state, states(after)]).toEqual([
      ['fulfilled', 'fulfilled'],
      'pending',
      ['pending', 'pending'],
    ]);
    for (const acquire of before) leaseOf(acquire).release();
    await settled();
    expect([exclusive.state, states(after)]).toEqual(['fulfilled', ['pending', 'pending']]);
    leaseOf(exclusive).release();
    await settled();
    expect(served(after)).toBe(2);
  });

  test('keep the seat until the last of them is released', async () => {
    const { pool } = await withSeats(1);
    const acquires = share(pool, 3, joining);
    await settled();
    for (const acquire of acquires) leaseOf(acquire).seat?.close();
    const [next] = share(pool, 1, joining);
    for (const acquire of acquires) {
      await settled();
      expect(next?.state).toBe('pending');
      leaseOf(acquire).release();
    }
    await settled();
    expect(next?.state).toBe('fulfilled');
  });
});

describe('a stream of single calls', () => {
  /** Each call that ends is followed by the next: the connections never come to rest by themselves. */
  async function stream(
    { pool, clock }: PoolUnderTest,
    running: Watched<Held>[],
    until: () => boolean,
  ): Promise<number> {
    for (let turn = 0; turn < 50; turn++) {
      await clock.advance(20);
      if (until()) return turn;
      running.push(...share(pool, 1));
      const at = running.findIndex(({ state }) => state === 'fulfilled');
      if (at >= 0) leaseOf(running.splice(at, 1)[0] as Watched<Held>).release();
    }
    return Number.POSITIVE_INFINITY;
  }

  test('does not keep a caller waiting who wants a connection for itself', async () => {
    const { pool } = await withSeats(3);
    const running = share(pool, 3);
    await settled();
    const exclusive = watch(pool.acquire());
    const later = share(pool, 3);
    for (const acquire of running) {
      leaseOf(acquire).release();
      await settled();
      expect(served(later)).toBe(0);
    }
    expect(exclusive.state).toBe('fulfilled');
  });

  test('does not keep a caller of another identity waiting', async () => {
    const world = await withSeats(3, { maxConnections: 2 });
    const { pool, resources } = world;
    await fill(pool, 2);
    const running = share(pool, 6);
    await settled();
    const visitor = watch(pool.acquire({ identity: { key: 'visitor' }, shared: sharing }));
    expect(await stream(world, running, () => visitor.state === 'fulfilled')).toBeLessThan(10);
    expect(leaseOf(visitor).resource.identity).toBe('visitor');
    expect(resources.count('change')).toBe(1);
  });

  test('does not keep a caller waiting for whom no connection can be opened', async () => {
    const world = await withSeats(3, { maxConnections: 5 });
    const { pool, resources } = world;
    resources.behave = behaving({ open: 'never' });
    const running = share(pool, 3);
    await settled();
    const exclusive = watch(pool.acquire());
    expect(await stream(world, running, () => exclusive.state === 'fulfilled')).toBeLessThan(20);
  });

  test('goes on while a caller waits whose identity does not answer', async () => {
    const { pool, resources, clock } = await withSeats(3);
    resources.behave = behaving({ change: 'never' });
    const silent = { identity: { key: 'silent' }, shared: sharing, timeout: 5_000 };
    const visitor = watch(pool.acquire(silent));
    // The switch takes too long, and the next one is not tried at once.
    await clock.advance(1_000);
    resources.behave = () => 'ok';
    const calls = share(pool, 3);
    await clock.advance(1);
    expect(visitor.state).not.toBe('fulfilled');
    expect(served(calls)).toBe(3);
    const later = share(pool, 1);
    leaseOf(calls[0] as Watched<Held>).release();
    await settled();
    expect(served(later), 'the waiter of the silent identity does not end the sharing').toBe(1);
  });
});

describe('no further call is put on a connection', () => {
  const ends: readonly [string, (world: PoolUnderTest) => unknown, Partial<PoolSettings>, string][] = [
    ['after recycleAll()', ({ pool }) => pool.recycleAll(), {}, 'recycled'],
    ['past its lifetime', ({ clock }) => clock.advance(2_000), { maxLifetime: 1_000 }, 'lifetime'],
    ['that died', ({ resources }) => resources.all[0]?.die(new Error('gone')), {}, 'died'],
    ['that was lent often enough', () => {}, { recycleAfterUses: 3 }, 'uses'],
  ];
  test.each(ends)('%s, and the last call that ends closes it', async (_, end, settings, reason) => {
    const world = await withSeats(3, settings);
    const { pool } = world;
    const running = share(pool, 2, joining);
    const [apart] = share(pool, 1);
    await settled();
    const alive = [...running, apart as Watched<Held>].filter(({ state }) => state === 'fulfilled');
    const first = leaseOf(alive[0] as Watched<Held>).resource;
    await end(world);
    const late = share(pool, 2, joining);
    for (const acquire of alive) {
      await settled();
      expect(pool.statistics().closedBy).toMatchObject({ [reason]: 0 });
      leaseOf(acquire).release();
    }
    await settled();
    expect(pool.statistics().closedBy).toMatchObject({ [reason]: 1 });
    for (const acquire of late) expect(leaseOf(acquire).resource).not.toBe(first);
  });

  test('that one of its calls has changed, until it was reset after the last of them', async () => {
    const { pool, resources } = await withSeats(3);
    const [one, other] = share(pool, 2);
    await settled();
    leaseOf(one as Watched<Held>).resource.dirty = true;
    const [late] = share(pool, 1);
    leaseOf(one as Watched<Held>).release();
    await settled();
    expect([late?.state, resources.count('reset')]).toEqual(['pending', 0]);
    leaseOf(other as Watched<Held>).release();
    await settled();
    expect([late?.state, resources.count('reset')]).toEqual(['fulfilled', 1]);
  });

  test('that is one too many after resize()', async () => {
    const { pool } = await withSeats(2, { maxConnections: 2 });
    await fill(pool, 2);
    const running = share(pool, 4);
    await settled();
    pool.resize({ maxConnections: 1 });
    const late = share(pool, 1);
    for (const acquire of running) leaseOf(acquire).release();
    await settled();
    expect(served(late)).toBe(1);
    expect(pool.statistics()).toMatchObject({ total: 1, closedBy: { resized: 1 } });
  });

  test('that one of its calls was cut off from; it is told once that the server did not answer', async () => {
    const { pool } = await withSeats(4, { unhealthyThreshold: 2 });
    const told = listen(pool);
    const running = share(pool, 4);
    await settled();
    for (const acquire of running.slice(0, 3)) {
      leaseOf(acquire).markForRecycling('unanswered');
      leaseOf(acquire).release();
    }
    const [late] = share(pool, 1);
    await settled();
    expect([late?.state, pool.statistics().closedBy.unanswered]).toEqual(['pending', 0]);
    leaseOf(running[3] as Watched<Held>).release();
    await settled();
    expect(pool.statistics().closedBy.unanswered).toBe(1);
    expect(leaseOf(late as Watched<Held>).id).toBe(2);
    // Two signs of silence would make the pool unhealthy.
    expect(told.filter(({ name }) => name === 'healthChanged')).toEqual([]);
  });
});

describe('a shutdown while calls share a connection', () => {
  test('waits for the last of them', async () => {
    const { pool, clock } = await withSeats(3);
    const running = share(pool, 3);
    await settled();
    const report = watch(pool.shutdown(1_000));
    for (const acquire of running) {
      await clock.advance(10);
      expect(report.state).toBe('pending');
      leaseOf(acquire).release();
    }
    await clock.advance(10);
    expect(report.value).toMatchObject({ aborted: [] });
  });

  test('aborts all that are left after its grace period, as one connection', async () => {
    const { pool, clock } = await withSeats(3);
    const running = share(pool, 3);
    await clock.advance(5);
    const report = watch(pool.shutdown(1_000));
    leaseOf(running[0] as Watched<Held>).release();
    await clock.advance(2_000);
    expect(report.value?.aborted).toMatchObject([{ connection: 1, held: 1_005 }]);
    expect(running.slice(1).map((acquire) => leaseOf(acquire).active)).toEqual([false, false]);
    for (const acquire of running.slice(1)) leaseOf(acquire).release();
    expect(pool.statistics().releasedTwice).toBe(0);
  });
});

describe('single calls of tenants that share the pool', () => {
  const call = (pool: Pool<FakeResource>, tenant: Tenant, shared = joining): Watched<Held> =>
    watch(pool.acquire({ tenant, shared }));
  const seatOf = (acquire: Watched<Held> | undefined): unknown => leaseOf(acquire as Watched<Held>).seat;

  /** Two tenants, whose calls take so long, have shared the pool lately. */
  async function twoTenants(time: number): Promise<{ world: PoolUnderTest; busy: Tenant; light: Tenant }> {
    const world = await withSeats(8);
    const { pool, clock } = world;
    const [busy, light] = [pool.addTenant('busy', {}), pool.addTenant('light', {})];
    for (let turn = 0; turn < 60; turn++) {
      const lease = await pool.acquire({ tenant: turn % 2 === 0 ? busy : light, shared: sharing });
      await clock.advance(time);
      lease.release();
    }
    return { world, busy, light };
  }

  test('share no message, those of one moment', async () => {
    const { world, busy, light } = await twoTenants(0.1);
    const acquires = [busy, light, busy, light].map((tenant) => call(world.pool, tenant));
    await settled();
    const seats = acquires.map(seatOf);
    expect([seats[0] === seats[2], seats[1] === seats[3], seats[0] === seats[1]]).toEqual([true, true, false]);
  });

  test('share no message, those who waited', async () => {
    const { world, busy, light } = await twoTenants(0.1);
    const own = await world.pool.acquire();
    const acquires = [busy, light, busy, light].map((tenant) => call(world.pool, tenant));
    own.release();
    await settled();
    const seats = acquires.map(seatOf);
    expect([seats[0] === seats[2], seats[1] === seats[3], seats[0] === seats[1]]).toEqual([true, true, false]);
  });

  test('follow others on a connection when they are quick', async () => {
    const { world, busy } = await twoTenants(0.1);
    const running = Array.from({ length: 4 }, () => call(world.pool, busy, sharing));
    await settled();
    expect(served(running)).toBe(4);
    for (const each of running) leaseOf(each).release();
  });

  test('wait for the answers of others when they are slow, as long as another tenant was there', async () => {
    const { world, busy } = await twoTenants(20);
    const running = Array.from({ length: 4 }, () => call(world.pool, busy, sharing));
    await settled();
    expect(served(running)).toBe(1);
    leaseOf(running[0] as Watched<Held>).release();
    await settled();
    expect(served(running)).toBe(2);
    // A second after the other tenant was served last, the pool is one tenant's.
    await world.clock.advance(1_001);
    const again = call(world.pool, busy, sharing);
    await settled();
    expect(served([...running, again])).toBe(5);
  });
});
