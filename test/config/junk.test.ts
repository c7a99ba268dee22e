import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveConfig, resolveOptions } from '../../src/config/resolve.js';
import { optionPaths } from '../../src/config/schema.js';
import { configFromEnvironment, environmentVariables } from '../../src/config/sources.js';
import { ConfigurationError } from '../../src/errors/configuration.js';
import { junk } from '../support/junk.js';

/** Values that are right somewhere, so that what holds between options is reached too. */
const plausible = fc.constantFrom<unknown>(
  0,
  1,
  5,
  30,
  1.5,
  null,
  true,
  '5m',
  '1',
  'ws://db',
  'mem://',
  'rocksdb://x',
  'local',
  'remote',
  'db.internal',
  ['ws://a', 'ws://b'],
);

const names = [...new Set(optionPaths.flatMap((path) => path.split('.')))];

/** Objects with our own names in them, in the right place or not. */
const { almost } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3, depthSize: 'small' }, plausible, junk, tie('almost')),
  almost: fc.dictionary(
    fc.oneof({ arbitrary: fc.constantFrom(...names), weight: 9 }, { arbitrary: fc.string(), weight: 1 }),
    tie('value'),
  ),
}));

const config = fc.oneof(
  junk,
  almost,
  fc.record({
    connectionMode: fc.constant({ type: 'in-memory' }),
    namespace: fc.constant('shop'),
    database: fc.constant('orders'),
    poolConfig: almost,
  }),
);

function returnsOrRefuses(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    const { issues } = error as ConfigurationError;
    expect(issues.length).toBeGreaterThan(0);
    for (const { path, given, allowed } of issues) {
      expect(typeof path).toBe('string');
      expect(given).not.toBe('');
      expect(allowed).not.toBe('');
    }
  }
}

test('an object that cannot be read is refused like any other', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const place = { namespace: 'n', database: 'd' };
  returnsOrRefuses(() => resolveConfig(proxy));
  returnsOrRefuses(() => resolveOptions(proxy, proxy));
  returnsOrRefuses(() => resolveOptions(proxy, place));
  returnsOrRefuses(() => resolveOptions([proxy, 'ws://a'], place));
  returnsOrRefuses(() => resolveOptions('mem://', { ...place, credentials: proxy, logger: proxy, retryPolicy: proxy }));
});

describe('whatever is given, it is taken or refused with a ConfigurationError', () => {
  test('as a configuration', () => {
    fc.assert(
      fc.property(config, (given) => returnsOrRefuses(() => resolveConfig(given))),
      { numRuns: 1000 },
    );
  });

  test('as an address and options', () => {
    fc.assert(
      fc.property(
        fc.oneof(junk, fc.string(), fc.webUrl(), plausible, almost, fc.array(fc.oneof(plausible, junk, almost))),
        config,
        (url, options) => returnsOrRefuses(() => resolveOptions(url, options)),
      ),
      { numRuns: 1000 },
    );
  });

  test('as an environment', () => {
    const name = fc.oneof(
      fc.constantFrom(...environmentVariables.keys()),
      fc.string().map((end) => `SURREAL_POOL_${end}`),
      fc.string(),
    );
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('0', '20', '-1', '5m', 'true', 'null', 'mem://', 'ws://db', 'ws://a,ws://b'),
    );
    fc.assert(
      fc.property(fc.dictionary(name, text), (environment) =>
        returnsOrRefuses(() => configFromEnvironment(environment)),
      ),
      { numRuns: 1000 },
    );
  });
});

test('a configuration that was taken is complete and in order', () => {
  const count = fc.option(fc.nat({ max: 40 }), { nil: undefined });
  const span = fc.oneof(fc.nat({ max: 10_000 }), fc.constantFrom('5m', '1s', null, undefined));
  const poolConfig = fc.record({
    minConnections: count,
    maxConnections: count,
    maxWaiters: fc.oneof(count, fc.constant(null)),
    idleTimeout: span,
    retryPolicy: fc.record({ initialBackoff: span, maxBackoff: span }),
  });
  let taken = 0;
  fc.assert(
    fc.property(poolConfig, (options) => {
      returnsOrRefuses(() => {
        const { pool } = resolveOptions('mem://', { namespace: 'n', database: 'd', ...options });
        taken += 1;
        expect(pool.minConnections).toBeLessThanOrEqual(pool.maxConnections);
        expect(pool.retryPolicy.initialBackoff).toBeLessThanOrEqual(pool.retryPolicy.maxBackoff);
        const groups = { retryPolicy: 0, circuitBreaker: 0, loadShedding: 0, balancing: 0, discovery: 0 };
        const values = Object.values({
          ...pool,
          ...pool.retryPolicy,
          ...pool.circuitBreaker,
          ...pool.loadShedding,
          ...pool.discovery,
          ...pool.balancing,
          // Without a zone it is null.
          zone: pool.balancing.zone ?? '',
          ...groups,
        });
        for (const value of values) expect(['number', 'boolean', 'string']).toContain(typeof value);
      });
    }),
    { numRuns: 500 },
  );
  expect(taken).toBeGreaterThan(0);
});
