import { describe, expect, test } from 'vitest';
import type { PoolOptions } from '../../src/index.js';
import { Forwarder } from '../support/forwarder.js';
import { judged, ListAppend, type ListAppendOptions, withUndoneReads } from '../support/list-append.js';
import { seededRandom } from '../support/seeded-random.js';
import { cuts } from '../support/socket-cuts.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

// Transactions that append to lists and read them, with others that write at the same time. From what each of them saw
// follows in which order they were: see support/serialization-graph.ts.

const own = surroundings(rocksdbUrl());
const seed = Number(process.env.LIST_APPEND_SEED ?? Math.trunc(Math.random() * 2 ** 31));

const patient: Partial<PoolOptions> = {
  maxConnections: 8,
  connectionTimeout: '30s',
  circuitBreaker: { failureThreshold: 0 },
  retryPolicy: { initialBackoff: 1, maxBackoff: 20 },
};

type Others = Pick<ListAppendOptions, 'savepoints' | 'transactionsEach'>;

/** Runs it in a process of its own database, without any fault. */
async function embedded(others: Others): Promise<void> {
  const pool = await own.pool(rocksdbUrl(), patient);
  const ask = async (text: string) => await pool.query(text);
  const run = new ListAppend(pool, {
    seed,
    workers: 6,
    writers: 2,
    verifyCommit: false,
    faults: false,
    ask,
    ...others,
  });
  const history = await run.run();
  expect(judged(history, seed)).toBe('');
  expect(run.unexpected).toEqual([]);
  expect(pool.poolStats().transactions).toMatchObject({ open: 0, lost: 0, unknown: 0 });
  check(run, withUndoneReads(history), others);
}

function check({ tally }: ListAppend, undoneReads: number, { savepoints }: Others): void {
  const { committed, singles, undone } = tally;
  expect(Math.min(committed, singles), JSON.stringify(tally)).toBeGreaterThan(10);
  if (savepoints) expect(Math.min(undone, undoneReads), `undone: ${JSON.stringify(tally)}`).toBeGreaterThan(0);
}

describe(`transactions beside others that write, seed ${seed}`, () => {
  test('see one snapshot each, and lose nothing: without savepoints', () =>
    embedded({ savepoints: false, transactionsEach: 30 }));

  test('see one snapshot each, and lose nothing: with parts that are undone', () =>
    embedded({ savepoints: true, transactionsEach: 40 }));
});

describe(`transactions over sockets that are cut at random, seed ${seed}`, () => {
  const others = { savepoints: true, transactionsEach: 30 };
  const options = { seed, workers: 4, writers: 2, verifyCommit: true, faults: true, ...others };
  const ask = (text: string) => own.engine.query(text, place);

  test('see one snapshot each, and lose nothing, when the server goes away during a call', async () => {
    const front = await own.listen();
    const run = new ListAppend(await own.connect(front, patient), { ...options, ask });
    front.onRequest = cuts(seededRandom(seed));
    const history = await run.run();
    expect(judged(history, seed)).toBe('');
    expect(run.unexpected).toEqual([]);
    expect(run.tally.unknown).toBe(0);
    check(run, withUndoneReads(history), others);
  });

  test('see one snapshot each, and lose nothing, when the network resets all connections', async () => {
    const random = seededRandom(seed);
    const front = await own.listen();
    const network = await Forwarder.listen(front.port);
    try {
      const run = new ListAppend(await own.pool(network.url, patient), { ...options, ask });
      front.onRequest = ({ method }) => {
        if (method !== 'ping' && random() < 0.01) network.cut();
        return 'pass';
      };
      const history = await run.run();
      expect(judged(history, seed)).toBe('');
      expect(run.unexpected).toEqual([]);
      expect(run.tally.unknown).toBe(0);
      check(run, withUndoneReads(history), others);
    } finally {
      await network.close();
    }
  });
});
