// What savepoints cost: keeping the calls of a transaction, and a rollback after 10, 100 and 1,000 of them, in batches
// against the same calls sent one by one. Rounds are paired: in each one every candidate does the same work, in an order
// that changes. The second half has 5 ms of latency: every answer of the engine comes that much later.
//
//   npm run build && node bench/savepoint.bench.mjs [url] [rounds]
import { setTimeout as sleep } from 'node:timers/promises';
import { createNodeEngines } from '@surrealdb/node';
import { BoundQuery, RecordId, Table } from 'surrealdb';
import { Transport } from '../dist/connection/transport.js';
import { createPool } from '../dist/index.js';

const [url = 'mem://', rounds = '11'] = process.argv.slice(2);
const place = { namespace: 'bench', database: 'bench' };
const settings = { openTimeout: 5_000, probeTimeout: 2_000, livenessTimeout: 0 };

// All calls of an embedded engine go through this method.
let latency = 0;
const { prototype } = Object.values(createNodeEngines())[0]({ options: {} }).constructor;
const { send } = prototype;
prototype.send = async function (request) {
  const answer = send.call(this, request);
  if (latency > 0) await sleep(latency);
  return await answer;
};

// A path can be opened only once in a process.
const beside = /^(rocksdb|surrealkv):/.test(url) ? `${url}-by-hand` : url;
const transport = await Transport.open(beside, settings, AbortSignal.timeout(5_000));
const session = await transport.attach();
await transport.protocol.use(place, session);
const pool = await createPool(url, { ...place, minConnections: 1 });
const held = await pool.acquire();

const row = (index) => new RecordId('row', index % 100);
const select = (index) => new BoundQuery('SELECT * FROM $row', { row: row(index) });
const update = (index) => new BoundQuery('UPDATE $row SET value += $by', { row: row(index), by: index });
const create = (index) => new BoundQuery('CREATE $row SET value = $by', { row: new RecordId('new', index), by: index });
const mixes = {
  reads: select,
  'reads and updates': (index) => (index % 2 === 0 ? select(index) : update(index)),
  'reads, updates, new records': (index) => [select, update, create][index % 3](index),
};
const setUp = new BoundQuery(
  'DEFINE TABLE new; FOR $index IN 0..100 { CREATE type::record("row", $index) SET value = 0 }',
);
for await (const { error } of transport.query(setUp, session)) if (error) throw error;
await held.query(setUp);

async function byHand(calls) {
  const { protocol } = transport;
  const transaction = await protocol.begin(session);
  for (const query of calls) {
    for await (const { error } of transport.query(query, session, transaction)) if (error) throw error;
  }
  return transaction;
}

const median = (values) => {
  const sorted = [...values].sort((one, other) => one - other);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};
/** The 95 % interval of the median, by the ranks that hold it. */
function interval(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const half = 0.98 * Math.sqrt(sorted.length);
  const at = (rank) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(rank)))];
  return [at(sorted.length / 2 - half - 1), at(sorted.length / 2 + half)];
}
async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
/** Times of each candidate, in milliseconds; the first rounds warm up. */
async function measure(candidates, count) {
  const names = Object.keys(candidates);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -2; round < count; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length];
      const time = await candidates[name]();
      if (round >= 0) times[name].push(time);
    }
  }
  return times;
}

console.log(
  `${url}, ${rounds} paired rounds\n\n## Keeping the calls: 100 calls in a transaction that is rolled back\n`,
);
console.log('| mix | candidate | µs a call, median | of the first, median | 95 % interval |\n|---|---|---|---|---|');
for (const [mix, make] of Object.entries(mixes)) {
  const calls = Array.from({ length: 100 }, (_, index) => make(index));
  const run = (options) => async () => {
    const transaction = await held.beginTransaction(options);
    const time = await timed(async () => {
      for (const query of calls) await transaction.query(query);
    });
    await transaction.rollback();
    return time;
  };
  const none = run({ savepoints: false });
  const times = await measure(
    { 'savepoints: false': none, 'the same again (A/A)': none, kept: run({}) },
    3 * Number(rounds),
  );
  for (const [name, own] of Object.entries(times)) {
    const ratios = own.map((time, round) => time / times['savepoints: false'][round]);
    const [low, high] = interval(ratios).map((value) => value.toFixed(3));
    console.log(
      `| ${mix} | ${name} | ${(median(own) * 10).toFixed(1)} | ${median(ratios).toFixed(3)} | ${low} to ${high} |`,
    );
  }
}

/** A rollback to a savepoint after these calls, with one more behind it. */
async function rollback(calls) {
  const transaction = await held.beginTransaction();
  for (const query of calls) await transaction.query(query);
  const savepoint = await transaction.savepoint();
  await transaction.delete(new Table('new'));
  const late = latency;
  latency = this.latency;
  const time = await timed(() => savepoint.rollback());
  latency = late;
  await transaction.rollback();
  return time;
}
/** The same calls again, one by one, in a second transaction that takes the place of the first. */
async function oneByOne(calls) {
  const first = await byHand(calls);
  latency = this.latency;
  let second;
  const time = await timed(async () => {
    second = await byHand(calls);
    await transport.protocol.cancel(first, session);
  });
  latency = 0;
  await transport.protocol.cancel(second, session);
  return time;
}

for (const delay of [0, 5]) {
  console.log(`\n## A rollback, ${delay} ms of latency\n`);
  console.log(
    '| mix | calls before | one by one, ms | in batches, ms | times faster, median | 95 % interval |\n|---|---|---|---|---|---|',
  );
  for (const [mix, make] of Object.entries(mixes)) {
    for (const size of [10, 100, 1000]) {
      const calls = Array.from({ length: size }, (_, index) => make(index));
      // With latency a thousand calls one by one take seconds.
      const count = delay > 0 && size === 1000 ? 3 : Number(rounds);
      const times = await measure(
        { one: oneByOne.bind({ latency: delay }, calls), batches: rollback.bind({ latency: delay }, calls) },
        count,
      );
      const ratios = times.one.map((time, round) => time / times.batches[round]);
      const [low, high] = interval(ratios).map((value) => value.toFixed(1));
      const cells = [median(times.one), median(times.batches)].map((value) => value.toFixed(2));
      console.log(`| ${mix} | ${size} | ${cells.join(' | ')} | ${median(ratios).toFixed(1)} | ${low} to ${high} |`);
    }
  }
}
held.release();
await pool.shutdown();
await transport.close(AbortSignal.timeout(2_000));
