import {
  ChannelIterator,
  eq,
  Features,
  type LiveMessage,
  type QueryChunk,
  RecordId,
  SurrealQueryable,
  surql,
  Table,
  Uuid,
} from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { asController, conflictRetry, type QueryChannel } from '../../src/calls/query-channel.js';

/** All that the SDK's queries, builders and subscriptions may use of the object they were made with. */
const members = [
  'assertFeature',
  'hasSession',
  'liveQuery',
  'propagateError',
  'query',
  'ready',
  'retry',
  'status',
  'subscribe',
];

class Queryable extends SurrealQueryable {}

/** A channel that answers everything and notes which of its members were asked for. */
function recorder({ failing = false } = {}) {
  const used = new Set<string>();
  const live = Uuid.v4();
  const channel: QueryChannel = {
    ready: async () => {},
    async *query<T>(query: { query: string }): AsyncIterable<QueryChunk<T>> {
      if (failing) throw new Error('no');
      const type = query.query.startsWith('LIVE') ? 'live' : 'other';
      yield {
        query: 0,
        batch: 0,
        kind: 'single',
        type,
        result: [(type === 'live' ? live : { body: 1, status: 200 }) as T],
      };
    },
    liveQuery: () => new ChannelIterator<LiveMessage>(() => {}),
    retry: conflictRetry,
    status: 'connected',
    assertFeature: () => {},
    hasSession: () => true,
    subscribe: () => () => {},
    propagateError: () => {},
  };
  const recording = new Proxy(channel, {
    get(target, name) {
      if (typeof name === 'string') used.add(name);
      return Reflect.get(target, name);
    },
  });
  return { used, queryable: new Queryable(asController(recording), Uuid.v4()) };
}

describe('the inside of the SDK that we rely on', () => {
  test('is these members of the connection, and nothing else, whatever is called', async () => {
    const { used, queryable } = recorder();
    const [id, table] = [new RecordId('thing', 1), new Table('thing')];
    await queryable.query('RETURN 1');
    await queryable.query('RETURN 1').json();
    await queryable.query('RETURN 1').responses();
    await queryable.query('RETURN 1').retry();
    for await (const _ of queryable.query(surql`RETURN ${1}`).stream());
    await queryable.select(id).fields('a').where(eq('a', 1)).fetch('b');
    await queryable.create(table).content({});
    await queryable.insert(table, [{ a: 1 }]);
    await queryable.update(id).merge({});
    await queryable.upsert(id).replace({});
    await queryable.delete(id);
    await queryable.relate(id, table, id);
    await queryable.run('fn::one', [1]);
    await queryable.auth();
    await queryable.api().get('/one');
    for await (const _ of queryable.select(table).stream());
    const subscription = await queryable.live(table);
    expect(subscription.isAlive).toBe(true);
    await subscription.kill();
    const other = await queryable.liveOf(Uuid.v4());
    expect(other.isAlive).toBe(true);
    await other.kill();

    const broken = recorder({ failing: true });
    await expect(broken.queryable.live(table).then()).rejects.toThrow();
    expect([...new Set([...used, ...broken.used])].sort()).toEqual(members);
  });

  test('names the feature of live queries, by which the pool refuses them without a lease', () => {
    expect(Features.LiveQueries.name).toBe('live-queries');
  });
});
