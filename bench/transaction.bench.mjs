// What a transaction of the pool costs over a hand-written begin, query and commit on the transport below it.
// Rounds are paired: in each one every candidate does the same work, in an order that changes. The first candidate is
// measured twice, so that the table shows how far apart two equal things are.
//
//   npm run build && node bench/transaction.bench.mjs [url] [rounds] [transactions per round]
import { BoundQuery, RecordId } from 'surrealdb';
import { Transport } from '../dist/connection/transport.js';
import { createPool } from '../dist/index.js';

const [url = 'mem://', rounds = '41', size = '100'] = process.argv.slice(2);
const place = { namespace: 'bench', database: 'bench' };
const settings = { openTimeout: 5_000, probeTimeout: 2_000, livenessTimeout: 0 };

// A path can be opened only once in a process.
const beside = /^(rocksdb|surrealkv):/.test(url) ? `${url}-by-hand` : url;
const transport = await Transport.open(beside, settings, AbortSignal.timeout(5_000));
const session = await transport.attach();
await transport.protocol.use(place, session);
const pool = await createPool(url, { ...place, minConnections: 1 });
const held = await pool.acquire();

const row = new RecordId('row', 1);
const query = () => new BoundQuery('UPSERT $row SET value += 1', { row });

async function byHand() {
  const { protocol } = transport;
  const transaction = await protocol.begin(session);
  for await (const { error } of transport.query(query(), session, transaction)) if (error) throw error;
  await protocol.commit(transaction, session);
}

const work = (transaction) => transaction.query(query());
const candidates = {
  'begin, query, commit by hand': byHand,
  'the same again (A/A)': byHand,
  'connection.withTransaction()': () => held.withTransaction(work),
  'pool.withTransaction()': () => pool.withTransaction(work),
  'pool.withTransaction({ verifyCommit })': () => pool.withTransaction(work, { verifyCommit: true }),
};

const names = Object.keys(candidates);
const times = Object.fromEntries(names.map((name) => [name, []]));
for (let round = -3; round < Number(rounds); round++) {
  const order = names.map((_, index) => names[(index + round + names.length) % names.length]);
  for (const name of order) {
    const run = candidates[name];
    const began = performance.now();
    for (let count = 0; count < Number(size); count++) await run();
    // The first rounds warm up.
    if (round >= 0) times[name].push((performance.now() - began) / Number(size));
  }
}

const median = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
const ascending = (values) => [...values].sort((one, other) => one - other);
/** The 95 % interval of the median, by the ranks that hold it. */
function interval(values) {
  const sorted = ascending(values);
  const half = 0.98 * Math.sqrt(sorted.length);
  const at = (rank) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(rank)))];
  return [at(sorted.length / 2 - half - 1), at(sorted.length / 2 + half)];
}

const [first] = names;
console.log(`${url}, ${rounds} paired rounds of ${size} transactions with one UPSERT each\n`);
console.log('| candidate | ms, median | of the first, median | 95 % interval |\n|---|---|---|---|');
for (const name of names) {
  const ratios = times[name].map((time, round) => time / times[first][round]);
  const [low, high] = interval(ratios);
  const cells = [median(ascending(times[name])), median(ascending(ratios))].map((value) => value.toFixed(3));
  console.log(`| ${name} | ${cells.join(' | ')} | ${low.toFixed(3)} to ${high.toFixed(3)} |`);
}
held.release();
await pool.shutdown();
await transport.close(AbortSignal.timeout(2_000));
