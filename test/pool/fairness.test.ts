import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jain, type Load, quantile, TenantsUnderLoad } from '../support/tenants-under-load.js';

const seed = Number(process.env.FAIRNESS_SEED ?? Math.trunc(Math.random() * 2 ** 31));
console.log(`replay with: FAIRNESS_SEED=${seed} npx vitest run test/pool/fairness.test.ts`);

const flood: Load = { name: 'flood', rate: 1000, holds: 20 };
const heavy: Load = { name: 'heavy', rate: 60, holds: 400 };
const light: Load = { name: 'light', rate: 10, holds: 20 };

describe('ten connections and far more callers than they can serve', () => {
  test.each(['one identity', 'identities of their own'])('are shared fairly by time, with %s', async (how) => {
    const loads = [flood, heavy, light].map((load) =>
      how === 'one identity' ? load : { ...load, identity: load.name },
    );
    const world = new TenantsUnderLoad(10, loads, seed);
    await world.warmUp(2000);
    await world.measure(60_000);
    expect(jain([world.of('flood').lent, world.of('heavy').lent])).toBeGreaterThanOrEqual(0.99);
    expect(quantile(world.of('light').waits, 0.99)).toBeLessThanOrEqual(25);
    expect(world.of('light').waits.length).toBeGreaterThan(400);
    expect(world.busyTime / 600_000).toBeCloseTo(1, 3);
  });

  test('are shared fairly among a thousand tenants', async () => {
    const many = (count: number, load: Load): Load[] =>
      Array.from({ length: count }, (_, index) => ({ ...load, varies: true, name: `${load.name} ${index}` }));
    const loads = [
      ...many(50, { ...flood, rate: 20 }),
      ...many(50, { ...heavy, rate: 1 }),
      ...many(900, { ...light, rate: 0.1 }),
    ];
    const world = new TenantsUnderLoad(10, loads, seed);
    await world.warmUp(5000);
    await world.measure(120_000);
    const results = [...world.results];
    const greedy = results.filter(([name]) => !name.startsWith('light')).map(([, { lent }]) => lent);
    expect(jain(greedy)).toBeGreaterThanOrEqual(0.99);
    const waits = results.filter(([name]) => name.startsWith('light')).flatMap(([, result]) => result.waits);
    expect(quantile(waits, 0.99)).toBeLessThanOrEqual(25);
    expect(world.busyTime / 1_200_000).toBeCloseTo(1, 3);
  });

  test('are shared by weight', async () => {
    const weights = [1, 2, 4, 0.5];
    const loads = weights.map((weight) => ({ name: `${weight}`, weight, rate: 400, holds: 30 * weight }));
    const world = new TenantsUnderLoad(10, loads, seed);
    await world.warmUp(2000);
    await world.measure(60_000);
    for (const weight of weights) {
      expect(world.of(`${weight}`).lent / world.busyTime).toBeCloseTo(weight / 7.5, 2);
    }
  });

  test('are shared by a family as by one tenant, and within it by its members', async () => {
    const world = new TenantsUnderLoad(10, [{ ...flood, name: 'single' }, heavy], seed);
    const { pool } = world.world;
    const parent = world.of('heavy').tenant;
    const children = [1, 2, 3].map((number) => pool.addTenant(`child ${number}`, {}, parent));
    const lent = children.map(() => 0);
    const { clock } = world.world;
    const hold = async (index: number): Promise<void> => {
      const tenant = children[index] as (typeof children)[number];
      const lease = await pool.acquire({ tenant });
      const began = clock.now();
      clock.timer(50 * (index + 1), true, () => {
        lent[index] = (lent[index] ?? 0) + clock.now() - began;
        lease.release();
        void hold(index);
      });
    };
    await world.warmUp(2000);
    for (const index of children.keys()) for (let caller = 0; caller < 20; caller++) void hold(index);
    await clock.advance(2000);
    lent.fill(0);
    world.of('heavy').lent = 0;
    world.of('single').lent = 0;
    await world.measure(60_000);
    const family = [...lent, world.of('heavy').lent];
    expect(jain(family)).toBeGreaterThanOrEqual(0.99);
    const all = family.reduce((sum, time) => sum + time, 0);
    expect(all / (all + world.of('single').lent)).toBeCloseTo(0.5, 1);
  });
});

describe('a cap and a reserve', () => {
  test('hold at every instant', async () => {
    const loads: Load[] = [
      { ...flood, maxConnections: 3 },
      { ...heavy, rate: 200 },
      { ...light, name: 'reserved', rate: 15, holds: 100, reserve: 2 },
      { ...light, name: 'other', rate: 30, reserve: 1, maxConnections: 2 },
    ];
    const world = new TenantsUnderLoad(8, loads, seed);
    await world.warmUp(1000);
    await world.measure(30_000);
    expect(world.violations).toEqual([]);
    // What one tenant may not use, the others do.
    expect(world.busyTime / 240_000).toBeCloseTo(1, 3);
    expect(world.of('flood').lent).toBeLessThanOrEqual(3 * 30_000);
    // A heavy lease ends every 400 ms / 8 at the latest, and the next connection is for the reserved.
    expect(quantile(world.of('reserved').waits, 0.5)).toBeLessThan(100);
  });

  test('a raised cap serves those who wait at once', async () => {
    const world = new TenantsUnderLoad(4, [{ ...flood, maxConnections: 1, rate: 500, holds: 100_000 }], seed);
    await world.warmUp(1000);
    const { pool, clock } = world.world;
    const { tenant } = world.of('flood');
    expect([tenant.inUse, pool.statistics().leased]).toEqual([1, 1]);
    pool.changeTenant(tenant, { maxConnections: 3 });
    await clock.advance(10);
    expect(tenant.inUse).toBe(3);
  });
});

test('nobody starves, whatever the weights', async () => {
  const load = fc.record({
    weight: fc.constantFrom(0.001, 0.1, 1, 7, 1000),
    rate: fc.constantFrom(0.5, 20, 300),
    holds: fc.constantFrom(1, 20, 150),
    own: fc.boolean(),
  });
  const property = fc.asyncProperty(
    fc.array(load, { minLength: 2, maxLength: 12 }),
    fc.constantFrom(1, 3, 10),
    fc.nat(),
    async (loads, slots, random) => {
      const named = loads.map(({ own, ...rest }, index) => ({
        ...rest,
        name: `${index}`,
        ...(own ? { identity: `${index}` } : {}),
      }));
      const world = new TenantsUnderLoad(slots, named, random);
      await world.warmUp(0);
      await world.measure(4000);
      const weights = loads.reduce((sum, { weight }) => sum + weight, 0);
      const longest = Math.max(...loads.map(({ holds }) => holds));
      // A tenant waits until the others had their parts of what its last leases cost, which it may have had on every
      // connection at once, and for what is under way.
      for (const { name, weight } of named) {
        const result = world.of(name);
        const bound = (longest + 120) * (weights / weight + loads.length) + 2 * longest + 20;
        const waiting = world.gaps.get(result) ?? 0;
        expect(waiting, `tenant ${name} of weight ${weight}`).toBeLessThanOrEqual(bound);
      }
    },
  );
  await fc.assert(property, { numRuns: 40, seed });
});
