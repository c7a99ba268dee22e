import { type LiveMessage, type LiveSubscription, RecordId, Table, type Tokens, type Uuid } from 'surrealdb';
import type { PooledConnection } from '../../src/index.js';
import { between, oneOf, type Random } from '../support/seeded-random.js';
import { places, root, signIns, tables, variables } from './isolation-agents.js';
import type { Kept } from './kept-objects.js';

/** A lease to which things are done. */
export interface Held {
  readonly connection: PooledConnection;
  readonly random: Random;
  /** The tokens of every user that leases sign in as. */
  readonly tokens: readonly Tokens[];
  /** Set by the moment of the release. */
  over: boolean;
  /** The live queries that were started in it. */
  readonly lives: Uuid[];
  /** What is used after the release. */
  readonly kept: Kept[];
  /** Ends what is under way, if the lease was acquired with a signal. */
  readonly abort: AbortController | undefined;
  /** Told when what must never be is seen. */
  wrong(what: string): void;
}

type Change = (held: Held) => Promise<unknown>;

const news = new Table(tables.news);
const left = new Table(tables.left);

/** A message reached a reader: never one of a lease that is over. */
function heard(held: Held, reader: string, message: LiveMessage): void {
  if (held.over && message.action !== 'KILLED') held.wrong(`${reader} got ${message.action} after the release`);
}

/** What a kept object rejects with that is over without a reason. */
export const over: Error = new Error('it is over');

/** Reads a subscription in both ways, one of them not at once, and keeps everything for later. */
function read(held: Held, live: LiveSubscription): void {
  if (held.random() < 0.5) live.subscribe((message) => heard(held, 'a handler', message));
  const [waiting, asleep] = [live[Symbol.asyncIterator](), live[Symbol.asyncIterator]()];
  const pump = async (): Promise<void> => {
    for (let next = await waiting.next(); next.done !== true; next = await waiting.next()) {
      heard(held, 'an iterator', next.value);
    }
  };
  pump().catch(() => {});
  held.kept.push({
    name: 'an iterator',
    use: async () => {
      const next = await asleep.next();
      if (next.done !== true) held.wrong('an iterator that was kept gave a message');
      // It tells of its end once, and is then over.
      throw over;
    },
  });
  held.kept.push({ name: 'a live subscription', use: async () => live[Symbol.asyncIterator]() });
}

async function liveByText(held: Held): Promise<void> {
  const [id] = await held.connection.query<[Uuid]>(`LIVE SELECT * FROM ${tables.news}`);
  held.lives.push(id);
  if (held.random() < 0.5) read(held, await held.connection.liveOf(id));
}

async function leftOpen({ connection, kept, random }: Held): Promise<void> {
  const transaction = await connection.beginTransaction({ allowWithoutUser: true });
  await transaction.create(left).content({ n: 1 });
  if (random() < 0.5) {
    const savepoint = await transaction.savepoint();
    await transaction.create(left).content({ n: 2 });
    if (random() < 0.5) await savepoint.rollback();
    kept.push({ name: 'a rollback to a savepoint', use: () => savepoint.rollback() });
  }
  const query = transaction.query(`CREATE ${tables.late}`);
  kept.push(
    { name: 'a query of a transaction', use: () => query.collect() },
    { name: 'a transaction', use: () => transaction.query(`CREATE ${tables.late}`).collect() },
    { name: 'the commit of a transaction', use: () => transaction.commit() },
  );
}

async function cutOff({ abort, connection }: Held): Promise<void> {
  const slow = connection.query(`SLEEP 30ms; CREATE ${tables.between}`).collect();
  abort?.abort(new Error('enough of it'));
  await slow;
}

const change = (random: Random): [string, unknown] => [
  oneOf(random, variables),
  oneOf<unknown>(random, ['stolen', 7, { deep: ['one'] }, null, new RecordId('person', 'ada')]),
];

/** Everything that a lease can change. Each is also made without waiting for it, just before the release. */
export const changes: Readonly<Record<string, Change>> = {
  set: ({ connection, random }) => connection.set(...change(random)),
  unset: ({ connection, random }) => connection.unset(oneOf(random, variables)),
  'unset all': ({ connection }) => Promise.all(variables.map((name) => connection.unset(name))),
  use: ({ connection, random }) => connection.use(oneOf(random, places)),
  signin: ({ connection, random }) => connection.signin(signIns[random() < 0.02 ? between(random, 0, 2) : 3] as never),
  'signin refused': ({ connection }) =>
    connection.signin({ ...places[0], access: 'person', variables: { name: 'nobody' } }),
  signup: ({ connection, random }) =>
    connection.signup({ ...oneOf(random, places), access: 'person', variables: { name: 'Eve' } }),
  authenticate: ({ connection, random, tokens }) => connection.authenticate(oneOf(random, tokens as [Tokens]).access),
  'authenticate refused': ({ connection }) => connection.authenticate('not.a.token'),
  invalidate: ({ connection }) => connection.invalidate(),
  live: async (held) => {
    const live = await held.connection.live(news);
    held.lives.push(live.id);
    read(held, live);
  },
  LIVE: liveByText,
  'LIVE after a failure': ({ connection }) =>
    connection.query(`THROW "no"; LIVE SELECT * FROM ${tables.news}; THROW "no"`).responses(),
  'LIVE whose answer is not read': async ({ connection }) => {
    for await (const _ of connection.query(`LIVE SELECT * FROM ${tables.news}; RETURN 1`).stream()) break;
  },
  'LIVE elsewhere': ({ connection, random }) => {
    const { namespace, database } = oneOf(random, places);
    return connection.query(`USE NS ${namespace} DB ${database}; LIVE SELECT * FROM ${tables.news}`).collect();
  },
  KILL: async (held) => {
    const [id] = await held.connection.query<[Uuid]>(`LIVE SELECT * FROM ${tables.news}`);
    await held.connection.query('KILL $id', { id });
  },
  'a transaction left open': leftOpen,
  'a transaction with savepoints': ({ connection }) =>
    connection.withTransaction(
      async (transaction) => {
        await transaction.create(new Table(tables.between)).content({ n: 1 });
        const savepoint = await transaction.savepoint('one');
        await transaction.create(left).content({ n: 2 });
        await savepoint.rollback();
      },
      { allowWithoutUser: true },
    ),
  'a transaction that is rolled back': async ({ connection }) => {
    const transaction = await connection.beginTransaction({ allowWithoutUser: true });
    await transaction.create(left).content({ n: 3 });
    await transaction.rollback();
  },
  'USE, LET and BEGIN in a text': ({ connection, random }) => {
    const { namespace, database } = oneOf(random, places);
    const [name, value] = change(random);
    const ascii = name.normalize('NFD').replace(/\W/g, '');
    return connection
      .query(`USE NS ${namespace} DB ${database}; LET $${ascii} = $value; RETURN $${ascii}; BEGIN; RETURN 1`, { value })
      .responses();
  },
  'a query cut off': cutOff,
  'several at once': ({ connection, random }) =>
    Promise.all([
      connection.set(...change(random)),
      connection.query(`CREATE ${tables.between}`).collect(),
      connection.use(oneOf(random, places)),
      connection.query('RETURN session::db()').collect(),
      connection.unset(oneOf(random, variables)),
    ]),
  'a write': ({ connection }) => connection.query(`CREATE ${tables.between}`).collect(),
  root: ({ connection, tokens }) => connection.authenticate(tokens[signIns.indexOf(root)]?.access ?? ''),
  'marked for recycling': async ({ connection, random }) => {
    // Seldom: only a connection that is lent again could show anything.
    if (random() < 0.2) connection.markForRecycling();
  },
};
