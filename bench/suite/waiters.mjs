import { compare, processorTime, shuffle } from '../harness/paired.mjs';
import { ManualClock } from '../support/manual-clock.mjs';
import { filledOwnPool } from '../support/own-pool.mjs';

export const question = 'what does one caller more cost when 100,000 wait already?';

const sizes = [100, 10_000, 100_000];
/** A hundred thousand take their time: fewer rounds tell enough. */
const mostRounds = 15;
/** So many waiters make a sample at least. */
const leastWaiters = 20_000;

const reason = new Error('not needed any more');

/** @typedef {{ pool: Awaited<ReturnType<typeof filledOwnPool>>, clock: ManualClock, lease: any, controllers: AbortController[] }} Queue */

/** @type {{ name: string, measured: (queue: Queue, size: number) => unknown, prepared?: (queue: Queue, size: number) => void }[]} */
const operations = [
  { name: 'join the queue', measured: join },
  {
    name: 'leave it by their signals, in random order',
    prepared: (queue, size) => {
      queue.controllers = Array.from({ length: size }, () => new AbortController());
      for (const { signal } of queue.controllers) queue.pool.acquire({ signal }).catch(() => {});
      shuffle(queue.controllers);
    },
    measured: ({ controllers }) => {
      // With a reason: without one Node makes an exception each time, which is none of the pool's business.
      for (const controller of controllers) controller.abort(reason);
    },
  },
  { name: 'time out, all at once', prepared: join, measured: ({ clock }) => clock.advance(10_001) },
  {
    name: 'be served, one after another',
    prepared: (queue, size) => {
      for (let waiter = 0; waiter < size; waiter++) void queue.pool.acquire().then((lease) => lease.release());
    },
    measured: async ({ pool, lease }) => {
      lease.release();
      while (pool.statistics().waiting > 0) await new Promise(setImmediate);
    },
  },
];

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  for (const { name, prepared = () => {}, measured } of operations) {
    yield await compare(
      `${name}: time for each of so many waiters`,
      sizes.map((size) => ({
        name: size.toLocaleString('en-US'),
        sample: () => perWaiter(size, prepared, measured),
      })),
      { rounds: Math.min(rounds, mostRounds) },
    );
  }
  yield await memory();
}

/**
 * @param {number} size
 * @param {(queue: Queue, size: number) => void} prepared
 * @param {(queue: Queue, size: number) => unknown} measured
 */
async function perWaiter(size, prepared, measured) {
  const times = Math.ceil(leastWaiters / size);
  let milliseconds = 0;
  for (let time = 0; time < times; time++) {
    const queue = await emptyQueue();
    prepared(queue, size);
    milliseconds += await processorTime(() => measured(queue, size));
    await queue.pool.shutdown(0);
  }
  // A full collection: what so many waiters leave behind is old by now.
  globalThis.gc?.();
  return (milliseconds * 1e6) / (times * size);
}

/** A pool of one connection, which is lent. */
async function emptyQueue() {
  const clock = new ManualClock();
  const pool = await filledOwnPool(1, { recycleAfterUses: 0 }, clock);
  return { pool, clock, lease: await pool.acquire(), controllers: [] };
}

/**
 * @param {Queue} queue
 * @param {number} size
 */
function join({ pool }, size) {
  for (let waiter = 0; waiter < size; waiter++) pool.acquire().catch(() => {});
}

/** @returns {Promise<import('../harness/results.mjs').Figures>} */
async function memory() {
  const size = 100_000;
  const { pool, lease } = await emptyQueue();
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let waiter = 0; waiter < size; waiter++) pool.acquire().catch(() => {});
  await new Promise(setImmediate);
  globalThis.gc?.();
  const waiters = (process.memoryUsage().heapUsed - before) / size;
  await pool.shutdown(0);
  lease.release();

  /** @type {(() => void)[]} */
  const settles = [];
  globalThis.gc?.();
  const beforeBare = process.memoryUsage().heapUsed;
  for (let waiter = 0; waiter < size; waiter++) {
    new Promise((resolve) => settles.push(() => resolve(undefined))).catch(() => {});
  }
  globalThis.gc?.();
  const bare = (process.memoryUsage().heapUsed - beforeBare) / size;
  for (const settle of settles) settle();
  return {
    kind: 'figures',
    title: `memory of ${size.toLocaleString('en-US')} waiters, their promises and handlers included`,
    columns: ['', 'bytes each'],
    rows: [
      ['a waiter', Math.round(waiters)],
      ['for comparison: a promise with a handler, and a function that settles it', Math.round(bare)],
    ],
  };
}
