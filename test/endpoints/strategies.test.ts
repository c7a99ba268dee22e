import { describe, expect, test } from 'vitest';
import type { LoadBalancing } from '../../src/config/endpoint-options.js';
import { makeStrategy } from '../../src/endpoints/strategy.js';
import { BalancedPool, SimulatedEndpoint, simulate } from '../support/balanced-pool.js';
import { seededRandom } from '../support/seeded-random.js';

const names: readonly LoadBalancing[] = ['round-robin', 'least-connections', 'random', 'health-based', 'latency'];
const seed = 15;

/** One endpoint for each share, with connections in proportion, as a pool opens them. */
function endpointsOf(shares: readonly number[], values: Partial<SimulatedEndpoint> = {}): SimulatedEndpoint[] {
  return shares.map((share) => new SimulatedEndpoint(10 * share, { share, ...values }));
}

/** By how much the worst one misses its part of the choices. */
function worstMiss(endpoints: readonly SimulatedEndpoint[]): number {
  const chosen = endpoints.reduce((sum, one) => sum + one.chosen, 0);
  const shares = endpoints.reduce((sum, { share }) => sum + share, 0);
  return Math.max(...endpoints.map((one) => Math.abs(one.chosen / chosen / (one.share / shares) - 1)));
}

const layouts: readonly (readonly [string, readonly number[]])[] = [
  ['3 equal ones', [1, 1, 1]],
  ['3 of shares 1 to 3', [1, 2, 3]],
  ['16 of shares 1 to 3', Array.from({ length: 16 }, (_, index) => 1 + (index % 3))],
  ['16 of which the last 8 have the double', Array.from({ length: 16 }, (_, index) => (index < 8 ? 1 : 2))],
  ['30 equal ones', Array.from({ length: 30 }, () => 1)],
  ['30 of shares 1 to 3', Array.from({ length: 30 }, (_, index) => 1 + (index % 3))],
  ['30 of which one has the threefold', Array.from({ length: 30 }, (_, index) => (index === 0 ? 3 : 1))],
];

describe.each(names)(`%s (seed ${seed})`, (name) => {
  // A single pick of 1 in 30 has a spread of its own: random choices need more of them to come within 5 %.
  const calls = (count: number) => (name === 'random' ? 10_000 * count : 10_000);

  test.each(layouts)('gives each its part to a single caller: %s', (_, shares) => {
    const endpoints = endpointsOf(shares);
    const strategy = makeStrategy(name, seededRandom(seed));
    simulate(new BalancedPool(strategy, endpoints), { callers: 1, calls: calls(shares.length) });
    expect(worstMiss(endpoints)).toBeLessThan(0.05);
  });

  test.each(layouts)('gives each its part to many callers, with endpoints that come and go: %s', (_, shares) => {
    const random = seededRandom(seed);
    const endpoints = endpointsOf(shares, { duration: () => 0.5 + random() });
    const sum = shares.reduce((all, share) => all + share);
    const pool = new BalancedPool(makeStrategy(name, random), endpoints);
    // As many as can be in use in proportion; with random choices some endpoints have all in use now and then.
    simulate(pool, { callers: 4 * sum, calls: Math.max(20_000, calls(shares.length)) });
    // So many connections in use are divided by whole ones.
    expect(worstMiss(endpoints)).toBeLessThan(name === 'least-connections' ? 0.08 : 0.05);
  });

  test.each([3, 8, 30, 100])('takes one that is not well only when there is no well one among %i', (count) => {
    const random = seededRandom(seed);
    const endpoints = endpointsOf(Array.from({ length: count }, () => 1));
    for (const one of endpoints) one.isWell = random() < 0.5;
    const [first] = endpoints;
    if (first !== undefined) first.isWell = true;
    const pool = new BalancedPool(makeStrategy(name, random), endpoints);
    simulate(pool, { callers: 1, calls: 5000 });
    expect(endpoints.filter(({ isWell, chosen }) => !isWell && chosen > 0)).toEqual([]);
    for (const one of endpoints) one.isWell = false;
    simulate(pool, { callers: 1, calls: 100 * count, from: 100_000 });
    expect(endpoints.filter(({ chosen }) => chosen === 0)).toEqual([]);
  });

  test('takes one without a share only when no other is there', () => {
    const endpoints = endpointsOf([1, 1, 1]);
    const [none] = endpoints;
    if (none !== undefined) none.share = 0;
    const pool = new BalancedPool(makeStrategy(name, seededRandom(seed)), endpoints);
    simulate(pool, { callers: 1, calls: 1000 });
    expect(none?.chosen).toBe(0);
    for (const other of endpoints.slice(1)) pool.remove(other);
    simulate(pool, { callers: 1, calls: 10, from: 10_000 });
    expect(none?.chosen).toBe(10);
    expect(Number.isFinite(none?.turn)).toBe(true);
  });

  test('chooses the only one, and refuses to choose among none', () => {
    const strategy = makeStrategy(name, seededRandom(seed));
    const [only] = endpointsOf([0.001]);
    if (only === undefined) throw new Error('there is one');
    expect(strategy.choose([only], 0)).toBe(only);
    expect(strategy.choose([only], 1)).toBe(only);
    expect(() => strategy.choose([], 2)).toThrow(RangeError);
  });

  test('does not give one that comes back all that it missed', () => {
    const random = seededRandom(seed);
    const endpoints = endpointsOf([1, 1, 1]);
    const [away, ...others] = endpoints;
    const strategy = makeStrategy(name, random);
    if (away === undefined) throw new Error('there is one');
    simulate(new BalancedPool(strategy, others), { callers: 1, calls: 10_000 });
    for (const one of others) one.place = -1;
    const choices = Array.from({ length: 30 }, (_, index) => {
      const chosen = strategy.choose(endpoints, 10_000 + index);
      chosen.latency.observe(1, 10_000 + index);
      return chosen;
    });
    const back = choices.filter((chosen) => chosen === away).length;
    expect(back).toBeGreaterThan(0);
    expect(back).toBeLessThan(20);
  });
});

describe('by turns', () => {
  test('the same number of turns comes first to each of equal ones', () => {
    const endpoints = endpointsOf([1, 1, 1]);
    const strategy = makeStrategy('round-robin', seededRandom(seed));
    for (let round = 1; round <= 5; round++) {
      for (const _ of endpoints) strategy.choose(endpoints, round).chosen += 1;
      expect(Math.max(...endpoints.map(({ chosen }) => chosen)) - round).toBeLessThanOrEqual(1);
    }
  });

  test('a share that grows counts at once, though the last turn was given for a small one', () => {
    const endpoints = endpointsOf([0.001, 1, 1]);
    const [grown] = endpoints;
    const strategy = makeStrategy('round-robin', seededRandom(seed));
    for (let call = 0; call < 5000; call++) strategy.choose(endpoints, call);
    if (grown !== undefined) grown.share = 1;
    for (let call = 0; call < 30; call++) strategy.choose(endpoints, call).chosen += 1;
    expect(grown?.chosen).toBeGreaterThanOrEqual(9);
  });

  test('no candidate is passed over for ever, whatever the number of them', () => {
    for (const count of [9, 10, 16, 24, 31, 32, 40, 56, 64]) {
      for (const heavy of [1, 8]) {
        const endpoints = endpointsOf(Array.from({ length: count }, (_, index) => (index === 0 ? heavy : 1)));
        for (const name of names) {
          const strategy = makeStrategy(name, seededRandom(seed));
          for (const one of endpoints) Object.assign(one, { turn: 0, chosen: 0 });
          for (let call = 0; call < 100 * count; call++) strategy.choose(endpoints, 0).chosen += 1;
          expect(Math.min(...endpoints.map(({ chosen }) => chosen))).toBeGreaterThan(20);
        }
      }
    }
  });
});

describe('least-connections', () => {
  test('leaves the endpoint whose calls take longer with fewer of them', () => {
    const random = seededRandom(seed);
    const endpoints = endpointsOf([1, 1, 1], { duration: () => 0.5 + random() });
    const [slow] = endpoints;
    if (slow !== undefined) slow.duration = () => 4 * (0.5 + random());
    simulate(new BalancedPool(makeStrategy('least-connections', random), endpoints), { callers: 15, calls: 10_000 });
    expect((slow?.chosen ?? 0) / (endpoints[1]?.chosen ?? 0)).toBeLessThan(0.35);
  });
});

describe('health-based', () => {
  test('gives an endpoint at which half of all fails half of its part, and goes on trying one at which all fails', () => {
    const random = seededRandom(seed);
    const endpoints = endpointsOf([1, 1, 1]);
    const [half, none, well] = endpoints;
    if (half === undefined || none === undefined || well === undefined) throw new Error('there are three');
    half.fails = () => random() < 0.5;
    none.fails = () => true;
    simulate(new BalancedPool(makeStrategy('health-based', random), endpoints), { callers: 1, calls: 100_000 });
    expect(half.chosen / well.chosen).toBeGreaterThan(0.45);
    expect(half.chosen / well.chosen).toBeLessThan(0.55);
    expect(none.chosen / well.chosen).toBeGreaterThan(0.03);
    expect(none.chosen / well.chosen).toBeLessThan(0.07);
  });
});

describe('latency', () => {
  const loads = [1, 2, 3, 4, 5, 8, 10, 15, 20, 30, 50];

  test.each([2, 3, 5, 30])('gives one of %i that is twice as slow half the calls of a fast one', (count) => {
    for (const connections of [1, 5, 10]) {
      for (const callers of loads) {
        for (const spread of [0, 1]) {
          const random = seededRandom(seed);
          const lasting = (duration: number) => () => duration * (1 + spread * (random() - 0.5));
          const endpoints = endpointsOf(
            Array.from({ length: count }, () => 1),
            { idle: connections, duration: lasting(1) },
          );
          const [slow, ...fast] = endpoints;
          if (slow === undefined) throw new Error('there is one');
          slow.duration = lasting(2);
          const pool = new BalancedPool(makeStrategy('latency', random), endpoints);
          simulate(pool, { callers, calls: 10_000 });
          const part = (slow.chosen * fast.length) / fast.reduce((sum, { chosen }) => sum + chosen, 0);
          const scene = { connections, callers, spread };
          expect({ ...scene, isHalf: part > 0.45 && part < 0.55, part }).toMatchObject({ ...scene, isHalf: true });
        }
      }
    }
  });

  test.each([1, 10])('does not send calls to the endpoint that fails fastest, with %i callers', (callers) => {
    const endpoints = endpointsOf([1, 1, 1], { duration: () => 5 });
    const [failing] = endpoints;
    Object.assign(failing ?? {}, { duration: () => 0.1, fails: () => true });
    const pool = new BalancedPool(makeStrategy('latency', seededRandom(seed)), endpoints);
    simulate(pool, { callers, calls: 10_000, timeout: 10_000 });
    expect(failing?.chosen).toBeGreaterThan(0);
    expect(failing?.chosen).toBeLessThan(20);
  });

  test('lets one caller try an endpoint without history, and the others wait for what it sees', () => {
    const endpoints = endpointsOf([1, 1, 1]);
    const [unknown, ...known] = endpoints;
    for (const one of known) one.latency.observe(1, 0);
    if (unknown !== undefined) unknown.duration = () => 5000;
    const pool = new BalancedPool(makeStrategy('latency', seededRandom(seed)), endpoints);
    const calls = Array.from({ length: 1000 }, (_, call) => {
      const chosen = pool.take(call);
      if (chosen !== undefined && chosen !== unknown) pool.giveBack(chosen);
      return chosen;
    });
    expect(calls.filter((chosen) => chosen === unknown)).toHaveLength(1);
    unknown?.latency.observe(1, 1000);
    if (unknown !== undefined) unknown.duration = () => 1;
    simulate(pool, { callers: 1, calls: 30, from: 1000 });
    expect(unknown?.chosen).toBeGreaterThan(5);
  });

  test('sends one caller, and not all, to an endpoint whose latency is old', () => {
    const endpoints = endpointsOf([1, 1, 1], { duration: () => 1 });
    const [old, ...fresh] = endpoints;
    old?.latency.observe(2000, 0);
    for (const one of fresh) one.latency.observe(1, 0);
    const strategy = makeStrategy('latency', seededRandom(seed));
    for (let now = 0; now < 35_000; now += 10) {
      const chosen = strategy.choose(endpoints, now);
      chosen.chosen += 1;
      if (chosen !== old) chosen.latency.observe(1, now);
    }
    expect(old?.chosen).toBe(1);
  });

  test('gives fewer calls to an endpoint that stops to answer, before its latency shows it', () => {
    const endpoints = endpointsOf([1, 1, 1], { idle: 100 });
    const [frozen] = endpoints;
    const pool = new BalancedPool(makeStrategy('latency', seededRandom(seed)), endpoints);
    simulate(pool, { callers: 3, calls: 1000 });
    for (let call = 0; call < 300; call++) {
      const chosen = pool.take(1000 + call);
      if (chosen !== undefined && chosen !== frozen) pool.giveBack(chosen);
    }
    expect(frozen?.inUse).toBeLessThan(40);
  });
});
