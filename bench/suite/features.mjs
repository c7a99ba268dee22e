import { createPool } from '../../dist/index.js';
import { Histogram } from '../../src/pool/histogram.js';
import { systemClock } from '../../src/time/clock.js';
import { compare, computing } from '../harness/paired.mjs';
import { filledOwnPool } from '../support/own-pool.mjs';

export const question = 'what does each feature cost at every acquire and release?';

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  yield* ofThePool(rounds);
  yield* ofTheManager(rounds);
  yield await compare('parts of it, alone', parts(), { rounds });
}

/** @param {number} rounds */
async function* ofThePool(rounds) {
  const { signal } = new AbortController();
  const preciseClock = { ...systemClock, now: () => performance.now() };
  const heard = await filledOwnPool(20);
  for (const event of /** @type {const} */ (['acquireStarted', 'acquired', 'released'])) {
    heard.events.subscribe(event, () => {});
  }
  const defaults = await filledOwnPool(20);
  /** @type {[string, import('../../src/pool/pool.js').Pool<{ id: number }>, object?][]} */
  const variants = [
    ['default options', defaults],
    ['a precise clock, read each time', await filledOwnPool(20, {}, preciseClock)],
    ['without maxLifetime', await filledOwnPool(20, { maxLifetime: 0 })],
    ['without recycleAfterUses', await filledOwnPool(20, { recycleAfterUses: 0 })],
    ['without validateOnCheckout', await filledOwnPool(20, { validateOnCheckout: false })],
    ['validationInterval: 0, a probe each time', await filledOwnPool(20, { validationInterval: 0 })],
    ['with a signal', defaults, { signal }],
    ['with a timeout of its own', defaults, { timeout: 1_000 }],
    ['three listeners', heard],
  ];
  yield await compare(
    'the pool alone, 1 caller',
    variants.map(([name, pool, options]) =>
      computing(name, async (times) => {
        for (let count = 0; count < times; count++) (await pool.acquire(options)).release();
      }),
    ),
    { rounds },
  );
  for (const [, pool] of variants) await pool.shutdown(0);
}

/** @param {number} rounds */
async function* ofTheManager(rounds) {
  const place = { namespace: 'bench', database: 'bench' };
  const { signal } = new AbortController();
  const defaults = await createPool('mem://', place);
  const leaks = await createPool('mem://', { ...place, leakDetectionThreshold: '1m' });
  const nested = await createPool('mem://', { ...place, nestedAcquire: 'warn' });
  /** @type {[string, import('../../dist/index.js').ConnectionManager, import('../../dist/index.js').AcquireOptions?][]} */
  const variants = [
    ['default options', defaults],
    ['with a signal', defaults, { signal }],
    ['with a queryTimeout', defaults, { queryTimeout: 1_000 }],
    ['with variables', defaults, { variables: { tenant: 'acme' } }],
    ['leakDetectionThreshold', leaks],
    ["nestedAcquire: 'warn'", nested],
  ];
  yield await compare(
    'acquire() of a pool, 1 caller',
    variants.map(([name, pool, options]) =>
      computing(name, async (times) => {
        for (let count = 0; count < times; count++) (await pool.acquire(options)).release();
      }),
    ),
    { rounds },
  );
  for (const pool of [defaults, leaks, nested]) await pool.shutdown({ gracePeriod: 0 });
}

function parts() {
  const histogram = new Histogram();
  let seen = 0;
  return [
    computing('two durations into a histogram', (times) => {
      for (let count = 0; count < times; count++) {
        histogram.record(0);
        histogram.record(count & 1023);
      }
    }),
    computing('two readings of the coarse clock', (times) => {
      for (let count = 0; count < times; count++) seen += systemClock.now() - systemClock.now();
    }),
    computing('two readings of the precise clock', (times) => {
      for (let count = 0; count < times; count++) seen += performance.now() - performance.now();
    }),
    computing('await of a promise that is there', async (times) => {
      for (let count = 0; count < times; count++) await Promise.resolve(seen);
    }),
  ];
}
