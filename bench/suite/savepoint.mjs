import { setTimeout as sleep } from 'node:timers/promises';
import { createNodeEngines } from '@surrealdb/node';
import { BoundQuery, RecordId } from 'surrealdb';
import { createPool } from '../../dist/index.js';
import { Call } from '../../src/calls/call.js';
import { CallLog } from '../../src/savepoints/call-log.js';
import { keptIn } from '../../src/savepoints/kept-calls.js';
import { RecordingCodec } from '../../src/wire/recording-codec.js';
import { Transport } from '../../src/wire/transport.js';
import { compare } from '../harness/paired.mjs';

export const question = 'what do savepoints cost: keeping the calls, and a rollback in batches against one by one?';

const place = { namespace: 'bench', database: 'bench' };
const row = (/** @type {number} */ index) => new RecordId('row', index % 100);
const select = (/** @type {number} */ index) => new BoundQuery('SELECT * FROM $row', { row: row(index) });
const update = (/** @type {number} */ index) =>
  new BoundQuery('UPDATE $row SET value += $by', { row: row(index), by: index });
const create = (/** @type {number} */ index) =>
  new BoundQuery('CREATE $row SET value = $by', { row: new RecordId('new', index), by: index });
/** @type {Record<string, (index: number) => BoundQuery>} */
const mixes = {
  reads: select,
  'reads and updates': (index) => (index % 2 === 0 ? select : update)(index),
  'reads, updates, new records': (index) => ([select, update][index % 3] ?? create)(index),
};
const rows = new BoundQuery(
  'DEFINE TABLE new; FOR $index IN 0..100 { CREATE type::record("row", $index) SET value = 0 }',
);

/** How much later every answer of the embedded engine comes, in milliseconds. */
let latency = 0;

/** All calls of an embedded engine go through one method; from now on their answers may come late. */
function delayAnswers() {
  const context = /** @type {import('surrealdb').DriverContext} */ (/** @type {unknown} */ ({ options: {} }));
  const engine = createNodeEngines().mem?.(context);
  const prototype = Object.getPrototypeOf(engine);
  const { send } = prototype;
  prototype.send = async function (/** @type {unknown} */ request) {
    const answer = send.call(this, request);
    if (latency > 0) await sleep(latency);
    return await answer;
  };
}

/**
 * What is kept of a call, with an engine that only encodes and decodes.
 *
 * @param {BoundQuery} query
 */
function keeping(query) {
  const codec = new RecordingCodec();
  const row = { id: new RecordId('row', 1), value: 3 };
  const reply = codec.encode([{ result: [row], status: 'OK', time: '55.0µs' }]).slice();
  /** @param {Call} call */
  const send = async ({ details: { text, bindings, recording } }) => {
    const exchange = async () => {
      codec.encode({ id: '1', method: 'query', params: [text, bindings] });
      await null;
      return codec.decode(reply);
    };
    await (recording === undefined ? exchange() : codec.record(exchange, recording));
    return [];
  };
  /** @param {(call: Call) => Promise<unknown>} ask */
  const sample = (ask) => async () => {
    const time = await timed(async () => {
      for (let times = 0; times < 1_000; times++) await ask(Call.of(query));
    });
    return time / 1_000;
  };
  return [
    { name: 'sent', sample: sample(send) },
    {
      name: 'sent and kept',
      sample: () => {
        const kept = keptIn(new CallLog());
        return sample((call) => kept(call, send))();
      },
    },
  ];
}

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  for (const [mix, make] of Object.entries({ read: select, update })) {
    yield await compare(`what keeping a call costs: ${mix}`, keeping(make(1)), { rounds, unit: 'µs' });
  }
  delayAnswers();
  const settings = { openTimeout: 5_000, probeTimeout: 2_000, livenessTimeout: 0 };
  const transport = await Transport.open({ url: 'mem://' }, settings, AbortSignal.timeout(5_000));
  const session = await transport.attach();
  await transport.use(place, session);
  const pool = await createPool('mem://', { ...place, minConnections: 1 });
  const held = await pool.acquire();
  for (const { error } of await transport.query(rows, session)) if (error) throw error;
  await held.query(rows);

  /** @param {readonly BoundQuery[]} calls */
  const byHand = async (calls) => {
    const transaction = await transport.begin(session);
    for (const query of calls) {
      for (const { error } of await transport.query(query, session, transaction)) if (error) throw error;
    }
    return transaction;
  };

  for (const [mix, make] of Object.entries(mixes)) {
    const calls = Array.from({ length: 100 }, (_, index) => make(index));
    /** @param {boolean} savepoints */
    const kept = (savepoints) => async () => {
      const transaction = await held.beginTransaction({ savepoints });
      const time = await timed(async () => {
        for (const query of calls) await transaction.query(query);
      });
      await transaction.rollback();
      return time / calls.length;
    };
    yield await compare(
      `one call of 100 in a transaction: ${mix}`,
      [
        { name: 'savepoints: false', sample: kept(false) },
        { name: 'calls are kept', sample: kept(true) },
      ],
      { rounds, unit: 'µs' },
    );
  }

  /** What stands behind the savepoint: a write needs a witness, reads do not. */
  const behind = {
    'undoing a read': () => new BoundQuery('SELECT * FROM $row', { row: row(1) }),
    'undoing a write': () => new BoundQuery('UPDATE $row SET value += 1', { row: row(1) }),
  };
  for (const delay of [0, 5]) {
    for (const [mix, make] of Object.entries(mixes)) {
      for (const size of [10, 100, 1_000]) {
        const calls = Array.from({ length: size }, (_, index) => make(index));
        const oneByOne = async () => {
          const first = await byHand(calls);
          latency = delay;
          let second = first;
          const time = await timed(async () => {
            second = await byHand(calls);
            await transport.cancel(first, session);
          });
          latency = 0;
          await transport.cancel(second, session);
          return time;
        };
        /** @param {() => BoundQuery} undone */
        const rollback = (undone) => async () => {
          const transaction = await held.beginTransaction();
          for (const query of calls) await transaction.query(query);
          const savepoint = await transaction.savepoint();
          await transaction.query(undone());
          latency = delay;
          const time = await timed(() => savepoint.rollback());
          latency = 0;
          await transaction.rollback();
          return time;
        };
        const rollbacks = Object.entries(behind).map(([name, undone]) => ({ name, sample: rollback(undone) }));
        yield await compare(
          `a rollback after ${size} calls (${mix}), ${delay} ms of latency`,
          [{ name: 'the calls again, one by one', sample: oneByOne }, ...rollbacks],
          // One by one with latency a thousand calls take seconds.
          { rounds: delay * size > 1_000 ? Math.min(rounds, 3) : rounds, unit: 'µs' },
        );
      }
    }
  }
  held.release();
  await pool.shutdown({ gracePeriod: 0 });
  await transport.close(AbortSignal.timeout(2_000));
}

/**
 * In nanoseconds.
 *
 * @param {() => Promise<unknown>} work
 */
async function timed(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) * 1e6;
}
