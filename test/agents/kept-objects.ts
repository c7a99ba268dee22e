import { RecordId, surql, Table } from 'surrealdb';
import type { PooledConnection } from '../../src/index.js';
import { places, tables } from './isolation-agents.js';

/** Something that was made from a connection while it was lent, and the way to use it later. */
export interface Kept {
  readonly name: string;
  /** Whatever it would send writes to the table `late`, where its effect would be found. */
  use(): Promise<unknown>;
}

const late = new Table(tables.late);
const text = `CREATE ${tables.late}`;

const makers: readonly [string, (connection: PooledConnection) => () => Promise<unknown>][] = [
  ['the connection', (connection) => () => connection.query(text).collect()],
  [
    'connection()',
    (connection) => {
      const session = connection.connection();
      return () => session.query(text).collect();
    },
  ],
  [
    'a query',
    (connection) => {
      const query = connection.query(text);
      return () => query.collect();
    },
  ],
  [
    'a query asked for its responses',
    (connection) => {
      const query = connection.query(surql`CREATE late`);
      return () => query.responses();
    },
  ],
  [
    'a stream',
    (connection) => {
      const query = connection.query(text);
      return () => query.stream()[Symbol.asyncIterator]().next();
    },
  ],
  [
    'create()',
    (connection) => {
      const builder = connection.create(late).content({ n: 1 });
      return () => builder.then();
    },
  ],
  [
    'insert()',
    (connection) => {
      const builder = connection.insert(late, [{ n: 1 }]);
      return () => builder.then();
    },
  ],
  [
    'upsert()',
    (connection) => {
      const builder = connection.upsert(new RecordId(tables.late, 1)).merge({ n: 2 });
      return () => builder.then();
    },
  ],
  [
    'relate()',
    (connection) => {
      const [from, to] = [new RecordId('person', 'ada'), new RecordId('person', 'bob')];
      const builder = connection.relate(from, late, to);
      return () => builder.then();
    },
  ],
  [
    'live()',
    (connection) => {
      const live = connection.live(new Table(tables.news));
      return () => live.then();
    },
  ],
  ['use()', (connection) => () => connection.use(places[2])],
  ['set()', (connection) => () => connection.set('a', 'too late')],
  ['unset()', (connection) => () => connection.unset('tenant')],
  [
    'signup()',
    (connection) => () => connection.signup({ ...places[0], access: 'person', variables: { name: 'too late' } }),
  ],
  ['authenticate()', (connection) => () => connection.authenticate('too.late.ed')],
  ['invalidate()', (connection) => () => connection.invalidate()],
  ['beginTransaction()', (connection) => () => connection.beginTransaction()],
  [
    'withTransaction()',
    (connection) => () =>
      connection.withTransaction((transaction) => transaction.query(text).collect()).then(() => undefined),
  ],
  ['import()', (connection) => () => connection.import(`${text};`)],
  ['export()', (connection) => async () => await connection.export()],
  ['version()', (connection) => () => connection.version()],
  ['checkHealth()', (connection) => () => connection.checkHealth()],
];

/** Everything that can be kept of a connection. */
export function keepAll(connection: PooledConnection): Kept[] {
  return makers.map(([name, make]) => ({ name, use: make(connection) }));
}
