import { metrics } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, MeterProvider } from '@opentelemetry/sdk-metrics';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigurationError, createPool, UsageError } from '../../src/index.js';
import { ConnectionManager } from '../../src/manager.js';
import { families, poolNameAttribute } from '../../src/metrics/families.js';
import { labelName, prometheusName } from '../../src/metrics/family.js';
import { instrumentPool } from '../../src/otel/index.js';
import { durationBoundaries } from '../../src/pool/duration-buckets.js';
import { eventNames, type PoolEvents } from '../../src/pool/events.js';
import { metering } from '../support/otel.js';
import { place, surroundings } from '../support/surroundings.js';
import { numbersStayEqual } from './equal-numbers.js';

const own = surroundings();

const seed = Number(process.env.OTEL_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`after a random load the numbers of three pools, two of one name, are those of their statistics, seed ${seed}`, async () => {
  await numbersStayEqual(own, seed, 4_000);
});

test('names and attributes of the conventions are spelt as they spell them', async () => {
  const known = new Set<unknown>(Object.values(conventions));
  const named = families.flatMap(({ name, attributes }) => [name, ...attributes]).filter((name) => /^db\./.test(name));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect(poolNameAttribute).toBe(conventions.ATTR_DB_CLIENT_CONNECTION_POOL_NAME);
  expect(durationBoundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
  const states = [
    conventions.DB_CLIENT_CONNECTION_STATE_VALUE_IDLE,
    conventions.DB_CLIENT_CONNECTION_STATE_VALUE_USED,
  ] as const;
  const sdk = metering();
  const pool = await own.pool('mem://', { name: 'a' });
  onTestFinished(instrumentPool(pool, { meterProvider: sdk.provider }).disable);
  const collected = await sdk.collect();
  for (const state of states) {
    expect(
      collected.value(conventions.METRIC_DB_CLIENT_CONNECTION_COUNT, 'a', {
        [conventions.ATTR_DB_CLIENT_CONNECTION_STATE]: state,
      }),
    ).toBe(state === 'idle' ? 1 : 0);
  }
});

test('durations are in seconds, in the buckets of the conventions, and say how a query failed', async () => {
  const sdk = metering();
  const pool = await own.pool('mem://', { name: 'a', maxConnections: 1 });
  onTestFinished(instrumentPool(pool, { meterProvider: sdk.provider }).disable);
  await pool.query('SLEEP 20ms');
  await pool.query('THROW 1').catch(() => {});
  const lease = await pool.acquire();
  await expect(pool.acquire({ timeout: 20 })).rejects.toThrow();
  lease.release();
  await new Promise((turn) => setImmediate(turn));
  const collected = await sdk.collect();
  const operation = (attributes: Record<string, string>) =>
    collected.histogram(conventions.METRIC_DB_CLIENT_OPERATION_DURATION, 'a', {
      [conventions.ATTR_DB_SYSTEM_NAME]: 'surrealdb',
      ...attributes,
    });
  const slept = operation({ [conventions.ATTR_DB_OPERATION_NAME]: 'SLEEP' });
  expect(slept?.count).toBe(1);
  expect(slept?.buckets.boundaries).toEqual(durationBoundaries);
  expect(slept?.sum).toBeGreaterThanOrEqual(0.019);
  expect(
    operation({ [conventions.ATTR_DB_OPERATION_NAME]: 'OTHER', [conventions.ATTR_ERROR_TYPE]: 'ThrownError' })?.count,
  ).toBe(1);
  const waited = collected.histogram(conventions.METRIC_DB_CLIENT_CONNECTION_WAIT_TIME, 'a');
  expect(waited?.count).toBe(4);
  expect(waited?.sum).toBeGreaterThanOrEqual(0.019);
  expect(waited?.sum).toBeLessThan(5);
  expect(collected.histogram(conventions.METRIC_DB_CLIENT_CONNECTION_USE_TIME, 'a')?.count).toBe(3);
});

test.each([AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])(
  'a pool that is made anew has its name again, and no number is negative (temporality %i)',
  async (temporality) => {
    const sdk = metering(temporality);
    const isDelta = temporality === AggregationTemporality.DELTA;
    let idle = 0;
    for (const served of [5, 2]) {
      const pool = await createPool('mem://', { ...place, name: 'again', minConnections: 0 });
      instrumentPool(pool, { meterProvider: sdk.provider });
      for (let call = 0; call < served; call++) await pool.query('RETURN 1');
      const collected = await sdk.collect();
      expect(collected.pools('surreal_pool.acquires')).toEqual(['again']);
      const outcome = { 'surreal_pool.outcome': 'served' };
      expect(collected.value('surreal_pool.acquires', 'again', outcome)).toBe(served);
      // With deltas, their sum is the level.
      const told = collected.value('db.client.connection.count', 'again', { 'db.client.connection.state': 'idle' });
      idle = (isDelta ? idle : 0) + (told ?? 0);
      expect(idle).toBe(1);
      await pool.shutdown();
    }
    await new Promise((turn) => setImmediate(turn));
    // It is collected once more, then it is gone; an SDK that adds up keeps the last value of a series.
    for (const _ of [1, 2]) {
      const collected = await sdk.collect();
      expect(collected.value('surreal_pool.healthy', 'again') ?? 0).toBe(0);
      const told = collected.value('db.client.connection.count', 'again', { 'db.client.connection.state': 'idle' });
      idle = (isDelta ? idle : 0) + (told ?? 0);
      expect(idle).toBe(0);
      const closed = { 'surreal_pool.reason': 'shutdown' };
      if (!isDelta) expect(collected.value('surreal_pool.connection.closed', 'again', closed)).toBe(1);
    }
  },
);

test('agents are shown only when they are wanted', async () => {
  const sdk = metering();
  const pool = await own.pool('mem://', { name: 'a' });
  for (const [tenants, shown] of [
    [0, []],
    [1, ['a']],
  ] as const) {
    const instrumentation = instrumentPool(pool, { meterProvider: sdk.provider, tenants });
    expect((await sdk.collect()).pools('surreal_pool.tenant.operations')).toEqual(shown);
    instrumentation.disable();
  }
});

test('a server that left the pool has no level any more', async () => {
  const sdk = metering();
  const fronts = [await own.listen(), await own.listen()] as const;
  const pool = await own.pool([fronts[0].url, fronts[1].url], {
    ...{ name: 'a', maxConnections: 4, balancing: { storeCheck: 'off', slowStart: 0 } },
  });
  onTestFinished(instrumentPool(pool, { meterProvider: sdk.provider }).disable);
  const state = {
    'surreal_pool.endpoint': fronts[1].url,
    'surreal_pool.endpoint.state': 'well',
  };
  expect((await sdk.collect()).value('surreal_pool.endpoint.state', 'a', state)).toBe(1);
  await pool.removeEndpoint(fronts[1].url, { drain: 0 });
  for (const _ of [1, 2]) expect((await sdk.collect()).value('surreal_pool.endpoint.state', 'a', state)).toBe(0);
});

test('after disable() nothing listens to the pool, and a pool may be instrumented again', async () => {
  const sdk = metering();
  const pool = await own.pool('mem://', { name: 'a' });
  const { events } = ConnectionManager.partsOf(pool).pool;
  const listened = (): string[] => eventNames.filter((name) => events.has(name as keyof PoolEvents));
  const before = listened();
  for (let time = 0; time < 2; time++) {
    const instrumentation = instrumentPool(pool, { meterProvider: sdk.provider });
    expect(listened()).toContain('answered');
    expect((await sdk.collect()).value('db.client.connection.idle.max', 'a')).toBe(pool.poolStats().maxConnections);
    instrumentation.disable();
    instrumentation.disable();
    expect(listened()).toEqual(before);
    if (time === 1) expect((await sdk.collect()).value('db.client.connection.idle.max', 'a')).toBe(0);
    await pool.query('RETURN 1');
    if (time === 1) expect((await sdk.collect()).value('surreal_pool.messages', 'a')).toBe(1);
  }
});

test('two never observe one series in the same collection: a pool that is instrumented again takes over at once', async () => {
  const sdk = metering();
  const pool = await own.pool('mem://', { name: 'a' });
  const meter = sdk.provider.getMeter('surreal-pool');
  const callbacks = new Set<unknown>();
  const counting = new Proxy(meter, {
    get(target, name) {
      if (name === 'addBatchObservableCallback' || name === 'removeBatchObservableCallback') {
        return (...given: Parameters<typeof meter.addBatchObservableCallback>) => {
          if (name === 'addBatchObservableCallback') callbacks.add(given[0]);
          else callbacks.delete(given[0]);
          target[name](...given);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const meterProvider = { getMeter: () => counting };
  instrumentPool(pool, { meterProvider }).disable();
  const again = instrumentPool(pool, { meterProvider });
  expect(callbacks.size).toBe(1);
  expect((await sdk.collect()).value('db.client.connection.limit', 'a')).toBe(pool.poolStats().maxConnections);
  again.disable();
  expect(callbacks.size, 'it is collected once more').toBe(1);
  await sdk.collect();
  expect(callbacks.size).toBe(0);
});

test('without an SDK of metrics nothing is subscribed', async () => {
  metrics.disable();
  const pool = await own.pool('mem://');
  const { events } = ConnectionManager.partsOf(pool).pool;
  const instrumentation = instrumentPool(pool);
  expect(events.has('answered')).toBe(false);
  instrumentation.disable();
});

test('what cannot be used is refused, and nothing is left of it', async () => {
  const sdk = metering();
  const pool = await own.pool('mem://', { name: 'a' });
  const options = { meterProvider: sdk.provider };
  for (const [wrong, said] of [
    [{ ...options, tenant: 5 }, /tenants/],
    [{ ...options, tenants: -1 }, /whole number from 0/],
    [{ ...options, queryText: 'full' }, /'normalised' or 'none'/],
    [{ meterProvider: {} }, /MeterProvider/],
    [{ tracerProvider: sdk.provider }, /TracerProvider/],
    [{ propagate: 'yes' }, /true or false/],
  ] as const) {
    expect(() => instrumentPool(pool, wrong as object)).toThrow(ConfigurationError);
    expect(() => instrumentPool(pool, wrong as object)).toThrow(said);
  }
  expect(() => instrumentPool({} as ConnectionManager)).toThrow(UsageError);
  const broken = {
    getMeter(): never {
      throw new Error('broken');
    },
  } as unknown as MeterProvider;
  expect(() => instrumentPool(pool, { meterProvider: broken })).toThrow('broken');
  const instrumentation = instrumentPool(pool, options);
  expect(() => instrumentPool(pool, options)).toThrow(UsageError);
  expect(() => instrumentPool(pool, options)).toThrow(/instrumented already.*disable\(\)/);
  instrumentation.disable();
});

test("the names of the SDK's Prometheus exporter are ours, without the unit: it does not add _seconds", async () => {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  const pool = await own.pool('mem://', { name: 'a' });
  onTestFinished(instrumentPool(pool, { meterProvider: provider, tenants: 1 }).disable);
  await pool.query('RETURN 1');
  (await pool.acquire()).release();
  await own.pool('mem://');
  await new Promise((turn) => setImmediate(turn));
  const { resourceMetrics } = await reader.collect();
  const text = new PrometheusSerializer().serialize(resourceMetrics);
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  // A connection was opened before the pool was instrumented, and the latency of one server is not measured.
  const missing = new Set(['db.client.connection.create_time', 'surreal_pool.endpoint.latency']);
  for (const family of families) {
    if (missing.has(family.name)) continue;
    const theirs = prometheusName({ ...family, unit: '' });
    expect(types.has(theirs), `${theirs} in\n${[...types.keys()].join('\n')}`).toBe(true);
    expect(types.get(theirs)).toBe(family.kind === 'upDownCounter' ? 'gauge' : family.kind);
    // Both paths have the same name but for the unit.
    const unit = family.unit === 's' ? '_seconds' : '';
    expect(prometheusName(family)).toBe(
      family.kind === 'counter' ? theirs.replace(/_total$/, `${unit}_total`) : `${theirs}${unit}`,
    );
  }
  expect(text).toContain(`${labelName(poolNameAttribute)}="a"`);
});
