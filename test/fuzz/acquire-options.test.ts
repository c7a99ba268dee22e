import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AcquireOptions, PoolError } from '../../src/index.js';
import { junk } from '../support/junk.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

const right = fc.record({
  signal: fc.constantFrom(undefined, AbortSignal.abort('enough'), new AbortController().signal),
  timeout: fc.constantFrom(undefined, 0, 50, '1s'),
  queryTimeout: fc.constantFrom(undefined, 0, 50, '1s'),
});

const names = ['signal', 'timeout', 'queryTimeout', 'namespace', 'database', 'credentials', 'variables'] as const;

/** Options that are right but for one, or no options at all. */
const options = fc.oneof(
  junk,
  fc.tuple(right, fc.constantFrom(...names), junk).map(([others, name, wrong]) => ({ ...others, [name]: wrong })),
);

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

test('whatever is given as options of acquire(), withConnection(), executeWithRetry() and scope(), they lend or fail with an error of the pool', async () => {
  const pool = await own.pool('mem://', { maxConnections: 2, retryPolicy: { initialBackoff: 0 } });
  let refused = 0;
  const lendsOrRefuses = async (given: unknown): Promise<void> => {
    const asked = given as AcquireOptions;
    for (const ask of [
      async () => (await pool.acquire(asked)).release(),
      () => pool.withConnection(({ id }) => id, asked),
      () => pool.executeWithRetry(({ id }) => id, asked),
      async () => await pool.scope(asked).query('RETURN 1').collect(),
    ]) {
      await ask().catch((error: unknown) => {
        if (!(error instanceof PoolError)) throw error;
        expect(error.message).not.toBe('');
        refused++;
      });
    }
    expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
  };
  await lendsOrRefuses(null);
  await lendsOrRefuses(revoked);
  await fc.assert(fc.asyncProperty(options, lendsOrRefuses), { numRuns: 500 });
  expect(refused).toBeGreaterThan(0);
  expect(await pool.query('RETURN 1')).toEqual([1]);
});
