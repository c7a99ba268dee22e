import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { ConfigurationError, type ConnectionManager, UsageError } from '../../src/index.js';
import { type PromClientRegistry, prometheusText, registerWith } from '../../src/prometheus/index.js';
import { parsePrometheus } from '../support/prometheus-format.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** Pools at rest, whose numbers stay as they are. */
async function pools(): Promise<ConnectionManager[]> {
  const made = [
    await own.pool('mem://', { name: 'app "1"\n', maxConnections: 2 }),
    await own.pool('mem://', { name: 'same' }),
    await own.pool('mem://', { name: 'same' }),
  ];
  for (const pool of made) {
    await Promise.all([pool.query('RETURN 1'), pool.query('CREATE thing')]);
    await pool.query('THROW "x"').then(undefined, () => undefined);
    for (const agentId of ['a', 'b', 'c']) await pool.createSession({ agentId, ...place }).query('RETURN 1');
  }
  return made;
}

describe('a registry of prom-client', () => {
  test('shows what the text shows, family by family', async () => {
    const all = await pools();
    const registry = new Registry();
    registerWith(registry, all, { tenants: 2 });
    const text = prometheusText(all, { tenants: 2 });
    expect(parsePrometheus(await registry.metrics())).toEqual(parsePrometheus(text));
  });

  test('shows them in OpenMetrics, with its default labels, beside other metrics', async () => {
    const all = await pools();
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    registry.setDefaultLabels({ service: 'shop' });
    collectDefaultMetrics({ register: registry });
    const unregister = registerWith(registry, all);
    for (let scrape = 0; scrape < 2; scrape++) {
      const text = await registry.metrics();
      expect(text).toContain('# TYPE surreal_pool_acquires counter\n');
      expect(text).toMatch(
        /^surreal_pool_acquires_total\{db_client_connection_pool_name="same",surreal_pool_outcome="served",service="shop"\} [1-9]/m,
      );
      expect(text).toContain('process_cpu_seconds_total');
    }
    unregister();
    expect(await registry.metrics()).not.toMatch(/surreal_pool|db_client/);
  });

  test('reads each pool once for all metrics, at the time of the scrape', async () => {
    const [pool] = await pools();
    if (pool === undefined) throw new Error('there is no pool');
    let asked = 0;
    const registry = new Registry();
    registerWith(registry, () => {
      asked++;
      return pool;
    });
    expect(asked).toBe(0);
    const read = async (): Promise<number | undefined> => {
      const metrics = await registry.getMetricsAsJSON();
      const served = metrics.find(({ name }) => name === 'surreal_pool_acquires_total');
      return (served as unknown as { values: { value: number }[] }).values[0]?.value;
    };
    const before = await read();
    expect([asked, before]).toEqual([1, pool.poolStats().served]);
    await pool.query('RETURN 1');
    expect([await read(), asked]).toEqual([pool.poolStats().served, 2]);
    registry.resetMetrics();
    expect(await read()).toBe(pool.poolStats().served);
  });

  test('is left as it was by a name that it has already', async () => {
    const [pool] = await pools();
    if (pool === undefined) throw new Error('there is no pool');
    const registry = new Registry();
    const taken = new Counter({ name: 'surreal_pool_gaps_total', help: 'x', registers: [registry] });
    expect(() => registerWith(registry, pool)).toThrow(/has surreal_pool_gaps_total already/);
    expect(registry.getMetricsAsArray()).toEqual([taken]);
    registry.clear();
    const unregister = registerWith(registry, pool);
    expect(() => registerWith(registry, pool)).toThrow(UsageError);
    unregister();
    unregister();
    registerWith(registry, pool);
  });

  test('keeps what others registered after it was cleared', async () => {
    const [pool] = await pools();
    if (pool === undefined) throw new Error('there is no pool');
    const registry = new Registry();
    const unregister = registerWith(registry, pool);
    registry.clear();
    const other = new Counter({ name: 'surreal_pool_gaps_total', help: 'x', registers: [registry] });
    unregister();
    expect(registry.getMetricsAsArray()).toEqual([other]);
  });

  test('is merged with others, and summed over the processes of a cluster', async () => {
    const all = await pools();
    const registry = new Registry();
    registerWith(registry, all);
    const merged = Registry.merge([registry, new Registry()]);
    expect(parsePrometheus(await merged.metrics())).toEqual(parsePrometheus(prometheusText(all)));
  });

  test('is refused when it is none, as are other options', async () => {
    const [pool] = await pools();
    if (pool === undefined) throw new Error('there is no pool');
    for (const none of [undefined, {}, 'register', prometheusText]) {
      expect(() => registerWith(none as PromClientRegistry, pool)).toThrow(UsageError);
    }
    expect(() => registerWith(new Registry(), {} as ConnectionManager)).toThrow(UsageError);
    expect(() => registerWith(new Registry(), pool, { tenants: -1 })).toThrow(ConfigurationError);
  });
});
