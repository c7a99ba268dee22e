import { AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { expect, onTestFinished } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { families, poolNameAttribute } from '../../src/metrics/families.js';
import { labelName, prometheusName } from '../../src/metrics/family.js';
import { readPool } from '../../src/metrics/reading.js';
import { instrumentPool } from '../../src/otel/index.js';
import { prometheusText } from '../../src/prometheus/index.js';
import { type Collected, keyOf, metering } from '../support/otel.js';
import { parsePrometheus } from '../support/prometheus-format.js';
import { seededRandom } from '../support/seeded-random.js';
import type { Surroundings } from '../support/surroundings.js';
import { randomLoad } from './random-load.js';

/** Of one server alone it is not measured. */
const unknownLatency = 'surreal_pool.endpoint.latency';

/**
 * Three pools, two of one name, under a random load; then every number of the SDK is that of the pool. Meanwhile no number
 * is negative, and no counter falls: once counted by increments, as others do, both happen.
 */
export async function numbersStayEqual(own: Surroundings, seed: number, duration: number): Promise<void> {
  console.log(`the random load has seed ${seed}`);
  const sdk = metering();
  const deltas = metering(AggregationTemporality.DELTA);
  const front = await own.listen();
  const options = { maxConnections: 3, minConnections: 0, maxWaiters: 6, idleTimeout: 20 };
  const pools = [
    await own.connect(front, { ...options, name: 'orders' }),
    await own.connect(front, { ...options, name: 'orders', maxConnections: 2 }),
    await own.pool('mem://', { ...options, name: 'other' }),
  ] as const;
  const names = ['orders', 'orders (2)', 'other'] as const;
  await pools[2].query('DEFINE TABLE thing');
  const before = pools.map((pool) => readPool(pool, { tenants: 0 }));
  for (const pool of pools) {
    const instrumentation = instrumentPool(pool, { meterProvider: sdk.provider, tenants: 2 });
    onTestFinished(() => instrumentation.disable());
  }
  // A second SDK beside the first sees the same pool only once the first has been disabled: this one collects nothing.
  expect((await deltas.collect()).names).toEqual([]);

  let over = false;
  let seen: Collected | undefined;
  const watching = (async () => {
    while (!over) {
      const now = await sdk.collect();
      for (const name of names) expectSound(now, seen, name);
      seen = now;
      await new Promise((turn) => setTimeout(turn, 25));
    }
  })();
  const { done, failed } = await randomLoad(pools, seededRandom(seed), duration);
  over = true;
  await watching;
  expect(done).toBeGreaterThan(0);
  expect(failed).toBeGreaterThan(0);

  const collected = await sdk.collect();
  const all = families.map(({ name }) => name);
  expect(collected.names.toSorted()).toEqual(all.filter((name) => name !== unknownLatency).toSorted());
  for (const [index, pool] of pools.entries()) {
    const name = names[index] ?? '';
    expectStatistics(collected, name, pool);
    const reading = readPool(pool, { tenants: 2 });
    const first = before[index];
    for (const family of families) {
      if (family.kind === 'histogram') {
        for (const { attributes, durations } of family.read(reading)) {
          const key = keyOf(attributes);
          const earlier = first && family.read(first).find((sample) => keyOf(sample.attributes) === key)?.durations;
          const told = collected.histogram(family.name, name, { ...attributes });
          expect(told?.count ?? 0, `${family.name} ${key}`).toBe(durations.count - (earlier?.count ?? 0));
          expect(told?.sum ?? 0).toBeCloseTo(durations.sum - (earlier?.sum ?? 0), 6);
        }
        continue;
      }
      // Times go on.
      const exact = family.unit !== 's' || family.kind === 'counter';
      const samples = family.read(reading);
      const told = collected.of(family.name, name);
      const here = new Set(samples.map(({ attributes }) => keyOf(attributes)));
      // Those of agents that are no longer shown by name: the SDK keeps them.
      const gone = [...told].filter(([key]) => !here.has(key));
      if (!family.ofTenants) expect(gone, family.name).toEqual([]);
      if (family.kind !== 'counter') expect(gone.filter(([, value]) => value !== 0)).toEqual([]);
      for (const { attributes, value } of samples) {
        const key = keyOf(attributes);
        expect(told.has(key), `${family.name} ${key}`).toBe(true);
        // Sums of times differ by rounding from reading to reading.
        if (family.unit === 's' && exact) expect(told.get(key), `${family.name} ${key}`).toBeCloseTo(value, 9);
        else if (exact) expect(told.get(key), `${family.name} ${key}`).toBe(value);
      }
    }
  }
  expectSameInPrometheus(pools, names);
}

/** What a scrape says is what the pools say: each number but times that go on. */
function expectSameInPrometheus(pools: readonly ConnectionManager[], names: readonly string[]): void {
  const scraped = new Map<string, number>();
  const keyInText = (name: string, labels: Readonly<Record<string, string>>) => `${name} ${keyOf(labels)}`;
  for (const { samples } of parsePrometheus(prometheusText(pools, { tenants: 2 }))) {
    for (const { name, labels, value } of samples) scraped.set(keyInText(name, labels), value);
  }
  for (const [index, pool] of pools.entries()) {
    const reading = readPool(pool, { tenants: 2 });
    for (const family of families) {
      const name = prometheusName(family);
      const of = (attributes: Readonly<Record<string, string>>) => {
        const all = Object.entries({ ...attributes, [poolNameAttribute]: names[index] ?? '' });
        return Object.fromEntries(all.map(([attribute, value]) => [labelName(attribute), value]));
      };
      if (family.kind === 'histogram') {
        for (const { attributes, durations } of family.read(reading)) {
          expect(scraped.get(keyInText(`${name}_count`, of(attributes))), name).toBe(durations.count);
          expect(scraped.get(keyInText(`${name}_sum`, of(attributes))), name).toBe(durations.sum);
        }
      } else if (family.unit !== 's' || family.kind === 'counter') {
        for (const { attributes, value } of family.read(reading)) {
          const told = scraped.get(keyInText(name, of(attributes)));
          if (family.unit === 's') expect(told, name).toBeCloseTo(value, 9);
          else expect(told, name).toBe(value);
        }
      }
    }
    const acquires = { surreal_pool_outcome: 'served', [labelName(poolNameAttribute)]: names[index] ?? '' };
    const { served } = pool.poolStats();
    expect(scraped.get(keyInText('surreal_pool_acquires_total', acquires))).toBe(served);
  }
}

/** What the statistics say, named once more here. */
function expectStatistics(collected: Collected, name: string, pool: ConnectionManager): void {
  const stats = pool.poolStats();
  const state = (word: string) =>
    collected.value('db.client.connection.count', name, { 'db.client.connection.state': word });
  expect(state('idle')).toBe(stats.idle);
  expect(state('used')).toBe(stats.leased);
  expect(collected.value('db.client.connection.limit', name)).toBe(stats.maxConnections);
  expect(collected.value('db.client.connection.pending_requests', name)).toBe(stats.waiting);
  expect(collected.value('db.client.connection.timeouts', name)).toBe(stats.timedOut);
  const outcome = (word: string) => collected.value('surreal_pool.acquires', name, { 'surreal_pool.outcome': word });
  expect(outcome('served')).toBe(stats.served);
  expect(outcome('timed-out')).toBe(stats.timedOut);
  expect(outcome('aborted')).toBe(stats.aborted);
  expect(outcome('failed')).toBe(stats.failed);
  expect(outcome('queue-full')).toBe(stats.refusedQueueFull);
  expect(collected.value('surreal_pool.connection.opened', name)).toBe(stats.opened);
  const closed = collected.of('surreal_pool.connection.closed', name);
  expect([...closed.values()].reduce<number>((all, one) => all + Number(one), 0)).toBe(stats.closed);
  expect(collected.value('surreal_pool.messages', name)).toBe(stats.messages.sent);
  const queries = collected.of('db.client.operation.duration', name);
  let count = 0;
  for (const histogram of queries.values()) if (typeof histogram === 'object') count += histogram.count;
  expect(count).toBeLessThanOrEqual(stats.queries);
  expect(count).toBeGreaterThan(0);
}

/** No number is below 0, and none of a counter below what it was. */
function expectSound(now: Collected, before: Collected | undefined, pool: string): void {
  for (const { name, kind, ofTenants } of families) {
    if (kind === 'histogram') continue;
    for (const [key, value] of now.of(name, pool)) {
      expect(Number(value), `${name} ${key}`).toBeGreaterThanOrEqual(0);
      const earlier = before?.of(name, pool).get(key);
      // The series of an agent ends when another takes its place, and begins anew.
      if (kind === 'counter' && !ofTenants && earlier !== undefined) {
        expect(Number(value), `${name} ${key}`).toBeGreaterThanOrEqual(Number(earlier));
      }
    }
  }
}
