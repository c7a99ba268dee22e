import { describe, expect, test } from 'vitest';
import { families, poolNameAttribute } from '../../src/metrics/families.js';
import { type Family, labelName, prometheusName } from '../../src/metrics/family.js';
import { PoolNames } from '../../src/metrics/pool-names.js';
import { readPool } from '../../src/metrics/reading.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const numberOf = (samples: ReturnType<Family['read']>, word?: string) => {
  const found = samples.find(({ attributes }) => word === undefined || Object.values(attributes).includes(word));
  if (found === undefined || !('value' in found)) throw new Error(`there is no sample ${word}`);
  return found.value;
};

describe('the families of metrics', () => {
  test('have names of their own in OpenTelemetry and in Prometheus', () => {
    for (const names of [families.map(({ name }) => name), families.map(prometheusName)]) {
      expect(new Set(names).size).toBe(families.length);
    }
    for (const { name, help, attributes } of families) {
      expect(name).toMatch(/^(?:db\.client|surreal_pool)\.[a-z_]+(?:\.[a-z_]+)*$/);
      expect(help).toMatch(/^[A-Z1].*[.;]?$/);
      for (const attribute of attributes) expect(attribute).toMatch(/^(?:db|error|surreal_pool)\./);
    }
    // Prometheus reads these endings as parts of a histogram.
    for (const family of families)
      expect(prometheusName(family)).not.toMatch(/_(?:bucket|count|sum)$(?<!connection_count)/);
    expect(labelName(poolNameAttribute)).toBe('db_client_connection_pool_name');
  });

  test('say what the statistics say, and have every attribute that they name and no other', async () => {
    const pool = await own.pool('mem://', { minConnections: 2, maxConnections: 5 });
    await pool.warm();
    pool.createSession({ agentId: 'a' });
    await pool.query('RETURN 1');
    await expect(pool.query('THROW 1')).rejects.toThrow();
    const lease = await pool.acquire();
    const reading = readPool(pool, { tenants: 1 });
    const stats = pool.poolStats();
    const samplesOf = (name: string) => families.find((family) => family.name === name)?.read(reading) ?? [];
    for (const { name, attributes, read } of families) {
      const samples = read(reading);
      const optional = name === 'db.client.operation.duration' ? ['error.type'] : [];
      for (const sample of samples) {
        const given = Object.keys(sample.attributes);
        expect([...given, ...optional].sort(), name).toEqual(expect.arrayContaining([...attributes].sort()));
        expect(attributes, name).toEqual(expect.arrayContaining(given));
      }
      // The latency of an only server is not measured.
      if (name !== 'surreal_pool.endpoint.latency') expect(samples.length, name).toBeGreaterThan(0);
    }
    expect(numberOf(samplesOf('db.client.connection.count'), 'used')).toBe(1);
    expect(numberOf(samplesOf('db.client.connection.count'), 'idle')).toBe(stats.idle);
    expect(numberOf(samplesOf('db.client.connection.limit'))).toBe(5);
    expect(numberOf(samplesOf('surreal_pool.acquires'), 'served')).toBe(stats.served);
    expect(numberOf(samplesOf('surreal_pool.state'), 'running')).toBe(1);
    expect(numberOf(samplesOf('surreal_pool.state'), 'closed')).toBe(0);
    expect(samplesOf('db.client.operation.duration')).toMatchObject([
      { attributes: { 'db.operation.name': 'RETURN' }, durations: { count: 1 } },
      { attributes: { 'db.operation.name': 'OTHER', 'error.type': expect.any(String) }, durations: { count: 1 } },
    ]);
    lease.release();
  });

  test('refuse what is no pool', () => {
    for (const given of [undefined, {}, 'pool']) {
      expect(() => readPool(given as never, { tenants: 0 })).toThrow(/expected a pool made by createPool/);
    }
  });
});

test('pools of one name have names of their own in metrics, the same each time', async () => {
  const [one, two, other] = [
    await own.pool('mem://'),
    await own.pool('mem://'),
    await own.pool('mem://', { name: 'b' }),
  ];
  const names = new PoolNames();
  expect([one, two, other, one].map((pool) => names.of(pool))).toEqual([
    'test/test',
    'test/test (2)',
    'b',
    'test/test',
  ]);
  names.forget(one);
  expect([two, one].map((pool) => names.of(pool))).toEqual(['test/test (2)', 'test/test']);
});
