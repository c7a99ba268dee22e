import { RecordId } from 'surrealdb';
import { createPool } from '../../dist/index.js';
import { compare, computing, waiting } from '../harness/paired.mjs';
import { connectBelow } from '../support/below.mjs';
import { startServer } from '../support/server.mjs';
import { byCallers } from './query.mjs';

export const question = 'what do single calls gain by sharing connections and messages?';

const place = { namespace: 'bench', database: 'bench' };
const records = 200;

/** @typedef {{ query: (text: string, bindings?: Record<string, unknown>) => PromiseLike<unknown> }} Queryable */
/** @typedef {(from: Queryable) => PromiseLike<unknown>} Ask */

/** @type {[string, Ask][]} */
const statements = [
  ['RETURN 1', (from) => from.query('RETURN 1')],
  ['SELECT by id', (from) => from.query('SELECT * FROM $id', { id: anyRecord() })],
  ['UPDATE by id', (from) => from.query('UPDATE $id SET seen = $seen', { id: anyRecord(), seen: true })],
];

const anyRecord = () => new RecordId('thing', Math.floor(Math.random() * records));

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const server = await startServer();
  const below = await connectBelow(server.url);
  for (let id = 0; id < records; id++)
    await below.query('UPSERT $id SET name = "x"', { id: new RecordId('thing', id) });
  /** @type {[string, object][]} */
  const options = [
    ['20 connections', { maxConnections: 20 }],
    ['20 connections on 5 sockets', { maxConnections: 20, sessionsPerTransport: 4 }],
    ['4 connections', { maxConnections: 4 }],
    ['20, batching: waiting', { maxConnections: 20, batching: 'waiting' }],
    ['4, batching: waiting', { maxConnections: 4, batching: 'waiting' }],
    ['20, neither batching nor pipelining', { maxConnections: 20, batching: 'off', pipelining: 1 }],
  ];
  /** @type {[string, import('../../dist/index.js').ConnectionManager][]} */
  const pools = [];
  for (const [name, more] of options) {
    pools.push([name, await createPool(server.url, { ...place, minConnections: 0, maxConnecting: 8, ...more })]);
  }
  /** @type {[string, Queryable][]} */
  const contenders = [['the SDK, one session', below], ...pools];
  for (const callers of [1, 16, 64]) {
    for (const [what, ask] of statements) {
      yield await compare(
        `${what}, ${callers} ${callers === 1 ? 'caller' : 'callers'}, ${server.what}`,
        contenders.map(([name, from]) => waiting(name, (times) => byCallers(callers, times, () => ask(from)))),
        { rounds, unit: 'µs' },
      );
    }
  }
  const [[what, ask] = ['', () => Promise.resolve()]] = statements;
  yield await compare(
    `${what}, 64 callers: processor time of this process`,
    contenders.map(([name, from]) => computing(name, (times) => byCallers(64, times, () => ask(from)))),
    { rounds, unit: 'µs' },
  );
  for (const [, pool] of pools) await pool.shutdown({ gracePeriod: 0 });
  await below.close();
  server.stop();
}
