import {
  ChannelIterator,
  eq,
  Features,
  type LiveMessage,
  type QueryChunk,
  RecordId,
  SurrealQueryable,
  SurrealSession,
  SurrealTransaction,
  surql,
  Table,
  Uuid,
} from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { asController, conflictRetry, type QueryChannel } from '../../src/calls/query-channel.js';

// The pool's channel passes for the connection controller inside the SDK, which no type and no documentation promises.
// Each test here is one seam between the two. One that fails says which seam an SDK has changed: look at
// src/calls/query-channel.ts and src/pooled-connection.ts before the range of the peer dependency is widened.

class Queryable extends SurrealQueryable {}

/** What a channel may be asked for, and by which builders. */
type Member = keyof QueryChannel;

/** A channel that answers everything, and notes which of its members it was asked for. */
function recorder({ failing = false } = {}) {
  const used = new Set<string>();
  const live = Uuid.v4();
  const channel: QueryChannel = {
    ready: async () => {},
    async *query<T>(query: { query: string }): AsyncIterable<QueryChunk<T>> {
      if (failing) throw new Error('no');
      const type = query.query.startsWith('LIVE') ? 'live' : 'other';
      const result = [(type === 'live' ? live : { body: 1, status: 200 }) as T];
      yield { query: 0, batch: 0, kind: 'single', type, result };
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
  return { used, controller: asController(recording) };
}

/** The parameters that a class takes, as its code says: those with a default do not count in its `length`. */
function parametersOf(made: { toString(): string }): string[] {
  const [, parameters = ''] = /constructor\(([^)]*)\)/.exec(made.toString()) ?? [];
  return parameters.split(',').map((parameter) => parameter.trim().replace(/\s*=.*/, ''));
}

const [id, table] = [new RecordId('thing', 1), new Table('thing')];

/** Reads everything that comes. */
async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}

async function killed(subscription: { readonly isAlive: boolean; kill(): Promise<void> }): Promise<void> {
  expect(subscription.isAlive).toBe(true);
  await subscription.kill();
}

const collected: readonly Member[] = ['query', 'ready', 'retry'];
const subscribed: readonly Member[] = ['assertFeature', 'hasSession', 'liveQuery', ...collected, 'status'];

/** Each builder of the SDK in all its forms, and the members of the channel that it needs. */
const builders: Readonly<
  Record<string, { readonly run: (db: SurrealQueryable) => Promise<unknown>; readonly members: readonly Member[] }>
> = {
  query: {
    run: async (db) => {
      await db.query('RETURN 1');
      await db.query('RETURN 1').json();
      await db.query('RETURN 1').responses();
      await db.query('RETURN 1').retry();
      await db.query(surql`RETURN ${1}`).collect();
      await drain(db.query('RETURN 1').stream());
    },
    members: collected,
  },
  select: {
    run: async (db) => {
      await db.select(id).fields('a').where(eq('a', 1)).fetch('b');
      await drain(db.select(table).stream());
    },
    members: collected,
  },
  create: {
    run: async (db) => {
      await db.create(table).content({});
      await drain(db.create(id).stream());
    },
    members: collected,
  },
  insert: {
    run: async (db) => {
      await db.insert(table, [{ a: 1 }]);
      await drain(db.insert([{ id }]).stream());
    },
    members: collected,
  },
  update: {
    run: async (db) => {
      await db.update(id).merge({});
      await drain(db.update(table).patch([]).stream());
    },
    members: collected,
  },
  upsert: {
    run: async (db) => {
      await db.upsert(id).replace({});
      await drain(db.upsert(id).content({}).stream());
    },
    members: collected,
  },
  delete: {
    run: async (db) => {
      await db.delete(id);
      await drain(db.delete(table).stream());
    },
    members: collected,
  },
  relate: {
    run: async (db) => {
      await db.relate(id, table, id);
      await drain(db.relate([id], table, [id], {}).stream());
    },
    members: collected,
  },
  run: {
    run: async (db) => {
      await db.run('fn::one', [1]);
      await db.run('ml::one', '1.0.0', [1]);
      await drain(db.run('fn::one').stream());
    },
    members: collected,
  },
  auth: {
    run: async (db) => {
      await db.auth();
      await drain(db.auth().stream());
    },
    members: collected,
  },
  api: {
    run: async (db) => {
      await db.api().get('/one');
      await db.api('/prefix').post('/one', { a: 1 });
    },
    members: ['assertFeature', ...collected],
  },
  live: {
    run: async (db) => killed(await db.live(table)),
    members: [...subscribed, 'subscribe'],
  },
  liveOf: {
    run: async (db) => killed(await db.liveOf(Uuid.v4())),
    members: subscribed,
  },
};

describe('seam "constructors"', () => {
  test('SurrealQueryable takes a connection, a session and a transaction, and nothing else', () => {
    expect(SurrealQueryable.length).toBe(3);
    expect(parametersOf(SurrealQueryable)).toEqual(['connection', 'session', 'transaction']);
  });

  test('SurrealSession takes a connection and a session, and nothing else', () => {
    expect(SurrealSession.length).toBe(2);
    expect(parametersOf(SurrealSession)).toEqual(['connection', 'session']);
  });

  test('SurrealTransaction takes a connection, a session and a transaction, and nothing else', () => {
    expect(SurrealTransaction.length).toBe(3);
    expect(parametersOf(SurrealTransaction)).toEqual(['connection', 'session', 'transaction']);
  });
});

describe('seam "members of a class": one that an SDK adds would work past the lease', () => {
  const membersOf = ({ prototype }: { prototype: object }) =>
    Object.getOwnPropertyNames(prototype)
      .filter((name) => name !== 'constructor')
      .sort();

  test('SurrealQueryable has the builders that are tried below, and nothing else', () => {
    expect(membersOf(SurrealQueryable)).toEqual(Object.keys(builders).sort());
  });

  test('SurrealSession has what a lease overrides or refuses', () => {
    expect(membersOf(SurrealSession)).toEqual(
      [
        ...['accessToken', 'database', 'isValid', 'namespace', 'parameters', 'session'],
        ...['authenticate', 'invalidate', 'signin', 'signup'],
        ...['beginTransaction', 'closeSession', 'forkSession', 'reset', 'set', 'subscribe', 'unset', 'use'],
      ].sort(),
    );
  });

  test('SurrealTransaction has commit() and cancel()', () => {
    expect(membersOf(SurrealTransaction)).toEqual(['cancel', 'commit']);
  });
});

describe('seam "members of the channel"', () => {
  test.each(Object.entries(builders))('what %s() uses', async (_name, { run, members }) => {
    const { used, controller } = recorder();
    await run(new Queryable(controller, Uuid.v4()));
    expect([...used].sort()).toEqual([...members].sort());
  });

  test('what a live query uses that cannot be subscribed', async () => {
    const { used, controller } = recorder({ failing: true });
    await expect(new Queryable(controller, Uuid.v4()).live(table).then()).rejects.toThrow();
    expect(used).toContain('propagateError');
  });

  test('what a session uses while it is made: it subscribes to two events, with which a lease has nothing to do', () => {
    const events: unknown[] = [];
    const { used, controller } = recorder();
    const listening = new Proxy(controller, {
      get: (target, name) =>
        name === 'subscribe'
          ? (event: unknown) => {
              events.push(event);
              return () => {};
            }
          : Reflect.get(target, name),
    });
    // The constructor is protected by its types only.
    Reflect.construct(SurrealSession, [listening, Uuid.v4()]);
    expect(events).toEqual(['auth', 'using']);
    expect([...used]).toEqual([]);
  });

  test('what a transaction uses: nothing of the channel while it is made', () => {
    const { used, controller } = recorder();
    Reflect.construct(SurrealTransaction, [controller, Uuid.v4(), Uuid.v4()]);
    expect([...used]).toEqual([]);
  });
});

describe('seam "chunks of an answer"', () => {
  test('their kinds are these three', () => {
    // A kind that an SDK adds or drops is an error of the compiler here.
    const kinds: Record<QueryChunk<unknown>['kind'], true> = { single: true, batched: true, 'batched-final': true };
    expect(Object.keys(kinds)).toHaveLength(3);
  });

  const chunk = { query: 0, batch: 0 } as const;
  test.each<[kind: string, chunks: readonly QueryChunk<unknown>[], result: unknown]>([
    ['single', [{ ...chunk, kind: 'single', type: 'other', result: [1] }], 1],
    ['batched-final', [{ ...chunk, kind: 'batched-final', type: 'other', result: [1] }], [1]],
    [
      'batched',
      [
        { ...chunk, kind: 'batched', type: 'other', result: [1] },
        { ...chunk, kind: 'batched-final', type: 'other', result: [2] },
      ],
      [1, 2],
    ],
  ])('the SDK makes of %s what the pool makes of it', async (_kind, chunks, result) => {
    const { controller } = recorder();
    const answering = new Proxy(controller, {
      get: (target, name) =>
        name === 'query'
          ? async function* () {
              yield* chunks;
            }
          : Reflect.get(target, name),
    });
    expect(await new Queryable(answering, Uuid.v4()).query('RETURN 1')).toEqual([result]);
  });
});

describe('seam "features"', () => {
  test('live queries are named so, by which the pool refuses them without a lease', () => {
    expect(Features.LiveQueries.name).toBe('live-queries');
  });
});
